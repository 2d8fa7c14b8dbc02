"""The structure of a vault: object types, classes, property definitions, value lists, workflows.

Built-in ids: developer.m-files.com, COM API, MFBuiltInPropertyDef, MFBuiltInDocumentClass and
MFBuiltInObjectType.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

UNRESOLVED = -1
"""What an alias resolves to that nothing has, or more than one thing."""

DOCUMENT = 0
EMAIL = 20
EMAIL_CONVERSATION = 21

NAME_OR_TITLE = 0
CREATED = 20
LAST_MODIFIED = 21
SINGLE_FILE = 22
CREATED_BY = 25
DELETED = 27
COMMENT = 33
EXTERNAL_LOCATION = 35
ADDITIONAL_CLASSES = 36
WORKFLOW = 38
STATE = 39
REFERENCE = 76
MESSAGE_ID = 83
IN_REPLY_TO = 84
IN_REPLY_TO_REFERENCE = 85
CLASS = 100
CONVERSATION_ID = 112

CLASS_LIST = 1
EXTERNAL_LOCATION_LIST = 5
USER_LIST = 6
WORKFLOW_LIST = 7
STATE_LIST = 8


class DataType(IntEnum):
    """Data types of property values, as far as they are held (developer.m-files.com, MFDataType)."""

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

    @property
    def is_lookup(self) -> bool:
        """Whether its values are items of a value list."""
        return self in (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers."""
        return self in (DataType.INTEGER, DataType.FLOATING)

    @property
    def is_text(self) -> bool:
        """Whether its values are text."""
        return self in (DataType.TEXT, DataType.MULTI_LINE_TEXT)


@dataclass(frozen=True, kw_only=True)
class Element:
    """What has an id, a name and perhaps an alias."""

    id: int
    name: str
    alias: str = ""


@dataclass(frozen=True, kw_only=True)
class ObjectType(Element):
    """A type of objects, which lookups can choose from as from a value list."""

    plural: str
    can_have_files: bool


@dataclass(frozen=True, kw_only=True)
class ValueList(Element):
    """A list of items to choose from: name by id.

    In an owned list, `owner` is the list of the owners, and `owners` has the one of each item.
    """

    plural: str
    items: Mapping[int, str]
    external_ids: Mapping[int, str] = field(default_factory=dict)
    owner: int | None = None
    owners: Mapping[int, int] = field(default_factory=dict)
    allow_adding: bool = True


@dataclass(frozen=True, kw_only=True)
class PropertyDefinition(Element):
    """What a property is.

    `kept_by_server` is one that no client sets when it creates an object; `automatic` is the text with
    placeholders that an automatic value is made from.
    """

    data_type: DataType
    value_list: int | None = None
    kept_by_server: bool = False
    automatic: str = ""


@dataclass(frozen=True, kw_only=True)
class ObjectClass(Element):
    """A class of objects: which properties it asks for, and which of them is the name."""

    object_type: int = DOCUMENT
    name_property: int = NAME_OR_TITLE
    required: tuple[int, ...] = (NAME_OR_TITLE,)
    optional: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class State(Element):
    """One state of a workflow."""


@dataclass(frozen=True, kw_only=True)
class Workflow(Element):
    """A workflow for objects of any class."""

    states: tuple[State, ...]


class ObjectTitles(Protocol):
    """The objects that a lookup can choose: they come and go, the structure stays."""

    def title(self, object_type: int, number: int) -> str | None:
        """The title of an object, deleted ones included; None when there is none."""

    def is_live(self, object_type: int, number: int) -> bool:
        """Whether there is such an object, and it is not deleted."""


class _NoObjects:
    def title(self, object_type: int, number: int) -> str | None:
        return None

    def is_live(self, object_type: int, number: int) -> bool:
        return False


@dataclass(frozen=True)
class Structure:
    """All that a vault knows of its objects before there is one."""

    object_types: Mapping[int, ObjectType]
    classes: Mapping[int, ObjectClass]
    properties: Mapping[int, PropertyDefinition]
    value_lists: Mapping[int, ValueList]
    workflows: Mapping[int, Workflow]
    users: Mapping[int, str] = field(default_factory=dict)
    objects: ObjectTitles = field(default_factory=_NoObjects)

    def can_choose(self, list_id: int, item: int) -> bool:
        """Whether a lookup over this list, or over the objects of this type, can choose an item.

        How the server takes a lookup to a deleted object is unverified: it is refused.
        """
        if list_id in self.object_types:
            return self.objects.is_live(list_id, item)
        return item in self._items(list_id)

    def item_name(self, list_id: int, item: int) -> str:
        """The name of an item that a lookup has chosen. Raises KeyError for an unknown list or item."""
        if list_id in self.object_types:
            title = self.objects.title(list_id, item)
            if title is None:
                raise KeyError(item)
            return title
        return self._items(list_id)[item]

    def value_list_of(self, property_id: int) -> ValueList | None:
        """The value list that a property chooses from; None for another property, and for built-in lists.

        Raises KeyError for an unknown property.
        """
        list_id = self.properties[property_id].value_list
        return None if list_id is None else self.value_lists.get(list_id)

    def _items(self, list_id: int) -> Mapping[int, str]:
        match list_id:
            case _ if list_id == CLASS_LIST:
                return {item.id: item.name for item in self.classes.values()}
            case _ if list_id == USER_LIST:
                return self.users
            case _ if list_id == WORKFLOW_LIST:
                return {item.id: item.name for item in self.workflows.values()}
            case _ if list_id == STATE_LIST:
                return {item.id: item.name for item in self._states()}
            case _ if list_id == EXTERNAL_LOCATION_LIST:
                return {}
            case _:
                return self.value_lists[list_id].items

    def _states(self) -> Iterator[State]:
        for workflow in self.workflows.values():
            yield from workflow.states

    def elements(self, kind: str) -> Iterable[Element]:
        """The elements of a kind, named as in `structure/metadatastructure/itemidbyalias`.

        Raises KeyError for an unknown kind. No workflow here has named transitions.
        """
        by_kind: dict[str, Iterable[Element]] = {
            "objecttypes": list(self.object_types.values()),
            "classes": list(self.classes.values()),
            "properties": list(self.properties.values()),
            "valuelists": list(self.value_lists.values()),
            "workflows": list(self.workflows.values()),
            "workflowstates": list(self._states()),
            "statetransitions": [],
        }
        return by_kind[kind]

    def resolve(self, kind: str, alias: str) -> int:
        """The id behind an alias, or UNRESOLVED; an alias that two elements have resolves to nothing.

        developer.m-files.com/APIs/REST-API/Reference/resources/structure/classes/itemidbyalias/alias
        """
        found = [element.id for element in self.elements(kind) if alias and element.alias == alias]
        return found[0] if len(found) == 1 else UNRESOLVED
