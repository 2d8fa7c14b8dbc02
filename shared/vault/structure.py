"""The metadata structure of an M-Files vault: what it has, by alias, name or id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.errors import ConfigurationFault, Unavailable
from shared.near_names import near
from shared.vault.answers import Aliases, ListType, Named, ObjectClass, PropertyDefinition
from shared.vault.choosing import Choosing
from shared.vault.protocol import (
    ANY_WAY,
    DOCUMENT,
    Choice,
    ClassDef,
    DataType,
    ObjectTypeDef,
    PropertyDef,
    StateDef,
    WorkflowDef,
)
from shared.vault.refusals import RequestRefused
from shared.vault.session import Session
from shared.vault.value_lists import ValueLists, is_id

MOST_ITEMS = 4096
"""Of value lists that are known at once."""
_KEPT_BY_SERVER = frozenset(
    {20, 21, 23, 24, 25, 27, 28, 30, 31, 35, 89, 97, 98, 99, 101, 102, 103, 108, 109, 110, 111}
)
"""Built-in properties that no client sets: times, users, sizes, access (developer.m-files.com,
MFBuiltInPropertyDef)."""
_Element = TypeVar("_Element", PropertyDefinition, ObjectClass, ListType, Named)
_T = TypeVar("_T")


@dataclass
class _Read:
    """What has been read so far."""

    aliases: Aliases
    properties: list[PropertyDefinition]
    object_types: list[ListType]
    classes: dict[int, list[ObjectClass]]
    class_defs: dict[int, ClassDef] = field(default_factory=dict)
    workflows: list[Named] | None = None
    states: dict[int, list[Named]] = field(default_factory=dict)
    value_lists: list[ListType] | None = None
    items: dict[tuple[int, str, Choice], int] = field(default_factory=dict)


class MFilesStructure:
    """What was read of the structure at one time, or a little later."""

    def __init__(self, session: Session, lists: ValueLists, read: _Read) -> None:
        self._session = session
        self._lists = lists
        self._read = read
        self._types = {one.id: one for one in read.object_types if one.real_object_type}
        self._choosing = Choosing(session, lists, self._list_type, self._name_properties)

    @classmethod
    async def read(
        cls, session: Session, lists: ValueLists, aliases: Mapping[str, Sequence[str]]
    ) -> MFilesStructure:
        """Read the structure; only these aliases are asked for.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """

        async def work(token: str) -> MFilesStructure:
            known = await session.answer(
                token, "POST", "/structure/metadatastructure/itemidbyalias", Aliases, json=aliases
            )
            defined = await session.answer(token, "GET", "/structure/properties", list[PropertyDefinition])
            types = await session.answer(token, "GET", "/structure/objecttypes", list[ListType])
            classes = await session.answer(
                token, "GET", "/structure/classes", list[ObjectClass], params={"objtype": str(DOCUMENT)}
            )
            return cls(session, lists, _Read(known, defined, types, {DOCUMENT: classes}))

        try:
            return await session.with_login(work)
        except RequestRefused as error:
            raise Unavailable(
                f"the structure of the vault cannot be read ({error.told()})", origin="vault"
            ) from None

    def property(self, reference: str | int) -> PropertyDef:
        """The property definition. Raises ConfigurationFault."""
        return self._definition(
            _one("property", reference, self._read.aliases.properties, self._read.properties)
        )

    def built_in(self, property_id: int) -> PropertyDef | None:
        """The built-in property, where the vault has it and takes a value for it.

        A vault lacks those of e-mail where that was never set up; whether it takes them from a client is not
        documented, so that one which it refuses is a refused document.
        """
        found = next((one for one in self._read.properties if one.id == property_id), None)
        made = None if found is None else self._definition(found)
        return made if made and not made.is_automatic and made.data_type in set(DataType) else None

    def name_of(self, property_id: int) -> str:
        """What a property is called; its number, where the vault has none of that id."""
        named = (one.name for one in self._read.properties if one.id == property_id)
        return next(named, str(property_id))

    def names(self) -> set[str]:
        """What properties, classes and object types are called."""
        read = self._read
        found = {one.name for listed in read.classes.values() for one in listed}
        return found | {one.name for one in read.properties} | {one.name for one in read.object_types}

    def object_type(self, reference: str | int) -> ObjectTypeDef:
        """The real object type. Raises ConfigurationFault."""
        found = _one("object type", reference, self._read.aliases.objecttypes, list(self._types.values()))
        return ObjectTypeDef(found.id, found.name, found.can_have_files)

    async def class_(self, reference: str | int, object_type: int = DOCUMENT) -> ClassDef:
        """The class of that object type. Raises ConfigurationFault, Unavailable."""
        listed = _one("class", reference, self._read.aliases.classes, await self._classes(object_type))
        if listed.id not in self._read.class_defs:
            self._read.class_defs[listed.id] = await self._read_class(listed.id, object_type)
        return self._read.class_defs[listed.id]

    async def workflow(self, reference: str | int) -> WorkflowDef:
        """The workflow. Raises ConfigurationFault, Unavailable."""
        if self._read.workflows is None:
            self._read.workflows = await self._get("/structure/workflows", list[Named])
        found = _one("workflow", reference, self._read.aliases.workflows, self._read.workflows)
        return WorkflowDef(found.id, found.name)

    async def state(self, workflow_id: int, reference: str | int) -> StateDef:
        """The state of that workflow. Raises ConfigurationFault, Unavailable."""
        if workflow_id not in self._read.states:
            path = f"/structure/workflows/{workflow_id}/states"
            self._read.states[workflow_id] = await self._get(path, list[Named])
        states = self._read.states[workflow_id]
        found = _one(f"state of workflow {workflow_id}", reference, self._read.aliases.workflowstates, states)
        return StateDef(found.id, found.name)

    async def item(self, value_list: int, text: str) -> int | None:
        """The id of the one item that is called `text`, in any case, or has that id; None without one.

        Raises Unavailable.
        """
        found = await self._lists.find(value_list, text)
        return found[0].id if len(found) == 1 else None

    async def owner(self, definition: PropertyDef, text: str) -> int:
        """The id of what owns items of the value list of `definition`, by name or id.

        Raises NoFit, ConfigurationFault, Unavailable.
        """
        return await self._choosing.owner(definition, text)

    async def choose(self, definition: PropertyDef, text: str, choice: Choice = ANY_WAY) -> int:
        """The id of the one item or object that `text` names for a lookup.

        An item that was found in a value list is known for as long as this structure; objects come and go.
        Raises NoFit, ConfigurationFault, Unavailable.
        """
        matched = None if choice.match is None else self.property(choice.match)
        if definition.object_type is not None:
            return await self._choosing.choose(definition, text, choice, matched)
        known, key = self._read.items, (definition.id, text, choice)
        if key not in known:
            found = await self._choosing.choose(definition, text, choice, matched)
            if len(known) >= MOST_ITEMS:
                known.clear()
            known[key] = found
        return known[key]

    def _definition(self, found: PropertyDefinition) -> PropertyDef:
        value_list = found.value_list if found.based_on_value_list and found.value_list >= 0 else None
        return PropertyDef(
            found.id,
            found.name,
            found.data_type,
            value_list,
            is_automatic=found.automatic_value_type != 0 or found.id in _KEPT_BY_SERVER,
            object_type=value_list if value_list in self._types else None,
        )

    async def _list_type(self, list_id: int) -> ListType:
        """The object type or value list; of a built-in one, which no server lists, what holds for them."""
        if self._read.value_lists is None:
            self._read.value_lists = await self._get("/valuelists", list[ListType])
        known = {one.id: one for one in (*self._read.object_types, *self._read.value_lists)}
        return known.get(list_id) or ListType(list_id, str(list_id), allow_adding=False)

    async def _name_properties(self, object_type: int) -> set[int]:
        return {one.name_property_def for one in await self._classes(object_type)}

    async def _classes(self, object_type: int) -> list[ObjectClass]:
        if object_type not in self._read.classes:
            query = {"objtype": str(object_type)}
            self._read.classes[object_type] = await self._get("/structure/classes", list[ObjectClass], query)
        return self._read.classes[object_type]

    async def _read_class(self, class_id: int, object_type: int) -> ClassDef:
        found = await self._get(f"/structure/classes/{class_id}", ObjectClass)
        titles = [one for one in self._read.properties if one.id == found.name_property_def]
        return ClassDef(
            found.id,
            found.name,
            found.name_property_def,
            frozenset(p.property_def for p in found.associated_property_defs if p.required),
            object_type,
            has_automatic_name=any(self._definition(one).is_automatic for one in titles),
            properties=frozenset(p.property_def for p in found.associated_property_defs),
            workflow=found.workflow if found.workflow > 0 else None,
        )

    async def _get(self, path: str, kind: type[_T], query: Mapping[str, str] | None = None) -> _T:
        request: dict[str, Any] = {} if query is None else {"params": query}

        async def work(token: str) -> _T:
            return await self._session.answer(token, "GET", path, kind, **request)

        try:
            return await self._session.with_login(work)
        except RequestRefused as error:
            said = f"{path} of the vault cannot be read ({error.told()})"
            raise Unavailable(said, origin="vault") from None


def _one(kind: str, reference: str | int, aliases: Mapping[str, int], known: Iterable[_Element]) -> _Element:
    """The one thing that `reference` means: an alias goes before a name, a name before an id."""
    by_id = {thing.id: thing for thing in known}
    wanted = aliases.get(reference, -1) if isinstance(reference, str) else reference
    if wanted in by_id:
        return by_id[wanted]
    named = [thing for thing in by_id.values() if thing.name.casefold() == str(reference).casefold()]
    if len(named) > 1:
        raise ConfigurationFault(
            f'{kind} "{reference}": the vault has {len(named)} of that name.', "Write its alias or id."
        )
    if named:
        return named[0]
    if isinstance(reference, str) and is_id(reference) and int(reference) in by_id:
        return by_id[int(reference)]
    resolved = [alias for alias, number in aliases.items() if number in by_id]
    meant = _meant(str(reference), resolved + [thing.name for thing in by_id.values()])
    raise ConfigurationFault(
        f'{kind} "{reference}": the vault has none with that alias, name or id, or two with that alias.',
        f"{meant}Correct mail-sources.toml, or the vault's structure in M-Files Admin.",
    )


def _meant(reference: str, known: Sequence[str]) -> str:
    """What may have been meant. M-Files tells no alias that it was not asked for: a name may be like it."""
    found = near(reference, known) or near(reference.rpartition(".")[2], known)
    return f'Did you mean "{found}"? ' if found else ""
