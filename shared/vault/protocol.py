"""What the pipeline needs of an archive. M-Files implements it; another archive can, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

import msgspec


class DataType(IntEnum):
    """Data types of properties (developer.m-files.com, MFDataType); those that can be filled."""

    TEXT = 1
    INTEGER = 2
    FLOATING = 3
    DATE = 5
    TIMESTAMP = 7
    BOOLEAN = 8
    LOOKUP = 9
    MULTI_SELECT_LOOKUP = 10
    MULTI_LINE_TEXT = 13


@dataclass(frozen=True)
class PropertyDef:
    """A property definition of the vault; `data_type` may be one that cannot be filled."""

    id: int
    name: str
    data_type: int
    value_list: int | None = None


@dataclass(frozen=True)
class ClassDef:
    """A class of the vault: which property holds the title, and which must have a value."""

    id: int
    name: str
    name_property: int
    required: frozenset[int]


class PropertyValue(msgspec.Struct, frozen=True):
    """A property with its value: text, number, truth, ISO 8601 date or time, or ids of items."""

    id: int
    data_type: DataType
    value: str | bool | int | float | tuple[int, ...]


class NewObject(msgspec.Struct, frozen=True):
    """A document to be created: its class and all its properties but the files."""

    class_id: int
    properties: tuple[PropertyValue, ...]


@dataclass(frozen=True)
class NewFile:
    """A file of a new document: title without extension, extension without a dot, and how it is read."""

    title: str
    extension: str
    size: int
    read: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True)
class VaultObject:
    """An object as the vault shows it; `sizes` are the bytes of its files, `created` is to the second.

    `visible` is whether the account sees it, which only the answer to a create may deny.
    """

    type: int
    id: int
    version: int
    deleted: bool
    sizes: tuple[int, ...]
    created: datetime | None = None
    visible: bool = True


class Structure(Protocol):
    """The metadata structure of a vault, by alias, name or id."""

    def property(self, reference: str | int) -> PropertyDef:
        """The property definition. Raises ConfigurationFault."""

    async def class_(self, reference: str | int) -> ClassDef:
        """The class. Raises ConfigurationFault, Unavailable."""

    async def item(self, value_list: int, text: str) -> int | None:
        """The id of the one item of a value list that is called `text` or has that id, or None.

        Raises Unavailable.
        """


class Vault(Protocol):
    """An archive of documents."""

    async def structure(self, *, fresh: bool = False) -> Structure:
        """Its metadata structure; a `fresh` one is read now. Raises ConfigurationFault, Unavailable."""

    async def find(self, property_id: int, value: str) -> Sequence[VaultObject]:
        """The documents whose Text property has that value, deleted ones too. Raises Unavailable."""

    async def create(
        self, new: NewObject, files: Sequence[NewFile], about_to_create: Callable[[], Awaitable[None]]
    ) -> VaultObject:
        """Send the files, call `about_to_create`, create the document.

        Raises MailFault or ConfigurationFault after a definite refusal; after Unavailable the document may
        be there. Also what `about_to_create` and reading the files raise.
        """

    async def is_own(self, found: VaultObject) -> bool:
        """Whether the account that the app logs in with has created that object; False when in doubt.

        Raises Unavailable.
        """

    async def mark_deleted(self, found: VaultObject) -> None:
        """Mark the object deleted; one that already is, or is gone, is left at that.

        Raises ConfigurationFault when the account may not, Unavailable.
        """
