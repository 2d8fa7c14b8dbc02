"""Secrets out of Key Vault: read when first needed, kept for a while (design, section 6)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets.aio import SecretClient

from shared.errors import Unavailable
from shared.log import Events

KEPT_FOR = 15 * 60.0
"""Seconds that a secret is served without asking for it again."""
AGAIN_AFTER = 60.0
"""Seconds that the last value is served on before Key Vault, which failed, is asked again.

Also those between two questions that are only asked because a client state matched no version of the key:
anyone can send such a one.
"""
LONGEST_READ = 1.0
"""Seconds that Key Vault has where the last value can serve on: a webhook waits for it."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class SecretVersion:
    """A version of a secret, by Key Vault's own id of it."""

    id: str
    value: str = field(repr=False)


Versions = tuple[SecretVersion, ...]
"""Versions of one secret, the present one first; never empty."""


@dataclass(frozen=True)
class _Kept:
    versions: Versions
    until: float


class SecretStore:
    """The secrets by name. While Key Vault is down, the last value serves on."""

    def __init__(self, client: SecretClient, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._client = client
        self._log = Events("secrets")
        self._present = _Cache(self._read_present, clock, self._log)
        self._newest = _Cache(self._read_newest, clock, self._log)
        self._unlisted: set[str] = set()

    async def get(self, name: str) -> str:
        """The secret called `name`, at most 15 minutes old unless Key Vault is down.

        Raises Unavailable when it was never read and cannot be.
        """
        return (await self._present.get(name))[0].value

    async def get_other_than(self, name: str, rejected: str) -> str:
        """The secret called `name`, read anew if it is still the one that a service has `rejected`.

        Raises Unavailable when it was never read and cannot be.
        """
        return (await self._present.anew(name, lambda kept: kept[0].value == rejected))[0].value

    async def versions(self, name: str) -> Versions:
        """The present and the former version of a secret, of those that are enabled; as old as in `get`.

        The present one alone where Key Vault does not let the app list versions. Raises Unavailable when
        they were never read and cannot be.
        """
        return await self._newest.get(name)

    async def versions_other_than(self, name: str, rejected: Versions) -> Versions:
        """The same, read anew if they are still the `rejected` ones, but at most once a minute.

        Raises Unavailable when they were never read and cannot be.
        """
        return await self._newest.anew(name, lambda kept: kept == rejected, seldom=True)

    async def ping(self, name: str) -> None:
        """Read the secret called `name` now, whatever is kept of it. Raises Unavailable when it cannot be."""
        try:
            await self._read_present(name)
        except AzureError as error:
            raise _fault_of(name, error) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _read_present(self, name: str) -> Versions:
        return _usable(name, await self._version(name))

    async def _read_newest(self, name: str) -> Versions:
        """Key Vault says which one is present: versions of one second have the same age."""
        enabled = await self._enabled(name)
        try:
            present = await self._version(name)
        except HttpResponseError as error:
            if error.status_code != HTTPStatus.FORBIDDEN or not enabled:
                raise
            present = await self._version(name, enabled[0])  # the newest one is disabled
        former = [version for version in enabled if version != present.id][:1]
        return _usable(name, present, *[await self._version(name, version) for version in former])

    async def _version(self, name: str, version: str | None = None) -> SecretVersion:
        secret = await self._client.get_secret(name, version)
        return SecretVersion(secret.properties.version or "", secret.value or "")

    async def _enabled(self, name: str) -> list[str]:
        """The ids of the enabled versions, the newest first; none where the app cannot list them."""
        try:
            listed = [one async for one in self._client.list_properties_of_secret_versions(name)]
        except HttpResponseError as error:
            if error.status_code not in _CANNOT_LIST:
                raise
            if name not in self._unlisted:
                self._unlisted.add(name)
                self._log.warning("secret-versions-not-listed", secret=name, why=str(_fault_of(name, error)))
            return []
        listed.sort(key=lambda one: (one.created_on or _LONG_AGO, one.version or ""), reverse=True)
        return [one.version for one in listed if one.enabled and one.version]


_CANNOT_LIST = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
)


class _Cache:
    """What was read, by name. Many who wait for the same secret cost one read."""

    def __init__(
        self, read: Callable[[str], Awaitable[Versions]], clock: Callable[[], float], log: Events
    ) -> None:
        self._read = read
        self._clock = clock
        self._log = log
        self._kept: dict[str, _Kept] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seldom_until: defaultdict[str, float] = defaultdict(lambda: float("-inf"))

    async def get(self, name: str) -> Versions:
        """What is kept, read anew when it is too old."""
        kept = self._fresh(name)
        if kept is not None:
            return kept
        async with self._locks[name]:
            return self._fresh(name) or await self._refreshed(name)

    async def anew(
        self, name: str, rejected: Callable[[Versions], bool], *, seldom: bool = False
    ) -> Versions:
        """What is kept, read anew where it is `rejected`; if `seldom`, not twice in AGAIN_AFTER seconds."""
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and not rejected(kept.versions):
                return kept.versions
            if kept is not None and seldom:
                if self._clock() < self._seldom_until[name]:
                    return kept.versions
                self._seldom_until[name] = self._clock() + AGAIN_AFTER
            return await self._refreshed(name)

    def _fresh(self, name: str) -> Versions | None:
        kept = self._kept.get(name)
        return kept.versions if kept is not None and self._clock() < kept.until else None

    async def _refreshed(self, name: str) -> Versions:
        kept = self._kept.get(name)
        try:
            async with asyncio.timeout(None if kept is None else LONGEST_READ):
                versions = await self._read(name)
        except (AzureError, TimeoutError) as error:
            fault = _fault_of(name, error)
            if kept is None:
                raise fault from None
            self._log.warning("secret-not-read", secret=name, why=str(fault))
            again = self._clock() + AGAIN_AFTER
            self._seldom_until[name] = again
            self._kept[name] = _Kept(kept.versions, again)
            return kept.versions
        self._kept[name] = _Kept(versions, self._clock() + KEPT_FOR)
        return versions


def _usable(name: str, present: SecretVersion, *former: SecretVersion) -> Versions:
    """Without former versions that are empty: anyone can sign with such a key."""
    if not present.value:
        raise Unavailable(f"Key Vault's secret {name} is empty. Set it.", origin="keyvault")
    return (present, *[version for version in former if version.value])


def _fault_of(name: str, error: Exception) -> Unavailable:
    if isinstance(error, ResourceNotFoundError):
        return Unavailable(
            f"Key Vault has no secret {name}. Set it, in the vault that KEY_VAULT_URL names.",
            origin="keyvault",
        )
    if isinstance(error, HttpResponseError) and error.status_code in (401, 403):
        return Unavailable(
            f"Key Vault refuses secret {name} ({error.status_code}). "
            "Grant the app the role Key Vault Secrets User.",
            origin="keyvault",
        )
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return Unavailable(
        f"Key Vault did not give secret {name} ({status or type(error).__name__})", origin="keyvault"
    )
