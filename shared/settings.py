"""The application settings: one frozen value, read once, every fault reported together."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.errors import StartRefused
from shared.settings_graph import CREDENTIALS, CredentialKind, GraphSettings, check_one_cloud, graph_settings
from shared.settings_list import SETTINGS, Setting
from shared.settings_reader import GUID, LOOPBACK_HOSTS, SettingsReader, is_loopback
from shared.settings_storage import StorageSettings, storage_settings

__all__ = [
    "CREDENTIALS",
    "LOOPBACK_HOSTS",
    "SETTINGS",
    "CredentialKind",
    "GraphSettings",
    "Setting",
    "Settings",
    "SourcesBlob",
    "StorageSettings",
    "is_loopback",
    "read_settings",
    "sources_file",
]
_MEMORY_MB = range(128, 4097)
"""Less has no room for the largest part of one mail; more is more than an instance of the plan has."""
_BLOB = re.compile(r"blob:([a-z0-9](?:-?[a-z0-9]){2,62})/([^/\s?#]+(?:/[^/\s?#]+)*)")
"""A container, as Azure Storage lets it be called, and a blob in it."""
_MAILBOX = re.compile(r"[^\s'/]+")
"""As in the configuration."""


@dataclass(frozen=True)
class SourcesBlob:
    """The configuration as a blob in the storage for mail."""

    container: str
    name: str

    def __str__(self) -> str:
        return f"blob:{self.container}/{self.name}"


@dataclass(frozen=True)
class Settings:
    """All application settings, checked."""

    sources_file: Path | SourcesBlob
    notification_url: str
    key_vault_url: str
    managed_identity: bool
    client_id: str | None
    graph: GraphSettings
    storage: StorageSettings
    memory_budget: int
    """Bytes."""
    vault_ca: Path | None = None
    """Certificates of authorities, in PEM, that the vault's own may come from besides the public ones."""
    outside_mailbox: str = ""
    """A mailbox that the app must not be able to read."""

    @property
    def notifications_address(self) -> str:
        """Where Graph sends change notifications."""
        return f"{self.notification_url}/notifications"

    @property
    def lifecycle_address(self) -> str:
        """Where Graph sends lifecycle notifications."""
        return f"{self.notification_url}/lifecycle"


def sources_file(environment: Mapping[str, str], root: Path) -> Path | SourcesBlob:
    """Where the configuration is; a relative name is below `root`, the app's own folder."""
    value = SettingsReader(environment).optional("VAULTPOST_SOURCES")
    if not value.startswith("blob:"):
        return root / value
    found = _BLOB.fullmatch(value)
    return SourcesBlob(found[1], found[2]) if found else SourcesBlob("", "")


def read_settings(environment: Mapping[str, str], root: Path) -> Settings:
    """The settings out of `environment`; relative file names are below `root`, the app's own folder.

    Reads the file of VAULTPOST_VAULT_CA, and nothing over the network. Raises StartRefused with every
    fault there is.
    """
    reader = SettingsReader(environment)
    settings = Settings(
        sources_file=_sources(reader, environment, root),
        notification_url=_notification_url(reader),
        key_vault_url=reader.address(
            "KEY_VAULT_URL", reader.required("KEY_VAULT_URL", "Set it to https://NAME.vault.azure.net.")
        ),
        managed_identity=bool(reader.optional("IDENTITY_ENDPOINT")),
        client_id=(identity := _identity(reader)),
        graph=graph_settings(reader, identity),
        storage=storage_settings(reader),
        memory_budget=_memory_budget(reader),
        vault_ca=_vault_ca(reader, root),
        outside_mailbox=_outside_mailbox(reader),
    )
    check_one_cloud(reader, settings.graph, settings.key_vault_url)
    if reader.faults:
        raise StartRefused(reader.faults)
    return settings


def _sources(reader: SettingsReader, environment: Mapping[str, str], root: Path) -> Path | SourcesBlob:
    found = sources_file(environment, root)
    if found == SourcesBlob("", ""):
        reader.fault("VAULTPOST_SOURCES", "names no blob. Write it as blob:CONTAINER/NAME.")
    return found


def _notification_url(reader: SettingsReader) -> str:
    name, host = "VAULTPOST_NOTIFICATION_URL", reader.optional("WEBSITE_HOSTNAME")
    given = reader.optional(name) or (f"https://{host}/api" if host else "")
    if not given:
        reader.required(
            name, "Set it to the address that Microsoft Graph reaches the app at: https://HOST/api."
        )
    return reader.address(name, given)


def _identity(reader: SettingsReader) -> str | None:
    remedy = "Copy the client id from the overview page of the managed identity."
    return reader.identifier("AZURE_CLIENT_ID", GUID, remedy) or None


def _memory_budget(reader: SettingsReader) -> int:
    name, least, most = "VAULTPOST_MEMORY_MB", _MEMORY_MB[0], _MEMORY_MB[-1]
    text = reader.optional(name)
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) not in _MEMORY_MB:
        reader.fault(name, f"must be a whole number from {least} to {most}.")
        return 0
    return int(text) * 1024 * 1024


def _vault_ca(reader: SettingsReader, root: Path) -> Path | None:
    name = "VAULTPOST_VAULT_CA"
    given = reader.optional(name)
    if not given:
        return None
    file = root / given
    try:
        # As TLS itself will read it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError:
        reader.fault(
            name,
            f"{given} holds no certificate in PEM. Export the authority's certificate as Base-64 encoded "
            "X.509 (.CER), and name that file.",
        )
    except (OSError, ValueError) as error:
        reader.fault(
            name,
            f"{given} cannot be read ({type(error).__name__}). Name a PEM file, absolute or relative to "
            "the app.",
        )
    return file


def _outside_mailbox(reader: SettingsReader) -> str:
    name = "VAULTPOST_OUTSIDE_MAILBOX"
    given = reader.optional(name)
    if given and not _MAILBOX.fullmatch(given):
        reader.fault(name, "is not a mailbox. Write its address or object id.")
    return given
