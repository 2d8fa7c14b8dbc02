"""Check `scope`: whether the app may do more than it has to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.doctor.check import Check
from shared.doctor.finding import Finding, ok, warning
from shared.doctor.mailboxes import read_mailbox
from shared.doctor.token import Token
from shared.errors import ConfigurationFault, VaultpostError
from shared.graph.client import GraphClient
from shared.settings import Settings

SCOPE = "scope"
_NARROW = (
    "Limit the app to its mailboxes: infra/exchange/Set-VaultpostMailboxScope.ps1 (docs/permissions.md); "
    "python3 ops.py permissions prints every command."
)
_FOUND_OUT = (
    "To find out whether an access policy narrows it, set VAULTPOST_OUTSIDE_MAILBOX to a mailbox that the "
    "app must not read and run the doctor again, or, in Exchange Online PowerShell: "
    "Test-ApplicationAccessPolicy -AppId {app} -Identity MAILBOX"
)
_TAKEN_BACK = (
    "Take back what is not needed: portal, Microsoft Entra ID > Enterprise applications > {app} > "
    "Permissions."
)


@dataclass(frozen=True)
class Scope:
    """The check. Nothing of it is a failure: too much works, too."""

    settings: Settings
    token: Token
    graph: Callable[[], GraphClient]

    def check(self) -> Check:
        """`scope`."""
        return Check(SCOPE, self._run, needs=("token",))

    async def _run(self) -> list[Finding]:
        width = await self._outside() if self.settings.outside_mailbox else self._by_roles()
        return [width, *self._excess()]

    async def _outside(self) -> Finding:
        mailbox = self.settings.outside_mailbox
        needed = self.token.needed()
        if needed is not None and needed.of_mailbox(mailbox):
            told = "is a mailbox of the configuration, which the app has to read"
            remedy = "Set VAULTPOST_OUTSIDE_MAILBOX to a mailbox that it must not read."
            return warning(SCOPE, told, remedy, subject=mailbox)
        try:
            await read_mailbox(self.graph(), mailbox)
        except ConfigurationFault:
            return ok(SCOPE, "is refused to the app, as it should be", subject=mailbox)
        except VaultpostError as fault:
            remedy = "Set VAULTPOST_OUTSIDE_MAILBOX to a mailbox that exists, and run the doctor again."
            return warning(SCOPE, f"not known: {fault}", remedy, subject=mailbox)
        told = "can be read, though it is none of the configuration: the app may read more than it has to"
        return warning(SCOPE, told, _NARROW, subject=mailbox)

    def _by_roles(self) -> Finding:
        claims = self.token.claims
        mail = sorted(role for role in (claims.roles if claims else None) or () if role.startswith("Mail."))
        if claims is None or not mail:
            return ok(SCOPE, "the token carries no permission for mail of the whole tenant")
        told = f"{', '.join(mail)} is for all mailboxes of the tenant, unless an access policy narrows it"
        return warning(SCOPE, told, f"{_NARROW}\n{_FOUND_OUT.format(app=claims.app)}")

    def _excess(self) -> list[Finding]:
        claims, needed = self.token.claims, self.token.needed()
        if claims is None or needed is None:
            return []
        return [
            warning(
                SCOPE, "nothing here needs this permission", _TAKEN_BACK.format(app=claims.app), subject=role
            )
            for role in needed.excess(claims.roles or ())
        ]
