"""The structure of a vault for who only looks: nothing is added, and what was asked for can be named."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    ANY_WAY,
    DOCUMENT,
    STATE,
    WORKFLOW,
    Choice,
    ClassDef,
    ObjectTypeDef,
    PropertyDef,
    StateDef,
    Structure,
    WorkflowDef,
)
from shared.vault.typed_values import NoSuchItem, one_line


@dataclass(frozen=True)
class Named:
    """What an id stands for; `is_new` where the vault has none yet, and filing would add it."""

    name: str
    is_new: bool = False


@dataclass(frozen=True)
class LookingStructure:
    """Answers as `within` does; the id of what filing would add is a negative one of its own."""

    within: Structure
    classes: dict[tuple[int, int], str] = field(default_factory=dict)
    """Names of classes by object type and id."""
    object_types: dict[int, str] = field(default_factory=dict)
    chosen: dict[tuple[int, int], Named] = field(default_factory=dict)
    """What lookups have found, by property and id: as the mail or the configuration names it."""
    _new: dict[tuple[int | None, int | None, str], int] = field(default_factory=dict)

    def property(self, reference: str | int) -> PropertyDef:
        """As `Structure` says."""
        return self.within.property(reference)

    def built_in(self, property_id: int) -> PropertyDef | None:
        """As `Structure` says."""
        return self.within.built_in(property_id)

    def name_of(self, property_id: int) -> str:
        """As `Structure` says."""
        return self.within.name_of(property_id)

    def object_type(self, reference: str | int) -> ObjectTypeDef:
        """As `Structure` says."""
        found = self.within.object_type(reference)
        self.object_types[found.id] = found.name
        return found

    async def class_(self, reference: str | int, object_type: int = DOCUMENT) -> ClassDef:
        """As `Structure` says."""
        found = await self.within.class_(reference, object_type)
        self.classes[object_type, found.id] = found.name
        self.chosen[ADDITIONAL_CLASSES, found.id] = Named(found.name)
        return found

    async def workflow(self, reference: str | int) -> WorkflowDef:
        """As `Structure` says."""
        found = await self.within.workflow(reference)
        self.chosen[WORKFLOW, found.id] = Named(found.name)
        return found

    async def state(self, workflow_id: int, reference: str | int) -> StateDef:
        """As `Structure` says."""
        found = await self.within.state(workflow_id, reference)
        self.chosen[STATE, found.id] = Named(found.name)
        return found

    async def item(self, value_list: int, text: str) -> int | None:
        """As `Structure` says."""
        return await self.within.item(value_list, text)

    async def owner(self, definition: PropertyDef, text: str) -> int:
        """As `Structure` says."""
        return await self.within.owner(definition, text)

    async def choose(self, definition: PropertyDef, text: str, choice: Choice = ANY_WAY) -> int:
        """As `Structure` says; what would be added is noted, never added."""
        name = one_line(text)
        try:
            found = await self.within.choose(definition, text, replace(choice, add_missing=False))
        except NoSuchItem:
            if not (choice.add_missing and name):
                raise
            await self._may_be_added(definition, choice)
            return self._placeholder(definition, name, choice.owner)
        self.chosen[definition.id, found] = Named(name)
        return found

    async def _may_be_added(self, definition: PropertyDef, choice: Choice) -> None:
        """Raises ConfigurationFault where the list takes no such item, and Unavailable.

        The choice is judged before the text is, and an empty text is never added.
        """
        try:
            await self.within.choose(definition, "", choice)
        except NoSuchItem:
            return

    def _placeholder(self, definition: PropertyDef, name: str, owner: int | None) -> int:
        place = (definition.value_list, owner, name.casefold())
        number = self._new.setdefault(place, -1 - len(self._new))
        self.chosen[definition.id, number] = Named(name, is_new=True)
        return number
