"""The application settings: one frozen value, read once, every fault reported together."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import StartRefused

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_MEMORY_MB = range(128, 4097)
"""Less has no room for the largest part of one mail; more is more than an instance of the plan has."""
_BLOB = re.compile(r"blob:([a-z0-9](?:-?[a-z0-9]){2,62})/([^/\s?#]+(?:/[^/\s?#]+)*)")
"""A container, as Azure Storage lets it be called, and a blob in it."""
_TENANT = re.compile(r"[0-9a-zA-Z.-]{1,255}")


@dataclass(frozen=True)
class Setting:
    """One application setting, as an operator meets it."""

    name: str
    meaning: str
    default: str | None = None


SETTINGS = (
    Setting(
        "VAULTPOST_SOURCES",
        "the configuration: a file, absolute or relative to the app, or blob:CONTAINER/NAME",
        "mail-sources.toml",
    ),
    Setting(
        "VAULTPOST_NOTIFICATION_URL", "public base address of the app's functions, such as https://HOST/api"
    ),
    Setting(
        "VAULTPOST_MEMORY_MB",
        "memory in MB for the mail that passes through at the same time; the rest waits",
        "192",
    ),
    Setting("KEY_VAULT_URL", "the Key Vault of the secrets"),
    Setting("AZURE_CLIENT_ID", "client id of the user-assigned managed identity"),
    Setting("GRAPH_CREDENTIAL", "how the app proves itself to Microsoft Graph", "managed-identity"),
    Setting("GRAPH_TENANT_ID", "tenant of the app registration"),
    Setting("GRAPH_CLIENT_ID", "client id of the app registration"),
    Setting("GRAPH_ENDPOINT", "Microsoft Graph with its version", "https://graph.microsoft.com/v1.0"),
    Setting("GRAPH_AUTHORITY", "Microsoft Entra ID", "https://login.microsoftonline.com"),
    Setting("MailStorage", "connection string of the storage for mail (locally)"),
    Setting("MailStorage__blobServiceUri", "address of its blobs (in Azure)"),
    Setting("MailStorage__queueServiceUri", "address of its queues (in Azure)"),
    Setting("MailStorage__tableServiceUri", "address of its tables (in Azure)"),
    Setting("MailStorage__credential", "how the app proves itself to it", "managedidentity"),
    Setting("MailStorage__clientId", "client id of the identity for it"),
    Setting("AzureWebJobsStorage", "the storage of the Functions host itself, read by the host alone"),
)
_DEFAULTS = {setting.name: setting.default for setting in SETTINGS if setting.default is not None}
_CREDENTIALS = ("managed-identity", "client-secret")
_LATER_CREDENTIALS = ("federated", "client-certificate")


@dataclass(frozen=True)
class GraphSettings:
    """Where Graph is, and as whom it is called."""

    endpoint: str
    authority: str
    credential: str
    tenant_id: str
    client_id: str

    @property
    def host(self) -> str:
        """The only host that a Graph token is sent to."""
        return urlsplit(self.endpoint).hostname or ""

    @property
    def scope(self) -> str:
        """The scope of the app's tokens: all that the app was granted on this endpoint."""
        parts = urlsplit(self.endpoint)
        return f"{parts.scheme}://{parts.netloc}/.default"


@dataclass(frozen=True)
class StorageSettings:
    """Where mail is staged, queued and journalled: a connection string, or three addresses."""

    connection_string: str | None = field(repr=False)
    blob_url: str = ""
    queue_url: str = ""
    table_url: str = ""
    client_id: str | None = None


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

    @property
    def notifications_address(self) -> str:
        """Where Graph sends change notifications."""
        return f"{self.notification_url}/notifications"

    @property
    def lifecycle_address(self) -> str:
        """Where Graph sends lifecycle notifications."""
        return f"{self.notification_url}/lifecycle"


def is_loopback(url: str) -> bool:
    """Whether `url` names this machine."""
    return urlsplit(url).hostname in LOOPBACK_HOSTS


class _Reader:
    """Takes values out of the environment and notes what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def fault(self, name: str, wrong: str) -> None:
        self.faults.append(f"setting {name}: {wrong}")

    def optional(self, name: str) -> str:
        value = self._environment.get(name, "").strip()
        return value or _DEFAULTS.get(name, "")

    def required(self, name: str, remedy: str) -> str:
        value = self.optional(name)
        if not value:
            self.fault(name, f"is not set. {remedy}")
        return value

    def address(self, name: str, value: str) -> str:
        """`value`, which must be https, or http on a loopback address."""
        if not value:
            return ""
        try:
            parts = urlsplit(value)
            usable = bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.username or parts.password or parts.query or parts.fragment:
            self.fault(name, "is not an address. Write it as https://HOST, without user, query or fragment.")
        elif parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(value)):
            self.fault(name, "must begin with https:// (http:// is for loopback addresses only).")
        return value


def sources_file(environment: Mapping[str, str], root: Path) -> Path | SourcesBlob:
    """Where the configuration is; a relative name is below `root`, the app's own folder."""
    value = _Reader(environment).optional("VAULTPOST_SOURCES")
    if not value.startswith("blob:"):
        return root / value
    found = _BLOB.fullmatch(value)
    return SourcesBlob(found[1], found[2]) if found else SourcesBlob("", "")


