"""Reading a file of settings: a `local.settings.json`, or what the Azure CLI lists.

Standard library only: it is read before any client is imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shared.errors import StartRefused


def read_values(file: Path) -> dict[str, str]:
    """The settings in `file`, each to become an environment variable.

    The format is that of learn.microsoft.com/azure/azure-functions/functions-develop-local, or the list of
    `name` and `value` that `az functionapp config appsettings list` writes.
    Raises StartRefused with every fault there is.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartRefused([f"{file}: cannot be read ({error.strerror or type(error).__name__})."]) from None
    except ValueError as error:
        raise StartRefused([f"{file}: is not JSON ({type(error).__name__})."]) from None
    values = _listed(document) if isinstance(document, list) else _values(document)
    if values is None:
        raise StartRefused(
            [f'{file}: must be an object with "Values", an object of settings, or a list of name and value.']
        )
    if isinstance(document, dict) and document.get("IsEncrypted"):
        raise StartRefused([f"{file}: is encrypted. Decrypt it: func settings decrypt."])
    faults = [f"{file}: {fault}" for name, value in values.items() if (fault := _fault_of(name, value))]
    if faults:
        raise StartRefused(faults)
    return values


def _values(document: object) -> dict[str, Any] | None:
    values = document.get("Values") if isinstance(document, dict) else None
    return values if isinstance(values, dict) else None


def _listed(document: list[Any]) -> dict[str, Any] | None:
    """Of the Azure CLI; None where it is no such list."""
    if not all(isinstance(one, dict) and isinstance(one.get("name"), str) for one in document):
        return None
    return {one["name"]: one.get("value") for one in document}


def _fault_of(name: str, value: object) -> str:
    if not name or "=" in name or "\0" in name:
        return f"{name!r} is no name of an environment variable."
    if not isinstance(value, str) or "\0" in value:
        return f"{name} must be a text."
    return ""
