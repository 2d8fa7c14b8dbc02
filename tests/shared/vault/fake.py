"""A vault without M-Files, with the same interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from shared.clock import Clock
from shared.vault.protocol import (
    DOCUMENT,
    ClassDef,
    DataType,
    NewFile,
    NewObject,
    PropertyDef,
    Structure,
    VaultObject,
)

from ..memory_structure import MemoryStructure

KEY_PROPERTY, TICKET = 1301, 1321
FIRST_ID = 1102
CREATED = datetime(2026, 11, 24, 16, 37, 44, tzinfo=UTC)
"""When objects are created, without a clock."""


@dataclass(frozen=True)
class FakeStructure(MemoryStructure):
    """Properties and classes, by alias."""

    properties: dict[str, PropertyDef] = field(default_factory=dict)
    classes: dict[str | int, ClassDef] = field(default_factory=dict)


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
    own: bool = True


@dataclass
class FakeVault:
    """Objects by filing key; `calls` counts. What can go wrong is set beforehand.

    Unless `visible`, the account does not see what it creates.
    """

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
    clock: Clock | None = None
    visible: bool = True
    delete_fault: Exception | None = None
    own_fault: Exception | None = None

    async def structure(self, *, fresh: bool = False) -> Structure:
        self.calls["fresh structure" if fresh else "structure"] += 1
        if fresh and self.fresh is not None:
            self.current = self.fresh
        return self.current

    async def find(self, property_id: int, value: str, object_type: int = DOCUMENT) -> Sequence[VaultObject]:
        self.calls["find"] += 1
        if self.find_fault is not None:
            raise self.find_fault
        assert property_id == KEY_PROPERTY
        of_key = [kept.shown for kept in self.objects if kept.key == value]
        seen = [one for one in of_key if one.type == object_type]
        return [replace(one, visible=True) for one in seen if one.visible or self.visible]

    async def create(
        self,
        new: NewObject,
        files: Sequence[NewFile],
        about_to_create: Callable[[], Awaitable[None]],
        words: Sequence[str] = (),
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
        number = FIRST_ID + len(self.objects)
        shown = VaultObject(
            new.object_type, number, 1, False, sizes, created=self._now(), visible=self.visible
        )
        names = [f"{file.title}.{file.extension}" for file in files]
        kept = Kept(shown, key, new, names, contents)
        if self.commits_late:
            self.late = kept
        else:
            self.objects.append(kept)
        if self.answer_lost is not None:
            raise self.answer_lost
        return shown

    async def is_own(self, found: VaultObject) -> bool:
        self.calls["is_own"] += 1
        if self.own_fault is not None:
            raise self.own_fault
        return any(kept.own for kept in self.objects if kept.shown.id == found.id)

    async def mark_deleted(self, found: VaultObject) -> None:
        self.calls["mark_deleted"] += 1
        if self.delete_fault is not None:
            raise self.delete_fault
        for kept in self.objects:
            if kept.shown.id == found.id:
                kept.shown = replace(kept.shown, deleted=True)

    def commit_late(self) -> None:
        """The create whose answer was lost comes to its end."""
        self.objects.append(self.late)

    def put(
        self,
        key: str,
        number: int,
        sizes: tuple[int, ...],
        *,
        deleted: bool = False,
        created: datetime | None = None,
        own: bool = True,
        version: int = 1,
    ) -> VaultObject:
        """An object that the app (`own`) or somebody else has created before."""
        shown = VaultObject(0, number, version, deleted, sizes, created=created or self._now())
        self.objects.append(Kept(shown, key, NewObject(208, ()), [], [], own))
        return shown

    def _now(self) -> datetime:
        return CREATED if self.clock is None else self.clock.now().replace(microsecond=0)
