"""Check `clock`: this machine's time against that of the services, by the `Date` of their answers.

Key Vault, Entra ID and storage refuse what is signed with a time some minutes off
(learn.microsoft.com/entra/identity-platform/reference-error-codes, AADSTS700024).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from shared.clock import Clock
from shared.configuration import Configuration
from shared.doctor.check import Check
from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.errors import VaultpostError
from shared.settings import Settings
from shared.tls import client_context

CLOCK = "clock"
NOTICED, REFUSED = timedelta(seconds=60), timedelta(seconds=300)
_WITHIN = 8.0


@dataclass(frozen=True)
class Clocks:
    """The check. What does not answer is passed over: a check of its own tells that."""

    settings: Settings
    configuration: Callable[[], Configuration]
    clock: Clock

    def check(self) -> Check:
        """`clock`."""
        return Check(CLOCK, self._run, needs=("settings",), is_light=True)

    async def _run(self) -> list[Finding]:
        asked = await asyncio.gather(*(self._ask(*one) for one in self._services()))
        told = [_told(service, off) for service, off in asked if off is not None]
        return told or [not_run(CLOCK, "not looked at: no service has answered with its time")]

    def _services(self) -> list[tuple[str, str, ssl.SSLContext]]:
        usual = client_context()
        services = [
            ("Graph", self.settings.graph.endpoint, usual),
            ("Key Vault", self.settings.key_vault_url, usual),
        ]
        try:
            vault = self.configuration().vault
            services.append(("the vault's server", f"{vault.url.rstrip('/')}/REST/", self._vault_context()))
        except VaultpostError:
            pass  # without a configuration nobody knows the vault; check configuration tells
        return services

    def _vault_context(self) -> ssl.SSLContext:
        return client_context(self.settings.vault_ca)

    async def _ask(self, service: str, url: str, context: ssl.SSLContext) -> tuple[str, timedelta | None]:
        """How far this machine is ahead of a service; None where it does not say its time."""
        try:
            async with (
                asyncio.timeout(_WITHIN),
                httpx.AsyncClient(verify=context, timeout=_WITHIN) as client,
            ):
                began = self.clock.now()
                async with client.stream("GET", url) as answer:
                    middle = began + (self.clock.now() - began) / 2
                    theirs = _date(answer.headers.get("Date", ""))
        except (httpx.HTTPError, TimeoutError):
            return service, None
        return service, None if theirs is None else middle - theirs


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _told(service: str, off: timedelta) -> Finding:
    """What the difference of two clocks means; `Date` is in whole seconds."""
    seconds = abs(off.total_seconds())
    if timedelta(seconds=seconds) <= NOTICED:
        return ok(CLOCK, f"agrees with this machine to {max(seconds, 1):.0f} s", subject=service)
    which = "ahead of" if off > timedelta() else "behind"
    told = f"this machine is {seconds:.0f} s {which} it"
    remedy = (
        "Where several differ alike, this machine is wrong: let it take its time from the network (Windows: "
        "w32tm /resync, Linux: timedatectl set-ntp true; in Azure: restart the app). Where one alone does, "
        "its own clock is wrong."
    )
    if timedelta(seconds=seconds) > REFUSED:
        return failed(CLOCK, f"{told}: tokens and signatures are refused", remedy, subject=service)
    return warning(CLOCK, told, remedy, subject=service)
