"""What the configuration names of a vault's structure: M-Files gives ids only of aliases it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shared.configuration import Configuration

_KINDS = {
    "class": "classes",
    "additional-classes": "classes",
    "object-type": "objecttypes",
    "workflow": "workflows",
    "state": "workflowstates",
    "filing-key": "properties",
    "match": "properties",
    "relation": "properties",
}
"""What a key of the configuration names, as M-Files calls it (developer.m-files.com,
/structure/metadatastructure/itemidbyalias)."""
_EVERY = (
    "properties",
    "objecttypes",
    "classes",
    "workflows",
    "workflowstates",
    "statetransitions",
    "valuelists",
)


def references(configuration: Configuration) -> dict[str, list[str]]:
    """The texts that may be aliases, by kind: of every source, rule and attachment."""
    found: dict[str, set[str]] = {kind: set() for kind in _EVERY}
    for kind, reference in _named(msgspec.to_builtins(configuration)):
        found[kind].add(reference)
    return {kind: sorted(texts) for kind, texts in found.items()}


def _named(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _of_key(key, inner)
            yield from _named(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _named(inner)


def _of_key(key: object, value: Any) -> Iterator[tuple[str, str]]:
    if key == "properties" and isinstance(value, Mapping):
        yield from (("properties", name) for name in value if isinstance(name, str))
    elif isinstance(key, str) and key in _KINDS:
        texts = value if isinstance(value, list | tuple) else [value]
        yield from ((_KINDS[key], text) for text in texts if isinstance(text, str))
