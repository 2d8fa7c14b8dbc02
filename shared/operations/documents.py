"""The documents that the vault has of a mail, as the long commands ask for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.operations.patience import Patience
from shared.vault.protocol import Vault, VaultObject

AT_ONCE = 4
"""Searches at once: the vault has other users."""


@dataclass(frozen=True)
class Documents:
    """Finds them by filing key; the vault is waited for where it stumbles."""

    vault: Vault
    filing_key: str | int
    patience: Patience = field(default_factory=Patience)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def of(self, key: str) -> Sequence[VaultObject]:
        """The documents with that filing key, deleted ones too. Raises ConfigurationFault, Transient."""
        async with self._places:
            return await self.patience.with_(lambda: self._found(key))

    async def _found(self, key: str) -> Sequence[VaultObject]:
        structure = await self.vault.structure()
        return await self.vault.find(structure.property(self.filing_key).id, key)
