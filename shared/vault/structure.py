"""The metadata structure of an M-Files vault: classes, properties and items by alias, name or id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from shared.errors import ConfigurationFault, Unavailable
from shared.vault.answers import Aliases, ObjectClass, PropertyDefinition, Results, ValueListItem
from shared.vault.protocol import ClassDef, PropertyDef
from shared.vault.session import RequestRefused, Session

_DOCUMENT = 0
_LONGEST_NAME = 100
"""Characters of an item's name that are looked for: it is a Text, and IIS limits an address to some 2,000."""
_Named = TypeVar("_Named", PropertyDefinition, ObjectClass)


class MFilesStructure:
    """What was read of the structure at one time."""

    def __init__(
        self,
        session: Session,
        aliases: Aliases,
        properties: list[PropertyDefinition],
        classes: list[ObjectClass],
    ) -> None:
        self._session = session
        self._aliases = aliases
        self._properties = properties
        self._classes = classes
        self._class_defs: dict[int, ClassDef] = {}

    @classmethod
    async def read(
        cls, session: Session, properties: Iterable[str | int], classes: Iterable[str | int]
    ) -> MFilesStructure:
        """Read the structure; only the aliases that may be among these references are asked for.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        wanted = {
            "properties": [reference for reference in properties if isinstance(reference, str)],
            "objecttypes": [],
            "classes": [reference for reference in classes if isinstance(reference, str)],
            "workflows": [],
            "workflowstates": [],
            "statetransitions": [],
            "valuelists": [],
        }

        async def work(token: str) -> MFilesStructure:
            aliases = await session.answer(
                token, "POST", "/structure/metadatastructure/itemidbyalias", Aliases, json=wanted
            )
            defined = await session.answer(token, "GET", "/structure/properties", list[PropertyDefinition])
            kinds = await session.answer(
                token, "GET", "/structure/classes", list[ObjectClass], params={"objtype": str(_DOCUMENT)}
            )
            return cls(session, aliases, defined, kinds)

        try:
            return await session.with_login(work)
        except RequestRefused as error:
            raise Unavailable(
                f"the structure of the vault cannot be read ({error})", origin="vault"
            ) from None

    def property(self, reference: str | int) -> PropertyDef:
        """The property definition. Raises ConfigurationFault."""
        found = _one("property", reference, self._aliases.properties, self._properties)
        value_list = found.value_list if found.based_on_value_list and found.value_list >= 0 else None
        return PropertyDef(found.id, found.name, found.data_type, value_list)

    async def class_(self, reference: str | int) -> ClassDef:
        """The class. Raises ConfigurationFault, Unavailable."""
        listed = _one("class", reference, self._aliases.classes, self._classes)
        if listed.id not in self._class_defs:
            self._class_defs[listed.id] = await self._read_class(listed.id)
        return self._class_defs[listed.id]

    async def item(self, value_list: int, text: str) -> int | None:
        """The id of the one item that is called `text`, in any case, or has that id; None without one.

        Raises Unavailable.
        """
        if len(text) > _LONGEST_NAME:
            return None
        # Whether the server's filter heeds case is not documented: without it when that finds nothing.
        named = _called(await self._items(value_list, {"filter": text}), text)
        if not named:
            items = await self._items(value_list, {})
            named = _called(items, text) or [item.id for item in items if str(item.id) == text]
        return named[0] if len(named) == 1 else None

    async def _items(self, value_list: int, query: dict[str, str]) -> list[ValueListItem]:
        path, unlimited = f"/valuelists/{value_list}/items", {"limit": "0"}

        async def work(token: str) -> Results[ValueListItem]:
            return await self._session.answer(
                token, "GET", path, Results[ValueListItem], params={**query, **unlimited}
            )

        try:
            return (await self._session.with_login(work)).items or []
        except RequestRefused as error:
            raise Unavailable(f"value list {value_list} cannot be read ({error})", origin="vault") from None

    async def _read_class(self, class_id: int) -> ClassDef:
        async def work(token: str) -> ObjectClass:
            return await self._session.answer(token, "GET", f"/structure/classes/{class_id}", ObjectClass)

        try:
            found = await self._session.with_login(work)
        except RequestRefused as error:
            raise Unavailable(
                f"class {class_id} of the vault cannot be read ({error})", origin="vault"
            ) from None
        required = frozenset(p.property_def for p in found.associated_property_defs if p.required)
        return ClassDef(found.id, found.name, found.name_property_def, required)


def _called(items: Iterable[ValueListItem], text: str) -> list[int]:
    return [item.id for item in items if item.name.casefold() == text.casefold()]


def _one(kind: str, reference: str | int, aliases: Mapping[str, int], known: list[_Named]) -> _Named:
    """The one thing that `reference` means: an alias goes before a name, a name before an id."""
    by_id = {thing.id: thing for thing in known}
    wanted = aliases.get(reference, -1) if isinstance(reference, str) else reference
    if wanted in by_id:
        return by_id[wanted]
    named = [thing for thing in known if thing.name.casefold() == str(reference).casefold()]
    if len(named) > 1:
        raise ConfigurationFault(
            f'{kind} "{reference}": the vault has {len(named)} of that name.', "Write its alias or id."
        )
    if named:
        return named[0]
    if isinstance(reference, str) and reference.isascii() and reference.isdigit() and int(reference) in by_id:
        return by_id[int(reference)]
    raise ConfigurationFault(
        f'{kind} "{reference}": the vault has none with that alias, name or id, or two with that alias.',
        "Correct mail-sources.toml, or the vault's structure in M-Files Admin.",
    )
