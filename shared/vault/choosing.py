"""What a text names for a lookup, by the rules of its property: of a value list, or of real objects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager

from shared.errors import ConfigurationFault
from shared.vault.answers import ListType
from shared.vault.lookups import Objects, chosen_item
from shared.vault.protocol import ANY_WAY, Choice, DataType, PropertyDef
from shared.vault.refusals import NotReadable
from shared.vault.session import Session
from shared.vault.typed_values import NoSuchItem, one_line
from shared.vault.value_lists import ValueLists, is_id


class Choosing:
    """Finds items and objects for lookups; `list_type` tells of an object type or value list by its id."""

    def __init__(
        self,
        session: Session,
        lists: ValueLists,
        list_type: Callable[[int], Awaitable[ListType]],
        name_properties: Callable[[int], Awaitable[Collection[int]]],
    ) -> None:
        self._session = session
        self._lists = lists
        self._list_type = list_type
        self._name_properties = name_properties

    async def owner(self, definition: PropertyDef, text: str) -> int:
        """The id of what owns items of the value list of `definition`, by name or id.

        Raises NoFit, ConfigurationFault, Unavailable.
        """
        owned = await self._list_type(_value_list(definition))
        text = one_line(text)
        if owned.has_owner is None and is_id(text):
            return int(text)
        if owned.has_owner is None:
            raise _no_choice(
                definition, "this M-Files does not say what owns its value list", "Write the owner's id."
            )
        _may_have_owner(definition, owned)
        owning = await self._list_type(owned.owner)
        with _of_property(definition, owning):
            if owning.real_object_type:
                return await self._object(owning, text, ANY_WAY)
            return await chosen_item(self._lists, owning.id, owning.name, text, ANY_WAY)

    async def choose(
        self, definition: PropertyDef, text: str, choice: Choice, matched: PropertyDef | None
    ) -> int:
        """The id of the one item or object that `text` names; `matched` is the property of `choice.match`.

        Raises NoFit, ConfigurationFault, Unavailable.
        """
        chosen_from = await self._list_type(_value_list(definition))
        text = one_line(text)
        if definition.object_type is None:
            _may_choose_item(definition, chosen_from, choice, matched)
        else:
            _may_choose_object(definition, choice, matched)
        if not text:
            raise NoSuchItem("the value is empty")
        with _of_property(definition, chosen_from):
            if definition.object_type is None:
                return await chosen_item(self._lists, chosen_from.id, chosen_from.name, text, choice)
            if matched is None:
                return await self._object(chosen_from, text, choice)
            return await self._objects(chosen_from).matching(matched.id, matched.name, text)

    async def _object(self, object_type: ListType, text: str, choice: Choice) -> int:
        async def name_properties() -> Collection[int]:
            return await self._name_properties(object_type.id)

        return await self._objects(object_type).chosen(text, choice, name_properties)

    def _objects(self, object_type: ListType) -> Objects:
        return Objects(self._session, object_type.id, object_type.name)


@contextmanager
def _of_property(definition: PropertyDef, chosen_from: ListType) -> Iterator[None]:
    """What cannot be read there is a fault of this property."""
    try:
        yield
    except NotReadable as error:
        raise error.within(definition.name, chosen_from.name) from None


def _value_list(definition: PropertyDef) -> int:
    if definition.value_list is None:
        raise _no_choice(definition, "is not based on a value list", "Name another property.")
    return definition.value_list


def _may_choose_object(definition: PropertyDef, choice: Choice, matched: PropertyDef | None) -> None:
    if choice.add_missing or choice.owner is not None:
        raise _no_choice(
            definition,
            "chooses from a real object type, and owner and add-missing are for value lists",
            "Take them out.",
        )
    if matched is not None and matched.data_type != DataType.TEXT:
        raise _no_choice(matched, "is not of data type Text", "Let match name a Text property.")


def _may_choose_item(
    definition: PropertyDef, chosen_from: ListType, choice: Choice, matched: PropertyDef | None
) -> None:
    if matched is not None:
        raise _no_choice(
            definition,
            "chooses from a value list, and match is for properties that choose from real object types",
            "Take match out.",
        )
    if choice.owner is not None:
        _may_have_owner(definition, chosen_from)
    if choice.add_missing:
        _may_add(definition, chosen_from, choice)


def _may_have_owner(definition: PropertyDef, chosen_from: ListType) -> None:
    if chosen_from.has_owner is False:
        raise _no_choice(definition, f'value list "{chosen_from.name}" has no owner', "Take owner out.")


def _may_add(definition: PropertyDef, chosen_from: ListType, choice: Choice) -> None:
    if choice.by not in ("name", "name-or-id"):
        raise _no_choice(
            definition, "add-missing needs the name of the item, not its id", "Take one of them out."
        )
    if not chosen_from.allow_adding:
        raise _no_choice(
            definition,
            f'value list "{chosen_from.name}" takes no new items',
            "Allow it in M-Files Admin, or take add-missing out.",
        )
    if chosen_from.has_owner and choice.owner is None:
        raise _no_choice(
            definition,
            f'an item of value list "{chosen_from.name}" needs an owner to be added',
            "Say which: owner.",
        )


def _no_choice(definition: PropertyDef, why: str, remedy: str) -> ConfigurationFault:
    """The fault of a choice that the property does not allow."""
    return ConfigurationFault(f'property "{definition.name}": {why}.', remedy)
