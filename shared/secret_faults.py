"""What is wrong with a secret: judged over values, with the command that mends it.

A secret that a person has taken away is one thing, a Key Vault that cannot be asked another
(docs/decisions/secrets.md). Nothing here holds a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretProperties

from shared.errors import Unavailable
from shared.tls import what_is_wrong

SecretKind = Literal[
    "missing",
    "deleted",
    "disabled",
    "expired",
    "not-yet-valid",
    "empty",
    "refused",
    "firewall",
    "unreachable",
]
_OF_KEY_VAULT: frozenset[SecretKind] = frozenset({"refused", "firewall", "unreachable"})
EXPIRES_SOON = timedelta(days=14)
_LONGER_BY = timedelta(days=365)


class SecretFault(Unavailable):
    """A secret cannot be had: `reason` names it, `remedy` is the command that mends it."""

    def __init__(self, kind: SecretKind, reason: str, remedy: str, *, after: float | None = None) -> None:
        self.kind, self.reason, self.remedy = kind, reason, remedy
        super().__init__(f"{reason} {remedy}", after=after, origin="keyvault")

    def again(self) -> SecretFault:
        """The same, to be raised once more."""
        return SecretFault(self.kind, self.reason, self.remedy, after=self.after)


def is_taken_away(fault: SecretFault) -> bool:
    """Whether a person has done it, to this secret; else Key Vault is down for the app."""
    return fault.kind not in _OF_KEY_VAULT


@dataclass(frozen=True)
class SecretState:
    """A version of a secret as Key Vault has it; `fault` is why it cannot be used now.

    What is not known is empty or None: Key Vault says nothing of a secret that is missing.
    """

    name: str
    version: str = ""
    enabled: bool | None = None
    expires: datetime | None = None
    not_before: datetime | None = None
    updated: datetime | None = None
    fault: SecretFault | None = None

    def expires_soon(self, now: datetime) -> bool:
        """Whether it is good for two weeks at most."""
        return self.expires is not None and self.expires - now <= EXPIRES_SOON


@dataclass(frozen=True)
class Remedies:
    """The commands for secrets of the vault at `address`: learn.microsoft.com/cli/azure/keyvault/secret."""

    address: str

    @property
    def vault(self) -> str:
        """The name of the vault."""
        return (urlsplit(self.address).hostname or "").partition(".")[0]

    def set(self, name: str) -> str:
        """A new version. Out of a file: a command line stays in the shell's history."""
        return f"az keyvault secret set --vault-name {self.vault} --name {name} --file FILE-WITH-THE-VALUE"

    def recover(self, name: str) -> str:
        """A deleted secret comes back with all its versions."""
        return f"az keyvault secret recover --vault-name {self.vault} --name {name}"

    def attributes(self, name: str, change: str) -> str:
        """Another attribute of the newest version."""
        return f"az keyvault secret set-attributes --vault-name {self.vault} --name {name} {change}"

    def enable(self, name: str) -> str:
        """The newest version may be used again."""
        return self.attributes(name, "--enabled true")

    def prolong(self, name: str, now: datetime) -> str:
        """The newest version is good for another year."""
        return self.attributes(name, f"--expires {_written(now + _LONGER_BY)}")

    def allow_now(self, name: str, now: datetime) -> str:
        """The newest version is good from now on."""
        return self.attributes(name, f"--not-before {_written(now)}")

    def grant(self) -> str:
        """The app may read secrets."""
        return (
            "Grant the app the role Key Vault Secrets User: az role assignment create "
            '--role "Key Vault Secrets User" --assignee OBJECT-ID-OF-THE-APP\'S-IDENTITY '
            f"--scope $(az keyvault show --name {self.vault} --query id --output tsv)"
        )

    def admit(self) -> str:
        """The app's addresses pass the firewall of the vault."""
        return (
            "Let the app's subnet or addresses in: "
            f"az keyvault network-rule add --name {self.vault} --ip-address ADDRESS-OF-THE-APP"
        )


def remedy_of_expiry(name: str, address: str) -> str:
    """What to do about a secret of the vault at `address` that expires soon."""
    return f"Set a new value before: {Remedies(address).set(name)}"