def read_settings(environment: Mapping[str, str], root: Path) -> Settings:
    """The settings out of `environment`; relative file names are below `root`, the app's own folder.

    Raises StartRefused with every fault there is.
    """
    reader = _Reader(environment)
    settings = Settings(
        sources_file=_sources(reader, environment, root),
        notification_url=_notification_url(reader),
        key_vault_url=reader.address(
            "KEY_VAULT_URL", reader.required("KEY_VAULT_URL", "Set it to https://NAME.vault.azure.net.")
        ),
        managed_identity=bool(reader.optional("IDENTITY_ENDPOINT")),
        client_id=reader.optional("AZURE_CLIENT_ID") or None,
        graph=_graph(reader),
        storage=_storage(reader),
        memory_budget=_memory_budget(reader),
    )
    if reader.faults:
        raise StartRefused(reader.faults)
    return settings


def _sources(reader: _Reader, environment: Mapping[str, str], root: Path) -> Path | SourcesBlob:
    found = sources_file(environment, root)
    if found == SourcesBlob("", ""):
        reader.fault("VAULTPOST_SOURCES", "names no blob. Write it as blob:CONTAINER/NAME.")
    return found


def _notification_url(reader: _Reader) -> str:
    name, host = "VAULTPOST_NOTIFICATION_URL", reader.optional("WEBSITE_HOSTNAME")
    given = reader.optional(name) or (f"https://{host}/api" if host else "")
    if not given:
        reader.required(
            name, "Set it to the address that Microsoft Graph reaches the app at: https://HOST/api."
        )
    return reader.address(name, given)


def _memory_budget(reader: _Reader) -> int:
    name, least, most = "VAULTPOST_MEMORY_MB", _MEMORY_MB[0], _MEMORY_MB[-1]
    text = reader.optional(name)
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) not in _MEMORY_MB:
        reader.fault(name, f"must be a whole number from {least} to {most}.")
        return 0
    return int(text) * 1024 * 1024


def _graph(reader: _Reader) -> GraphSettings:
    credential = reader.optional("GRAPH_CREDENTIAL")
    if credential in _LATER_CREDENTIALS:
        reader.fault(
            "GRAPH_CREDENTIAL", f"{credential!r} is not built yet. Use one of {_listed(_CREDENTIALS)}."
        )
    elif credential not in _CREDENTIALS:
        reader.fault("GRAPH_CREDENTIAL", f"{credential!r} is unknown. Use one of {_listed(_CREDENTIALS)}.")
    needs_registration = credential == "client-secret"
    endpoint, authority = reader.optional("GRAPH_ENDPOINT"), reader.optional("GRAPH_AUTHORITY")
    return GraphSettings(
        endpoint=reader.address("GRAPH_ENDPOINT", endpoint).rstrip("/"),
        authority=reader.address("GRAPH_AUTHORITY", authority).rstrip("/"),
        credential=credential,
        tenant_id=_identifier(reader, "GRAPH_TENANT_ID", _TENANT, needs_registration),
        client_id=_identifier(reader, "GRAPH_CLIENT_ID", _GUID, needs_registration),
    )


def _identifier(reader: _Reader, name: str, form: re.Pattern[str], needed: bool) -> str:
    remedy = "GRAPH_CREDENTIAL is 'client-secret': set it to the one of the app registration."
    value = reader.required(name, remedy) if needed else reader.optional(name)
    if value and not form.fullmatch(value):
        reader.fault(name, "is not an id. Copy it from the overview page of the app registration.")
    return value


def _storage(reader: _Reader) -> StorageSettings:
    connection = reader.optional("MailStorage")
    if connection:
        if not _is_connection_string(connection):
            reader.fault("MailStorage", "is not a connection string (NAME=VALUE;NAME=VALUE). Copy it anew.")
        return StorageSettings(connection)
    names = [f"MailStorage__{service}ServiceUri" for service in ("blob", "queue", "table")]
    if not any(reader.optional(name) for name in names):
        reader.fault("MailStorage", f"is not set. Set it to a connection string, or set {_listed(names)}.")
        return StorageSettings(None)
    addresses = [
        reader.address(name, reader.required(name, "The other addresses of MailStorage are set; set it too."))
        for name in names
    ]
    if reader.optional("MailStorage__credential") != "managedidentity":
        reader.fault("MailStorage__credential", "must be 'managedidentity'.")
    identity = reader.optional("MailStorage__clientId") or reader.optional("AZURE_CLIENT_ID")
    blob, queue, table = addresses
    return StorageSettings(None, blob, queue, table, identity or None)


def _is_connection_string(text: str) -> bool:
    if text.casefold() == "usedevelopmentstorage=true":
        return True
    parts = [part for part in text.split(";") if part]
    values = {name.casefold(): value for name, _, value in (part.partition("=") for part in parts)}
    return (
        len(parts) > 1
        and all("=" in part for part in parts)
        and bool(values.keys() & {"accountname", "blobendpoint", "sharedaccesssignature"})
        and _is_base64(values.get("accountkey", ""))
    )


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)
