"""Reading `local.settings.json`: the application settings of a local host. Standard library only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


class StartRefused(Exception):
    """The host does not start; `faults` says what to mend, one entry for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def read_values(file: Path) -> dict[str, str]:
    """The `Values` of `file`, each to become an environment variable.

    Raises StartRefused with every fault found. The format is that of
    learn.microsoft.com/azure/azure-functions/functions-develop-local.
    """
    document = _read_document(file)
    if document.get("IsEncrypted", False) is not False:
        raise StartRefused([f"{file}: IsEncrypted must be false, encrypted settings cannot be read here"])
    values = document.get("Values")
    if not isinstance(values, dict):
        raise StartRefused([f'{file}: "Values" must be an object of settings'])
    faults = [f"{file}: {fault}" for name, value in values.items() if (fault := _fault_of(name, value))]
    if faults:
        raise StartRefused(faults)
    return values


def _read_document(file: Path) -> dict[str, object]:
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartRefused([f"{file}: cannot be read: {error.strerror or error}"]) from error
    except ValueError as error:
        raise StartRefused([f"{file}: is not JSON: {error}"]) from error
    if not isinstance(document, dict):
        raise StartRefused([f"{file}: must be a JSON object"])
    return document


def _fault_of(name: str, value: object) -> str | None:
    if not name or "=" in name or "\0" in name:
        return f"{name!r} is no name of an environment variable"
    if not isinstance(value, str):
        return f"{name} must be a string, not {json.dumps(value)}"
    if "\0" in value:
        return f"{name} holds a NUL character"
    return None
