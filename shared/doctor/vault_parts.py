"""What the checks of the vault look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.clock import Clock
from shared.configuration import Configuration
from shared.secret_store import SecretStore
from shared.settings import Settings
from shared.vault.mfiles import MFilesVault


@dataclass(frozen=True)
class VaultParts:
    """Each part is only built within a check that needs it.

    `has_filed` tells whether any mail was ever filed, and may raise what the journal does.
    """

    settings: Settings
    configuration: Callable[[], Configuration]
    secrets: Callable[[], SecretStore]
    vault: Callable[[], MFilesVault]
    clock: Clock
    has_filed: Callable[[], Awaitable[bool]]
