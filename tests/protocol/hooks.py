"""A hook between any two side effects: the points are the calls that the code itself makes on its ports."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from shared.errors import Stale, Unavailable
from shared.vault.protocol import NewFile, NewObject, VaultObject


class Died(BaseException):
    """The worker is gone, between two lines: nothing of it runs any more."""


class Mode(Enum):
    """What happens at a point."""

    DEATH = "death"
    """before it is done"""
    TIMEOUT = "timeout"
    """it is not done, and that is told"""
    NO_ANSWER = "commit without answer"
    """it is done, and nobody hears of it"""
    REPEATED = "commit, answer lost, repeated by the SDK"
    """it is done; the repetition meets what it has done itself"""
    BUG = "what nobody foresaw"
    """it is not done, and what is raised is no fault of ours"""
    SLEEP = "sleep"
    """it waits until `wake` is set"""


_TABLES = ("journal.", "unfinished.", "breakers.")


@dataclass
class Hook:
    """Notes each side effect of one worker, and lets `mode` happen at point `at`: its number, or its name."""

    at: int | str | None = None
    mode: Mode = Mode.DEATH
    points: list[str] = field(default_factory=list)
    is_dead: bool = False
    has_struck: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, point: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """Do `effect`, as far as the worker lives to see it."""
        if self.is_dead:
            raise Died
        self.points.append(point)
        if self.at not in (len(self.points) - 1, point):
            return await self._living(effect)
        self.has_struck = True
        match self.mode:
            case Mode.DEATH:
                self.is_dead = True
                raise Died
            case Mode.TIMEOUT:
                raise Unavailable(f"{point}: not done", origin=_origin(point))
            case Mode.NO_ANSWER:
                await effect()
                raise Unavailable(f"{point}: done without an answer", origin=_origin(point))
            case Mode.REPEATED:
                answer = await effect()
                if point in ("journal.update", "journal.insert"):
                    raise Stale(f"{point}: its repetition has met it")
                return False if point.startswith("area.put_") else answer
            case Mode.BUG:
                raise RuntimeError(point)
            case Mode.SLEEP:
                await self.wake.wait()
        return await self._living(effect)

    async def _living(self, effect: Callable[[], Awaitable[Any]]) -> Any:
        if self.is_dead:
            raise Died
        return await effect()


def _origin(point: str) -> Any:
    part = point.split(".")[0]
    return {"mailboxes": "graph", "writer": "graph", "vault": "vault"}.get(part, "storage")


async def _nothing() -> None:
    """A moment between two effects."""


class Hooked:
    """A port whose every asynchronous call is a point of the hook."""

    def __init__(self, name: str, port: Any, hook: Hook) -> None:
        self._name, self._port, self._hook = name, port, hook

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._port, attribute)
        point = f"{self._name}.{attribute}"
        if inspect.isasyncgenfunction(value):
            return self._streaming(point, value)
        if inspect.iscoroutinefunction(value):
            return self._calling(point, value)
        return value

    def _calling(self, point: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def hooked(*args: Any, **options: Any) -> Any:
            return await self._hook.run(point, lambda: call(*args, **options))

        return hooked

    def _streaming(
        self, point: str, call: Callable[..., AsyncIterator[Any]]
    ) -> Callable[..., AsyncIterator[Any]]:
        async def hooked(*args: Any, **options: Any) -> AsyncIterator[Any]:
            await self._hook.run(point, _nothing)
            number = 0
            async for item in call(*args, **options):
                if number == 1:  # once in the middle of a stream is enough
                    await self._hook.run(f"{point}:cut", _nothing)
                number += 1
                yield item

        return hooked


class HookedVault(Hooked):
    """The vault: between its mark and its create there is a point, and one between create and answer."""

    async def create(
        self,
        new: NewObject,
        files: list[NewFile],
        about_to_create: Callable[[], Awaitable[None]],
        words: Sequence[str],
    ) -> VaultObject:
        async def marked() -> None:
            await about_to_create()
            await self._hook.run("vault.create:sent", _nothing)

        await self._hook.run("vault.create:begin", _nothing)
        made: VaultObject = await self._port.create(new, files, marked, words)
        await self._hook.run("vault.create:answer", _nothing)
        return made
