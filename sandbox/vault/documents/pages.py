"""What stands on the pages, and the HTML made of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sandbox.vault.objects import Key, StoredFile, StoredObject
from sandbox.vault.rendering import file_name
from sandbox.vault.structure import PropertyDefinition, Structure
from sandbox.vault.typed_values import display_value, iso_second
from sandbox.vault.values import Value
from sandbox.vault.vault import ExampleVault


@dataclass(frozen=True)
class Link:
    """An object's title, and where its page is."""

    title: str
    address: str


@dataclass(frozen=True)
class ShownProperty:
    """A property as a reader sees it; `links` where it names objects."""

    id: int
    name: str
    text: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class ShownFile:
    """A file: its name, its size in bytes, the SHA-256 of its bytes, and where they are."""

    name: str
    size: int
    sha256: str
    address: str


class Pages:
    """The HTML of each page."""

    def __init__(self, vault: ExampleVault) -> None:
        self._vault = vault
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["address"] = address
        self._templates.filters["moment"] = iso_second

    def overview(self, page: int, size: int) -> str:
        """The objects of a page, counted from 1, the newest first."""
        count, first = len(self._vault.store), (page - 1) * size
        shown = list(islice(reversed(self._vault.store), first, first + size))
        return self._templates.get_template("overview.html").render(
            objects=shown,
            structure=self._structure,
            count=count,
            page=page,
            pages=max(1, -(-count // size)),
        )

    def one(self, stored: StoredObject) -> str:
        """One version of an object."""
        return self._templates.get_template("object.html").render(
            object=stored,
            object_type=self._structure.object_types[stored.type].name,
            properties=list(self._properties(stored)),
            files=[_shown_file(stored, file) for file in stored.files],
            targets=self._links(stored.targets),
            sources=self._links(stored.sources),
        )

    @property
    def _structure(self) -> Structure:
        return self._vault.structure

    def _properties(self, stored: StoredObject) -> Iterator[ShownProperty]:
        for number, value in sorted(stored.values.items()):
            definition = self._structure.properties[number]
            text = display_value(definition, value, self._structure)
            yield ShownProperty(number, definition.name, text, self._chosen(definition, value))

    def _chosen(self, definition: PropertyDefinition, value: Value) -> tuple[Link, ...]:
        kind = definition.value_list
        if kind is None or kind not in self._structure.object_types:
            return ()
        numbers = value if isinstance(value, tuple) else (value,)
        return self._links((kind, number) for number in numbers if isinstance(number, int))

    def _links(self, keys: Iterable[Key]) -> tuple[Link, ...]:
        found = [self._vault.store[key] for key in sorted(keys)]
        return tuple(Link(one.title, address(one)) for one in found)


def address(stored: StoredObject) -> str:
    """Where the page of an object is."""
    return f"/objects/{stored.type}/{stored.id}"


def _shown_file(stored: StoredObject, file: StoredFile) -> ShownFile:
    return ShownFile(file_name(file), file.size, file.sha256, f"{address(stored)}/files/{file.id}")
