"""The doctor put together: its checks in their order, on the parts of the app."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shared.credentials import graph_credential
from shared.doctor.address import Address, Target
from shared.doctor.alive import Alive
from shared.doctor.check import Check
from shared.doctor.clocks import CLOCK, Clocks
from shared.doctor.commands import Commands
from shared.doctor.finding import Finding
from shared.doctor.mailboxes import Mailboxes
from shared.doctor.parts import Parts
from shared.doctor.probe import Probe
from shared.doctor.report import Report
from shared.doctor.runner import examine
from shared.doctor.scope import Scope
from shared.doctor.secrets import Secrets
from shared.doctor.start import (
    CONFIGURATION,
    SETTINGS,
    configuration_check,
    refused_configuration,
    refused_settings,
    settings_check,
)
from shared.doctor.storage import Storage
from shared.doctor.token import Token
from shared.doctor.vault import VaultParts, vault_checks
from shared.doctor.waiting import WAITING, StandingStill
from shared.errors import VaultpostError
from shared.graph.subscriptions import SubscriptionClient
from shared.subscriptions import NOTIFICATION_KEY

NAMES = (
    SETTINGS,
    CONFIGURATION,
    "keyvault",
    "secret",
    "token",
    "mailbox",
    "folder",
    "scope",
    "address",
    "vault-tls",
    "vault-login",
    "names",
    "filing-key",
    "storage",
    "subscriptions",
    CLOCK,
    WAITING,
)
"""The checks, in the order in which a set-up fails."""


@dataclass(frozen=True)
class Doctor:
    """Examines the app. `faults` are those of its configuration, where it has none because of them."""

    parts: Parts
    faults: Sequence[str] = ()
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def examine(self, *, write: bool = False, only_light: bool = False) -> Report:
        """Run all checks, or those that only read a little. With `write`, documents may be written.

        One examination at a time: two would end each other's probes.
        """
        async with self._one_at_a_time:
            await self._refresh()
            checks = self._checks(write=write)
            if only_light:
                checks = [check for check in checks if check.is_light]
            found = await examine(checks)
            return Report(self.parts.clock.now(), tuple(found))

    async def _refresh(self) -> None:
        try:
            await self.parts.refresh()
        except VaultpostError:
            return  # check configuration tells why there is none

    def _checks(self, *, write: bool) -> list[Check]:
        checks = checks_of(self.parts, self.faults, write=write)
        if not self.parts.refused or not self._has_configuration():
            return checks
        # A newer one is refused, and a former one is in force: what needs one, has one.
        return [
            replace(check, needs=tuple(name for name in check.needs if name != CONFIGURATION))
            for check in checks
        ]

    def _has_configuration(self) -> bool:
        try:
            return bool(self.parts.configuration)
        except VaultpostError:
            return False


def checks_of(parts: Parts, faults: Sequence[str] = (), *, write: bool = False) -> list[Check]:
    """The checks `NAMES`, to be run once: they tell each other what they have seen."""
    settings, clock = parts.settings, parts.clock
    secrets = Secrets(lambda: parts.secrets, lambda: parts.identity, settings, clock)
    token = Token(
        settings,
        lambda: parts.configuration,
        lambda: graph_credential(settings, parts.secrets),
        secrets.failed,
        clock,
    )
    mailboxes = Mailboxes(lambda: parts.configuration, lambda: parts.graph, clock)
    return [
        settings_check(settings),
        _configuration(parts, faults),
        *secrets.checks(),
        token.check(),
        *mailboxes.checks(),
        Scope(settings, token, lambda: parts.graph).check(),
        _address(parts, token, secrets, mailboxes).check(),
        *vault_checks(_vault(parts), write=write),
        Storage(settings, lambda: parts.storage_access).check(),
        Alive(
            lambda: parts.subscriptions,
            lambda: mailboxes.unsure,
            secrets.failed,
            clock,
            Commands(settings).subscriptions(),
        ).check(),
        Clocks(settings, lambda: parts.configuration, clock).check(),
        StandingStill(lambda: parts.breakers).check(),
    ]


def refused_start(of_settings: Sequence[str], of_configuration: Sequence[str]) -> list[Check]:
    """The checks of an app that cannot start, as its settings are wrong: nothing else can be looked at."""

    async def nothing() -> list[Finding]:
        return []

    first = [refused_settings(of_settings)]
    if of_configuration:
        first.append(refused_configuration(of_configuration))
    seen = {check.name for check in first}
    return [*first, *(Check(name, nothing, needs=(SETTINGS,)) for name in NAMES if name not in seen)]


def _configuration(parts: Parts, faults: Sequence[str]) -> Check:
    if faults:
        return refused_configuration(faults)
    return configuration_check(
        parts.settings, lambda: parts.configuration, lambda: parts.refused, lambda: parts.in_force_since
    )


def _address(parts: Parts, token: Token, secrets: Secrets, mailboxes: Mailboxes) -> Address:
    settings = parts.settings

    async def target() -> Target | None:
        """Where the probe may be made: what is known to fail would fail here once more."""
        if not token.is_given or NOTIFICATION_KEY in secrets.failed:
            return None
        watched = await mailboxes.first_watched()
        if watched is None:
            return None
        try:
            return watched, (await parts.secrets.versions(NOTIFICATION_KEY))[0].value
        except VaultpostError:
            return None  # check secret tells

    def probe() -> Probe:
        addresses = (settings.notifications_address, settings.lifecycle_address)
        return Probe(SubscriptionClient(parts.graph), addresses, parts.clock)

    return Address(settings, probe, target)


def _vault(parts: Parts) -> VaultParts:
    async def has_filed() -> bool:
        async for row in parts.journal.rows(None):
            if row.state == "filed":
                return True
        return False

    return VaultParts(
        settings=parts.settings,
        configuration=lambda: parts.configuration,
        secrets=lambda: parts.secrets,
        vault=lambda: parts.vault,
        clock=parts.clock,
        has_filed=has_filed,
    )
