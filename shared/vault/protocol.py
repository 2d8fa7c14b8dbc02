"""What the pipeline needs of an archive. M-Files implements it; another archive can, too."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal, Protocol

import msgspec

NAME_OR_TITLE, SINGLE_FILE, COMMENT, ADDITIONAL_CLASSES, WORKFLOW, STATE = 0, 22, 33, 36, 38, 39
REFERENCE, MESSAGE_ID, IN_REPLY_TO, IN_REPLY_TO_REFERENCE, CLASS, CONVERSATION_ID = 76, 83, 84, 85, 100, 112
"""Built-in properties (developer.m-files.com, MFBuiltInPropertyDef)."""
DOCUMENT = 0
"""The object type Document (developer.m-files.com, MFBuiltInObjectType)."""
By = Literal["name-or-id", "id", "name", "external-id"]
"""What a text is of the item that it names; of `name-or-id` the name goes before the id."""


class DataType(IntEnum):
    """Data types of properties (developer.m-files.com, MFDataType); those that can be filled."""

    TEXT = 1
    INTEGER = 2
    FLOATING = 3
    DATE = 5
    TIME = 6
    TIMESTAMP = 7
    BOOLEAN = 8
    LOOKUP = 9
    MULTI_SELECT_LOOKUP = 10
    MULTI_LINE_TEXT = 13


@dataclass(frozen=True)
class PropertyDef:
    """A property definition of the vault; `data_type` may be one that cannot be filled.

    `is_automatic` says that the vault makes its values itself and takes none. `object_type` is the real
    object type whose objects it chooses from; `value_list` has the same id then.
    """

    id: int
    name: str
    data_type: int
    value_list: int | None = None
    is_automatic: bool = False
    object_type: int | None = None


@dataclass(frozen=True)
class ClassDef:
    """A class of the vault: which property holds the title, and which must have a value.

    `properties` are all that it has; `workflow` is its own, if it has one. With an automatic name the vault
    makes the title itself, and takes none.
    """

    id: int
    name: str
    name_property: int
    required: frozenset[int]
    object_type: int = DOCUMENT
    has_automatic_name: bool = False
    properties: frozenset[int] = frozenset()
    workflow: int | None = None


@dataclass(frozen=True)
class ObjectTypeDef:
    """A real object type: documents are of one, and what a lookup names may be of another."""

    id: int
    name: str
    can_have_files: bool


@dataclass(frozen=True)
class WorkflowDef:
    """A workflow of the vault."""

    id: int
    name: str


@dataclass(frozen=True)
class StateDef:
    """A state of one workflow."""

    id: int
    name: str


@dataclass(frozen=True)
class Choice:
    """How a lookup's item is found from a text.

    match        the Text property of the objects that has the text: for real object types only
    owner        the id of the item that owns it: for value lists that have an owner
    add_missing  make an item of that name where the value list has none
    """

    by: By = "name-or-id"
    match: str | int | None = None
    owner: int | None = None
    add_missing: bool = False


ANY_WAY = Choice()
"""By name or id."""


class PropertyValue(msgspec.Struct, frozen=True):
    """A property with its value: text, number, truth, ISO 8601 date or time, or ids of items or objects."""

    id: int
    data_type: DataType
    value: str | bool | int | float | tuple[int, ...]


class NewObject(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object to be created: its class and all its properties but the files."""

    class_id: int
    properties: tuple[PropertyValue, ...]
    object_type: int = DOCUMENT


@dataclass(frozen=True)
class NewFile:
    """A file of a new document: title without extension, extension without a dot, and how it is read.

    What is read is closed by who reads, and holds memory until then.
    """

    title: str
    extension: str
    size: int
    read: Callable[[], AsyncGenerator[bytes, None]]


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

    def built_in(self, property_id: int) -> PropertyDef | None:
        """The built-in property, where the vault has it and takes a value for it."""

    def name_of(self, property_id: int) -> str:
        """What a property is called; its number, where the vault has none of that id."""

    def object_type(self, reference: str | int) -> ObjectTypeDef:
        """The real object type. Raises ConfigurationFault."""

    async def class_(self, reference: str | int, object_type: int = DOCUMENT) -> ClassDef:
        """The class of that object type. Raises ConfigurationFault, Unavailable."""

    async def workflow(self, reference: str | int) -> WorkflowDef:
        """The workflow. Raises ConfigurationFault, Unavailable."""

    async def state(self, workflow_id: int, reference: str | int) -> StateDef:
        """The state of that workflow. Raises ConfigurationFault, Unavailable."""

    async def item(self, value_list: int, text: str) -> int | None:
        """The id of the one item of a value list that is called `text` or has that id, or None.

        Raises Unavailable.
        """

    async def owner(self, definition: PropertyDef, text: str) -> int:
        """The id of what owns items of the value list of `definition`, by name or id.

        Raises NoFit when there is none or several, ConfigurationFault when the list has no owner, and
        Unavailable.
        """

    async def choose(self, definition: PropertyDef, text: str, choice: Choice = ANY_WAY) -> int:
        """The id of the one item or object that `text` names for a lookup.

        Nothing is changed unless `choice` says to add what is missing. Raises NoFit (NoSuchItem when there is
        none) with a reason that does not repeat `text`, ConfigurationFault when the property allows no such
        choice, and Unavailable.
        """


class Vault(Protocol):
    """An archive of documents."""

    async def structure(self, *, fresh: bool = False) -> Structure:
        """Its metadata structure; a `fresh` one is read now. Raises ConfigurationFault, Unavailable."""

    async def find(self, property_id: int, value: str, object_type: int = DOCUMENT) -> Sequence[VaultObject]:
        """The objects of that type whose Text property has that value, deleted ones too.

        Raises Unavailable.
        """

    async def create(
        self,
        new: NewObject,
        files: Sequence[NewFile],
        about_to_create: Callable[[], Awaitable[None]],
        words: Sequence[str] = (),
    ) -> VaultObject:
        """Send the files, call `about_to_create`, create the object. No fault repeats one of `words`.

        Raises MailFault or ConfigurationFault after a definite refusal; after Unavailable the object may be
        there. Also what `about_to_create` and reading the files raise.
        """

    async def is_own(self, found: VaultObject) -> bool:
        """Whether the account that the app logs in with has created that object; False when in doubt.

        Raises Unavailable.
        """

    async def mark_deleted(self, found: VaultObject) -> None:
        """Mark the object deleted; one that already is, or is gone, is left at that.

        Raises ConfigurationFault when the account may not, Unavailable.
        """
