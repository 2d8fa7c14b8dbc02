"""Checks `keyvault` and `secret`: whether the app is let in, and each secret that it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import AzureError

from shared.clock import Clock
from shared.credential_faults import GRAPH_CERTIFICATE
from shared.doctor.check import Check
from shared.doctor.claims import claims_of
from shared.doctor.commands import Commands
from shared.doctor.finding import Finding, failed, ok, warning
from shared.doctor.handshake import resolved
from shared.doctor.many import each
from shared.errors import VaultpostError
from shared.national_clouds import GLOBAL, cloud_of_key_vault
from shared.secret_faults import SecretFault, SecretState, is_taken_away, remedy_of_expiry
from shared.secret_store import SecretStore
from shared.settings import Settings
from shared.step_secrets import every_secret
from shared.subscriptions import NOTIFICATION_KEY

KEY_VAULT, SECRET = "keyvault", "secret"
SHORTEST_KEY = 32
"""Characters of `notification-key`: with less, who holds a client state can find it out by trying."""
_IDENTITY = "OBJECT-ID-OF-THE-APP'S-IDENTITY"


@dataclass
class Secrets:
    """The checks; `failed` are the names of secrets that cannot be had, once they have run."""

    store: Callable[[], SecretStore]
    identity: Callable[[], AsyncTokenCredential]
    settings: Settings
    clock: Clock
    failed: set[str] = field(default_factory=set)

    def checks(self) -> tuple[Check, Check]:
        """`keyvault`, then `secret`."""
        return (
            Check(KEY_VAULT, self._key_vault, needs=("settings",), is_light=True),
            Check(SECRET, self._secrets, needs=(KEY_VAULT,), is_light=True),
        )

    async def _key_vault(self) -> list[Finding]:
        """What any secret tells: whether Key Vault answers, and lets the app read."""
        state = await self._state(every_secret(self.settings.graph.credential)[0])
        fault = state.fault
        if fault is None or is_taken_away(fault):
            return [ok(KEY_VAULT, f"{self.settings.key_vault_url} answers, and lets the app read secrets")]
        self.failed.update(every_secret(self.settings.graph.credential))
        if fault.kind == "unreachable":
            return [await self._unreachable(fault)]
        remedy = fault.remedy
        if _IDENTITY in remedy:
            remedy = remedy.replace(_IDENTITY, await self._own_id() or _IDENTITY)
        return [failed(KEY_VAULT, fault.reason, remedy)]

    async def _unreachable(self, fault: SecretFault) -> Finding:
        """What stands before Key Vault: its name, and a token for it."""
        if not await resolved(self._host):
            told = f"the name {self._host} of KEY_VAULT_URL is not known (DNS)"
            remedy = "az keyvault list --query [].properties.vaultUri --output tsv\nSet KEY_VAULT_URL to it."
            return failed(KEY_VAULT, told, remedy)
        if await self._token() is None:
            return failed(KEY_VAULT, *self._nobody())
        return failed(KEY_VAULT, fault.reason, fault.remedy)

    def _nobody(self) -> tuple[str, str]:
        """Why the app is nobody in Azure, and how it becomes somebody."""
        if not self.settings.managed_identity:
            return "you are not logged in to Azure on this machine", "az login"
        identity = self.settings.client_id
        lacks = f"the managed identity {identity} of AZURE_CLIENT_ID" if identity else "a managed identity"
        return f"the app does not have {lacks}", Commands(self.settings).identity()

    async def _secrets(self) -> list[Finding]:
        return await each(every_secret(self.settings.graph.credential), self._secret)

    async def _secret(self, name: str) -> Finding:
        state = await self._state(name)
        if state.fault is not None:
            self.failed.add(name)
            return failed(SECRET, state.fault.reason, state.fault.remedy, subject=name)
        if state.expires_soon(self.clock.now()):
            told = f"expires at {state.expires:%Y-%m-%d %H:%M} UTC"
            return warning(SECRET, told, remedy_of_expiry(name, self.settings.key_vault_url), subject=name)
        doubt = self._doubt(name, await self._value(name))
        if doubt is not None:
            return warning(SECRET, *doubt, subject=name)
        end = f", until {state.expires:%Y-%m-%d}" if state.expires else ""
        return ok(SECRET, f"is there, enabled{end}", subject=name)

    async def _state(self, name: str) -> SecretState:
        return await self.store().describe(name, versioned=name == NOTIFICATION_KEY)

    async def _value(self, name: str) -> str | None:
        """Nothing where it cannot be had: it was there a moment ago, and what is not known is not told."""
        try:
            if name == NOTIFICATION_KEY:
                return (await self.store().versions(name))[0].value
            return await self.store().get(name)
        except VaultpostError:
            return None

    def _doubt(self, name: str, value: str | None) -> tuple[str, str] | None:
        """What makes a value doubtful, and what to do about it. A certificate may be text of many lines."""
        if value is None or name == GRAPH_CERTIFICATE:
            return None
        command = f"az keyvault secret set --vault-name {self._vault} --name {name} --file"
        if name == NOTIFICATION_KEY and len(value) < SHORTEST_KEY:
            return (
                f"has less than {SHORTEST_KEY} characters: whoever sees a client state can find it by trying",
                (
                    "Set a random one; the former one is accepted while its subscriptions live:\n"
                    f"openssl rand -base64 32 | tr -d '\\n' > key.txt\n{command} key.txt"
                ),
            )
        if name != NOTIFICATION_KEY and value != value.rstrip("\r\n"):
            return (
                "ends in a line break, which counts as a part of it: files end so",
                f'Unless that is meant to be so:\nprintf %s "$(cat FILE)" > value.txt\n{command} value.txt',
            )
        return None

    async def _own_id(self) -> str | None:
        """The object id of the identity that Key Vault has refused, or the id of its application."""
        claims = claims_of(await self._token() or "")
        return None if claims is None else claims.principal or claims.app or None

    async def _token(self) -> str | None:
        """A token for Key Vault; None where nobody gives one."""
        cloud = cloud_of_key_vault(self._host) or GLOBAL
        try:
            return (await self.identity().get_token(f"https://{cloud.key_vault}/.default")).token
        except AzureError:
            return None

    @property
    def _host(self) -> str:
        return urlsplit(self.settings.key_vault_url).hostname or ""

    @property
    def _vault(self) -> str:
        return self._host.partition(".")[0]
