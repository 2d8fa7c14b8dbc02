"""Check `token`: whether Entra ID gives one for Graph, and which permissions it carries."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from shared.clock import Clock
from shared.configuration import Configuration
from shared.credentials import GraphCredential
from shared.doctor.check import Check
from shared.doctor.claims import Claims, claims_of
from shared.doctor.commands import Commands
from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.doctor.telling import told
from shared.errors import VaultpostError
from shared.graph.faults import connection_faults
from shared.graph_credential import PassedOver
from shared.permissions import NeededPermissions, needed_permissions
from shared.settings import Settings

TOKEN = "token"  # noqa: S105 - the name of a check
_OF_IDENTITY = frozenset({"managed-identity", "federated"})
_OF_KEY_VAULT = {"client-secret": "graph-client-secret", "client-certificate": "graph-client-certificate"}
_TOLERATED = 60
"""Seconds that a token may begin later than now."""
SCOPED = (
    "Best, for its mailboxes alone: infra/exchange/Set-VaultpostMailboxScope.ps1 (docs/permissions.md); "
    "python3 ops.py permissions prints every command."
)


_UNREACHED = "Can the app reach Entra ID (GRAPH_AUTHORITY)? Look at its network, and run the doctor again."


@dataclass
class Token:
    """The check; once it has run, `is_given` tells whether there is a token, `claims` what it says."""

    settings: Settings
    configuration: Callable[[], Configuration]
    credential: Callable[[], GraphCredential]
    missing_secrets: Collection[str]
    clock: Clock
    claims: Claims | None = None
    is_given: bool = False

    def check(self) -> Check:
        """`token`."""
        of_key_vault = self.settings.graph.credential in _OF_KEY_VAULT
        return Check(
            TOKEN, self._run, needs=("settings", "keyvault") if of_key_vault else ("settings",), is_light=True
        )

    def needed(self) -> NeededPermissions | None:
        """What the configuration in force needs; None where there is none."""
        try:
            return needed_permissions(self.configuration())
        except VaultpostError:
            return None  # check configuration has told why

    async def _run(self) -> list[Finding]:
        kind = self.settings.graph.credential
        secret = _OF_KEY_VAULT.get(kind, "")
        if secret in self.missing_secrets:
            return [not_run(TOKEN, f"not looked at: secret {secret} cannot be had")]
        if kind in _OF_IDENTITY and not self.settings.managed_identity:
            return [
                not_run(
                    TOKEN,
                    "not looked at: this machine has no managed identity",
                    "Ask the app itself: python3 ops.py doctor, with its function key.",
                )
            ]
        try:
            token, passed_over = await self._token()
        except VaultpostError as fault:
            return [failed(TOKEN, *told(fault, _UNREACHED))]
        found = [_passed_over(passed_over)] if passed_over is not None else []
        self.is_given, self.claims = True, claims_of(token)
        if self.claims is None:
            return [*found, ok(TOKEN, "Entra ID gives one for Graph; what it permits does not show")]
        return [*found, *self._begins_later(self.claims), *self._permissions(self.claims)]

    async def _token(self) -> tuple[str, PassedOver | None]:
        credential = self.credential()
        try:
            with connection_faults():
                token = await credential.get_token(self.settings.graph.scope)
            return token.token, credential.passed_over
        finally:
            await credential.close()

    def _begins_later(self, claims: Claims) -> list[Finding]:
        seconds = claims.not_before - self.clock.now().timestamp()
        if seconds <= _TOLERATED:
            return []
        said = f"begins {seconds:.0f} s from now: the clock of this machine is slow"
        return [warning(TOKEN, said, "See check clock.")]

    def _permissions(self, claims: Claims) -> list[Finding]:
        who = f"app {claims.app} of tenant {claims.tenant}"
        mail = sorted(role for role in claims.roles or () if role.startswith("Mail."))
        if not mail:
            said = f"{who}; no permission for mail of the whole tenant: RBAC for Applications, or none"
            return [ok(TOKEN, f"{said}. The read of each mailbox tells")]
        needed = self.needed()
        missing = needed.missing(mail) if needed is not None else ()
        found = [ok(TOKEN, f"{who}; permissions: {', '.join(mail)}")] if not missing else []
        return [*found, *(self._missing(role, claims, needed) for role in missing)]

    def _missing(self, role: str, claims: Claims, needed: NeededPermissions | None) -> Finding:
        reasons = [
            str(reason)
            for need in (needed.needs if needed is not None else ())
            if need.permission == role
            for reason in need.reasons
        ]
        why = f", which is needed for {reasons[0]}" if reasons else ""
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        command = Commands(self.settings).graph_role(role, claims.app, claims.principal or "OBJECT-ID")
        remedy = f"{SCOPED}\nOr for the whole tenant:\n{command}\nA new token shows it, within a day at most."
        return failed(TOKEN, f"app {claims.app} lacks {role}{why}{more}", remedy, subject=role)


def _passed_over(newest: PassedOver) -> Finding:
    said = f"a former version serves on, as long as it is good: the newest is refused. {newest.reason}"
    return warning(TOKEN, said, newest.remedy, subject=newest.secret)
