"""The settings of the storage for mail."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from shared.settings_reader import SettingsReader, listed


@dataclass(frozen=True)
class StorageSettings:
    """Where mail is staged, queued and journalled: a connection string, or three addresses."""

    connection_string: str | None = field(repr=False)
    blob_url: str = ""
    queue_url: str = ""
    table_url: str = ""
    client_id: str | None = None


def storage_settings(reader: SettingsReader) -> StorageSettings:
    """Where mail is staged; what is wrong with it is noted in `reader`."""
    connection = reader.optional("MailStorage")
    if connection:
        if not _is_connection_string(connection):
            reader.fault("MailStorage", "is not a connection string (NAME=VALUE;NAME=VALUE). Copy it anew.")
        return StorageSettings(connection)
    names = [f"MailStorage__{service}ServiceUri" for service in ("blob", "queue", "table")]
    if not any(reader.optional(name) for name in names):
        reader.fault("MailStorage", f"is not set. Set it to a connection string, or set {listed(names)}.")
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
