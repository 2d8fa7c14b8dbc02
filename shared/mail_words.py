"""The texts by which a mail could be recognised, so that what others say of it can be told without them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from shared.manifest import Manifest

_NOT_ITS_OWN = frozenset({"kind", "importance", "received", "sent", "folder"})
"""Facts that say nothing of whom and what it is."""


def words_of(manifest: Manifest) -> tuple[str, ...]:
    """Subject, names, addresses, ids, values of headers, names of attachments; each once."""
    mail: dict[str, Any] = msgspec.to_builtins(manifest.mail)
    own = {name: value for name, value in mail.items() if name not in _NOT_ITS_OWN}
    own["headers"] = [header["value"] for header in own.get("headers", ())]
    files = [*(file.name for file in manifest.files), *(one.name for one in manifest.left_out)]
    return tuple(dict.fromkeys(filter(None, _texts([own, files]))))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