def state_of(properties: SecretProperties, now: datetime, remedies: Remedies) -> SecretState:
    """A version that Key Vault has given; the fault is that its time has run out, or has not come.

    Key Vault gives the value of such a one all the same: both dates only inform
    (learn.microsoft.com/azure/key-vault/secrets/about-secrets, date-time controlled operations).
    """
    name, expires, begins = properties.name or "", properties.expires_on, properties.not_before
    return SecretState(
        name,
        properties.version or "",
        properties.enabled,
        expires,
        begins,
        properties.updated_on,
        _out_of_time(name, expires, begins, now, remedies),
    )


def is_usable(properties: SecretProperties, now: datetime) -> bool:
    """Whether a version is enabled and its time is now."""
    begins, expires = properties.not_before, properties.expires_on
    return (
        bool(properties.enabled) and (begins is None or begins <= now) and (expires is None or now < expires)
    )


def _out_of_time(
    name: str, expires: datetime | None, begins: datetime | None, now: datetime, remedies: Remedies
) -> SecretFault | None:
    if expires is not None and expires <= now:
        return SecretFault(
            "expired",
            f"Key Vault's secret {name} expired at {_written(expires)}.",
            f"Set a new value: {remedies.set(name)}; or, if it is good for longer: "
            f"{remedies.prolong(name, now)}",
        )
    if begins is not None and now < begins:
        return SecretFault(
            "not-yet-valid",
            f"Key Vault's secret {name} is not valid before {_written(begins)}.",
            f"Wait until then; or, if it is good already: {remedies.allow_now(name, now)}",
        )
    return None


def empty(name: str, remedies: Remedies) -> SecretFault:
    """Its value is no value."""
    return SecretFault("empty", f"Key Vault's secret {name} is empty.", f"Set it: {remedies.set(name)}")


def disabled(name: str, updated: datetime | None, remedies: Remedies) -> SecretFault:
    """Its newest version is disabled; `updated` is when that was last changed, where it is known."""
    since = f" (changed at {_written(updated)})" if updated is not None else ""
    return SecretFault(
        "disabled",
        f"Key Vault's secret {name} is disabled{since}.",
        f"Enable it: {remedies.enable(name)}; or set a new value: {remedies.set(name)}",
    )


def missing(name: str, remedies: Remedies) -> SecretFault:
    """There is none of that name, as far as the app can see."""
    return SecretFault(
        "missing",
        f"Key Vault has no secret {name}.",
        f"Set it, in the vault that KEY_VAULT_URL names: {remedies.set(name)}; or, if it was deleted: "
        f"{remedies.recover(name)}",
    )


def deleted(name: str, when: datetime | None, remedies: Remedies) -> SecretFault:
    """It was deleted, and can still be had back."""
    since = f" at {_written(when)}" if when is not None else ""
    return SecretFault(
        "deleted",
        f"Key Vault's secret {name} was deleted{since}.",
        f"Recover it: {remedies.recover(name)}",
    )


def fault_of(name: str, error: Exception, remedies: Remedies) -> SecretFault:
    """Of an exception of the client: what says nothing of the secret itself is of Key Vault."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    inner = inner_code(error)
    if status == HTTPStatus.NOT_FOUND:
        return missing(name, remedies)
    if inner == "SecretDisabled":
        return disabled(name, None, remedies)
    if inner in ("ForbiddenByFirewall", "ForbiddenByConnection"):
        return SecretFault(
            "firewall", f"Key Vault's firewall keeps the app from secret {name} ({inner}).", remedies.admit()
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        detail = f"{status:d} {inner}" if inner else f"{status:d}"
        return SecretFault("refused", f"Key Vault refuses secret {name} ({detail}).", remedies.grant())
    return unreachable(name, str(status or what_is_wrong(error) or type(error).__name__))


def unreachable(name: str, why: str) -> SecretFault:
    """Key Vault did not answer, in time or in full, or has said that it cannot."""
    return SecretFault(
        "unreachable",
        f"Key Vault did not give secret {name} ({why}).",
        "It is tried again; if that lasts, look at KEY_VAULT_URL and at the network of the app.",
    )


def inner_code(error: Exception) -> str:
    """The code within Key Vault's error (learn.microsoft.com/azure/key-vault/general/rest-error-codes)."""
    said = error.error if isinstance(error, HttpResponseError) else None
    inner = said.innererror if said is not None else None
    code = inner.get("code") if isinstance(inner, Mapping) else None
    return code if isinstance(code, str) else ""


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
