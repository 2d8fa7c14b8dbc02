"""Secrets out of Key Vault: read when first needed, kept for a while (design, section 6)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets.aio import SecretClient

from shared.errors import Unavailable
from shared.log import Events

KEPT_FOR = 15 * 60.0
"""Seconds that a secret is served without asking for it again."""


@dataclass(frozen=True)
class _Kept:
    value: str = field(repr=False)
    read_at: float


class SecretStore:
    """The secrets by name. While Key Vault is down, the last value serves on."""

    def __init__(self, client: SecretClient, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only go forward."""
        self._client = client
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._log = Events("secrets")

    async def get(self, name: str) -> str:
        """The secret called `name`, at most 15 minutes old unless Key Vault is down.

        Raises Unavailable when it was never read and cannot be.
        """
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and self._clock() - kept.read_at < KEPT_FOR:
                return kept.value
            return await self._read(name, kept)

    async def get_other_than(self, name: str, rejected: str) -> str:
        """The secret called `name`, read anew if it is still the one that a service has `rejected`.

        Raises Unavailable when it was never read and cannot be.
        """
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and kept.value != rejected:
                return kept.value
            return await self._read(name, kept)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _read(self, name: str, kept: _Kept | None) -> str:
        try:
            value = (await self._client.get_secret(name)).value or ""
        except AzureError as error:
            fault = _fault_of(name, error)
            if kept is None:
                raise fault from None
            self._log.warning("secret-not-read", secret=name, why=str(fault))
            return kept.value
        if not value:
            raise Unavailable(f"Key Vault's secret {name} is empty. Set it.")
        self._kept[name] = _Kept(value, self._clock())
        return value


def _fault_of(name: str, error: AzureError) -> Unavailable:
    if isinstance(error, ResourceNotFoundError):
        return Unavailable(f"Key Vault has no secret {name}. Set it, in the vault that KEY_VAULT_URL names.")
    if isinstance(error, HttpResponseError) and error.status_code in (401, 403):
        return Unavailable(
            f"Key Vault refuses secret {name} ({error.status_code}). "
            "Grant the app the role Key Vault Secrets User."
        )
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return Unavailable(f"Key Vault did not give secret {name} ({status or type(error).__name__})")
