"""Check `address`: whether Graph reaches the app's addresses, and is answered as it wants to be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from shared.doctor.check import Check
from shared.doctor.commands import Commands
from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.doctor.handshake import NO_CONNECTION, SLOW, Shaken, is_public, resolved, shake, tls_1_2
from shared.doctor.probe import Probe, Probed
from shared.doctor.telling import AGAIN, told
from shared.errors import Transient, VaultpostError
from shared.graph.faults import Refused
from shared.settings import Settings, is_loopback
from shared.subscription_plan import Watched

ADDRESS = "address"
_FROM_GRAPH = "from Graph"
Target = tuple[Watched, str]
"""A folder to subscribe to for a moment, and the secret that client states are signed with."""


@dataclass(frozen=True)
class Address:
    """The check. `target` gives a folder that can be read, or None where there is none to be had.

    What Graph sees decides: an app may be closed to itself, and open to Graph.
    """

    settings: Settings
    probe: Callable[[], Probe]
    target: Callable[[], Awaitable[Target | None]]

    def check(self) -> Check:
        """`address`."""
        return Check(ADDRESS, self._run, needs=("settings",))

    async def _run(self) -> list[Finding]:
        of_name = await self._name()
        if of_name.status == "failed":
            return await self._as_graph_sees(of_name)
        addresses = (self.settings.notifications_address, self.settings.lifecycle_address)
        target = await self.target()
        shaken, probed = await asyncio.gather(asyncio.gather(*map(shake, addresses)), self._probed(target))
        is_reached = probed is not None and probed.fault is None
        of_addresses = [
            self._told(*pair, is_reached=is_reached) for pair in zip(addresses, shaken, strict=True)
        ]
        return [of_name, *of_addresses, self._from_graph(probed)]

    async def _as_graph_sees(self, of_name: Finding) -> list[Finding]:
        """What this machine does not find is a warning, if Graph does; it is not asked for a loopback."""
        if is_loopback(self.settings.notification_url):
            return [of_name]
        probed = await self._probed(await self.target())
        if probed is None:
            return [of_name]
        if probed.fault is not None:
            return [_with_left(of_name, probed.left_until)]
        return [_seen_by_graph(of_name), self._from_graph(probed)]

    async def _name(self) -> Finding:
        url = self.settings.notification_url
        host = urlsplit(url).hostname or ""
        if is_loopback(url):
            return self._loopback(host)
        found = await resolved(host)
        if not found:
            return failed(ADDRESS, "its name is not known (DNS)", self._setting(), subject=host)
        wrong = await tls_1_2(url)
        if wrong.startswith(NO_CONNECTION):
            return failed(ADDRESS, wrong, self._remedy(), subject=host)
        if wrong:
            remedy = (
                f"az functionapp config set --resource-group GROUP --name {Commands(self.settings).app} "
                "--min-tls-version 1.2\n"
                "Graph speaks TLS 1.2 and takes certificates of public authorities alone. With a gateway "
                "before the app: let it speak TLS 1.2, and show the whole chain of its certificate."
            )
            return failed(ADDRESS, wrong, remedy, subject=host)
        if not any(map(is_public, found)):
            said = f"{', '.join(found)} as this machine sees it: no address of the internet"
            return warning(
                ADDRESS, said, "Its public DNS must have one: Graph comes from there.", subject=host
            )
        return ok(ADDRESS, f"is known, and speaks TLS 1.2 ({', '.join(found)})", subject=host)

    def _loopback(self, host: str) -> Finding:
        """Of this machine alone: right where Graph is, too."""
        if is_loopback(self.settings.graph.endpoint):
            return ok(ADDRESS, "is this machine, as Graph is", subject=host)
        return failed(ADDRESS, "is this machine itself: Graph cannot reach it", self._setting(), subject=host)

    def _setting(self) -> str:
        command = Commands(self.settings).setting("VAULTPOST_NOTIFICATION_URL", "https://HOST/api")
        return f"{command}\nHOST: portal, the function app > Overview > Default domain."

    def _told(self, address: str, shaken: Shaken, *, is_reached: bool) -> Finding:
        if shaken.wrong:
            found = failed(ADDRESS, shaken.wrong, self._remedy(), subject=address)
            return _seen_by_graph(found) if is_reached else found
        if shaken.seconds > SLOW:
            said = f"answered after {shaken.seconds:.1f} s: Graph calls more than {SLOW:.0f} s slow"
            remedy = (
                "Keep an instance ready:\naz functionapp scale config always-ready set --resource-group "
                f"GROUP --name {Commands(self.settings).app} --settings http=1"
            )
            return warning(ADDRESS, said, remedy, subject=address)
        return ok(ADDRESS, f"answers the handshake ({shaken.seconds:.1f} s)", subject=address)

    def _remedy(self) -> str:
        app = Commands(self.settings).app
        return (
            f"Does the app run? az functionapp show --resource-group GROUP --name {app} --query state\n"
            "Is the address right? It ends in /api, and leads to this app. Is it let through? No log-in "
            "(portal, the function app > Authentication), no client certificate, no access restriction "
            "(Networking) may stand before /api/notifications and /api/lifecycle."
        )

    async def _probed(self, target: Target | None) -> Probed | None:
        """What came of Graph's own handshake; None where none could be asked for."""
        return None if target is None else await self.probe().run(*target)

    def _from_graph(self, probed: Probed | None) -> Finding:
        if probed is None:
            why = "not looked at: there is no token, secret or folder to subscribe with"
            return not_run(ADDRESS, why, subject=_FROM_GRAPH)
        if probed.fault is not None:
            return _with_left(self._refused(probed.fault), probed.left_until)
        well = ok(ADDRESS, "Graph has done its handshake with both addresses", subject=_FROM_GRAPH)
        return _with_left(well, probed.left_until)

    def _refused(self, fault: VaultpostError) -> Finding:
        if isinstance(fault, Refused):
            said = f"Graph makes no subscription ({fault.code}): {fault.detail or 'no reason given'}"
            return failed(ADDRESS, said, self._remedy(), subject=_FROM_GRAPH)
        if isinstance(fault, Transient) and fault.origin == "mailbox":
            return warning(ADDRESS, f"not known: {fault}", AGAIN, subject=_FROM_GRAPH)
        said, remedy = told(fault)
        return failed(ADDRESS, said, remedy, subject=_FROM_GRAPH)


def _with_left(found: Finding, until: datetime | None) -> Finding:
    """The same, with what is to be known of a probe that may live on."""
    if until is None:
        return found
    left = (
        f"the subscription that was asked for may be left at Graph until {until.astimezone(UTC):%H:%M} UTC, "
        "which does no harm: what it announces is dropped, and it ends by itself"
    )
    return replace(found, what=f"{found.what}; {left}")


def _seen_by_graph(found: Finding) -> Finding:
    """What this machine has found at fault with an address that Graph was answered at."""
    said = f"{found.what}, as this machine sees it; Graph was answered"
    remedy = "Nothing needs to be done, if that is meant to be so."
    return warning(ADDRESS, said, remedy, subject=found.subject)
