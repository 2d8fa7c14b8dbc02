"""What a person lets the live checks use: a small file beside the app's settings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import msgspec


class GraphOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The mailboxes."""

    mailbox: str
    second_mailbox: str = ""
    outside_mailbox: str = ""
    reference_message: str = ""
    seconds_for_notification: float = 240.0
    """The documentation says three minutes at most."""
    seconds_for_change: float = 60.0
    """The delta query is told to lag."""


class ListenerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public address that leads to a port of this machine."""

    url: str
    port: int


class VaultOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The vault, and what documents are made of."""

    url: str
    guid: str
    filing_key: str
    class_: str = msgspec.field(name="class")
    lookup_property: str = ""
    automatic_title_class: str = ""
    largest_upload_mb: int = 64
    seconds_for_late_create: float = 120.0
    properties: dict[str, str] = {}


class KeyVaultOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether secrets may be made."""

    writes: bool = False


class AppOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The deployed app."""

    url: str = ""


class LiveOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of the file."""

    settings: str
    graph: GraphOptions
    vault: VaultOptions
    results: str = "live-results.jsonl"
    tenant: str = "unknown"
    listener: ListenerOptions | None = None
    keyvault: KeyVaultOptions = KeyVaultOptions()
    app: AppOptions = AppOptions()

    @property
    def private(self) -> list[str]:
        """What no report may name."""
        graph, vault = self.graph, self.vault
        names = [graph.mailbox, graph.second_mailbox, graph.outside_mailbox, graph.reference_message]
        return [*names, vault.url, vault.guid.strip("{}"), self.app.url]


def read_options(file: Path) -> LiveOptions:
    """The options in `file`. Raises msgspec.ValidationError with the key that is wrong."""
    return msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), LiveOptions)


def read_values(file: Path) -> dict[str, str]:
    """The `Values` of a local.settings.json."""
    values: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))["Values"]
    return values
