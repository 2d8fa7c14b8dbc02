"""Secrets out of Key Vault: read when first needed, kept for a while (design, section 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from azure.keyvault.secrets.aio import SecretClient

from shared.log import Events
from shared.secret_cache import SecretCache
from shared.secret_faults import SecretState
from shared.secret_reading import SecretReader, SecretVersion, Versions

__all__ = ["SecretStore", "SecretVersion", "Versions"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SecretStore:
    """The secrets by name. While Key Vault is down, the last value serves on.

    Where a secret cannot be had, each raises SecretFault, an Unavailable whose origin is Key Vault: it was
    never read and Key Vault is down, or a person has taken it away (docs/decisions/secrets.md).
    """

    def __init__(
        self, client: SecretClient, clock: Callable[[], float], now: Callable[[], datetime] = _utc_now
    ) -> None:
        """`clock` gives seconds that only go forward, `now` the time of day, for dates."""
        self._client = client
        log = Events("secrets")
        self._reader = SecretReader(client, now, log)
        self._present = SecretCache(self._reader.present, clock, log)
        self._accepted = SecretCache(self._reader.accepted, clock, log)

    async def get(self, name: str) -> str:
        """The secret called `name`, at most 15 minutes old unless Key Vault is down. Raises SecretFault."""
        return (await self.newest(name)).value

    async def newest(self, name: str) -> SecretVersion:
        """The same, as the version that it is. Raises SecretFault."""
        return (await self._present.get(name))[0]

    async def newest_other_than(self, name: str, rejected: SecretVersion) -> SecretVersion:
        """The secret called `name`, read anew if it is still the one that a service has `rejected`.

        The same again where there is no newer one, or Key Vault is down. Raises SecretFault.
        """
        return (await self._present.anew(name, lambda kept: kept[0] == rejected))[0]

    async def together(self, *names: str, anew: bool = False) -> tuple[str, ...]:
        """Secrets that belong together, like `get`, but read at one time; `anew` after a service's refusal.

        Raises SecretFault.
        """
        return tuple(versions[0].value for versions in await self._present.together(names, anew=anew))

    async def versions(self, name: str) -> Versions:
        """The present version of a secret, and the former ones that still count; as old as in `get`.

        Those that are disabled or out of their time do not. The newest one alone where Key Vault does not
        let the app list versions. Raises SecretFault.
        """
        return await self._accepted.get(name)

    async def versions_other_than(self, name: str, rejected: Versions) -> Versions:
        """The same, read anew if they are still the `rejected` ones, but at most once a minute.

        Raises SecretFault.
        """
        return await self._accepted.seldom_anew(name, rejected)

    async def describe(self, name: str, *, versioned: bool = False) -> SecretState:
        """How the secret called `name` is in Key Vault now, whatever is kept, and what is wrong with it.

        If `versioned`, as `versions` takes it: its newest version that can be used. Raises nothing.
        """
        return await self._reader.describe(name, versioned=versioned)

    def holds(self, names: Sequence[str]) -> bool:
        """Whether all of them would be given now, were Key Vault down."""
        return all(self._present.holds(name) for name in names)

    async def ping(self, name: str) -> None:
        """Read the secret called `name` now, whatever is kept of it. Raises SecretFault."""
        await self._present.renew(name)

    async def close(self) -> None:
        """End what is under way, and close the connections."""
        await self._present.close()
        await self._accepted.close()
        await self._client.close()
