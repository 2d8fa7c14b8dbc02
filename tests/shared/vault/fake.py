"""A vault without M-Files, with the same interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from shared.errors import ConfigurationFault
from shared.vault.protocol import (
    ClassDef,
    DataType,
    NewFile,
    NewObject,
    PropertyDef,
    Structure,
    VaultObject,
)

KEY_PROPERTY, TICKET = 1301, 1321
FIRST_ID = 1102


@dataclass
class FakeStructure:
    """Properties and one class, by alias."""

    properties: dict[str, PropertyDef]
    classes: dict[str, ClassDef]

    def property(self, reference: str | int) -> PropertyDef:
        try:
            return self.properties[str(reference)]
        except KeyError:
            raise ConfigurationFault(f'property "{reference}": none.', "Correct it.") from None

    async def class_(self, reference: str | int) -> ClassDef:
        try:
            return self.classes[str(reference)]
        except KeyError:
            raise ConfigurationFault(f'class "{reference}": none.', "Correct it.") from None

    async def item(self, value_list: int, text: str) -> int | None:
        return None


def example() -> FakeStructure:
    text = DataType.TEXT
    return FakeStructure(
        {
            "PD.FilingKey": PropertyDef(KEY_PROPERTY, "Filing key", text),
            "PD.Ticket": PropertyDef(TICKET, "Ticket", text),
        },
        {"CL.Invoice": ClassDef(208, "Invoice", 0, frozenset())},
    )


@dataclass
class Kept:
    """An object with what it was made of."""

    shown: VaultObject
    key: str
    new: NewObject
    names: list[str]
    contents: list[bytes]


@dataclass
class FakeVault:
    """Objects by filing key; `calls` counts. What can go wrong is set beforehand."""

    current: FakeStructure = field(default_factory=example)
    fresh: FakeStructure | None = None
    objects: list[Kept] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    refusal: Exception | None = None
    answer_lost: Exception | None = None
    commits_late: bool = False
    find_fault: Exception | None = None
    before_create: Callable[[], Awaitable[None]] | None = None
    added_bytes: int = 0

    async def structure(self, *, fresh: bool = False) -> Structure:
        self.calls["fresh structure" if fresh else "structure"] += 1
        if fresh and self.fresh is not None:
            self.current = self.fresh
        return self.current

    async def find(self, property_id: int, value: str) -> Sequence[VaultObject]:
        self.calls["find"] += 1
        if self.find_fault is not None:
            raise self.find_fault
        assert property_id == KEY_PROPERTY
        return [kept.shown for kept in self.objects if kept.key == value]

    async def create(
        self, new: NewObject, files: Sequence[NewFile], about_to_create: Callable[[], Awaitable[None]]
    ) -> VaultObject:
        self.calls["create"] += 1
        contents = [b"".join([piece async for piece in file.read()]) for file in files]
        if self.before_create is not None:
            await self.before_create()
        await about_to_create()
        self.calls["sent"] += 1
        if self.refusal is not None:
            raise self.refusal
        (key,) = [str(one.value) for one in new.properties if one.id == KEY_PROPERTY]
        sizes = tuple(len(content) + self.added_bytes for content in contents)
        shown = VaultObject(0, FIRST_ID + len(self.objects), 1, False, sizes)
        names = [f"{file.title}.{file.extension}" for file in files]
        kept = Kept(shown, key, new, names, contents)
        if self.commits_late:
            self.late = kept
        else:
            self.objects.append(kept)
        if self.answer_lost is not None:
            raise self.answer_lost
        return shown

    def commit_late(self) -> None:
        """The create whose answer was lost comes to its end."""
        self.objects.append(self.late)

    def put(self, key: str, number: int, sizes: tuple[int, ...], *, deleted: bool = False) -> VaultObject:
        """An object that somebody has created before."""
        shown = VaultObject(0, number, 1, deleted, sizes)
        self.objects.append(Kept(shown, key, NewObject(208, ()), [], []))
        return shown
