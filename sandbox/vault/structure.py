"""The structure of a vault: object types, classes, property definitions, value lists, workflows.

Built-in ids: developer.m-files.com, COM API, MFBuiltInPropertyDef, MFBuiltInDocumentClass and
MFBuiltInObjectType.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

UNRESOLVED = -1
"""What an alias resolves to that nothing has, or more than one thing."""

DOCUMENT = 0

NAME_OR_TITLE = 0
CREATED = 20
LAST_MODIFIED = 21
SINGLE_FILE = 22
CREATED_BY = 25
DELETED = 27
WORKFLOW = 38
STATE = 39
CLASS = 100

CLASS_LIST = 1
USER_LIST = 6
WORKFLOW_LIST = 7
STATE_LIST = 8


class DataType(IntEnum):
    """Data types of property values, as far as they are held (developer.m-files.com, MFDataType)."""

    TEXT = 1
    INTEGER = 2
    DATE = 5
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
    """A type of objects."""

    plural: str
    can_have_files: bool


@dataclass(frozen=True, kw_only=True)
class ValueList(Element):
    """A list of items to choose from: name by id."""

    plural: str
    items: Mapping[int, str]


@dataclass(frozen=True, kw_only=True)
class PropertyDefinition(Element):
    """What a property is; `kept_by_server` is one that no client sets when it creates an object."""

    data_type: DataType
    value_list: int | None = None
    kept_by_server: bool = False


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


@dataclass(frozen=True)
class Structure:
    """All that a vault knows of its objects before there is one."""

    object_types: Mapping[int, ObjectType]
    classes: Mapping[int, ObjectClass]
    properties: Mapping[int, PropertyDefinition]
    value_lists: Mapping[int, ValueList]
    workflows: Mapping[int, Workflow]
    users: Mapping[int, str] = field(default_factory=dict)

    def items(self, list_id: int) -> Mapping[int, str]:
        """The items that a lookup over this list can name, built-in lists included.

        Raises KeyError for an unknown list.
        """
        match list_id:
            case _ if list_id == CLASS_LIST:
                return {item.id: item.name for item in self.classes.values()}
            case _ if list_id == USER_LIST:
                return self.users
            case _ if list_id == WORKFLOW_LIST:
                return {item.id: item.name for item in self.workflows.values()}
            case _ if list_id == STATE_LIST:
                return {item.id: item.name for item in self._states()}
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
