"""The faults of one service, and the middleware that provokes them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import unquote

from aiohttp import web

from sandbox.faults.connection import Dropped, Handler, severed, spoil
from sandbox.faults.fault import NO_ANSWER, AnyFault, Commit, Cut, Down, Expire, Latency, Sever, Status

Refusal = Callable[[web.Request, Status], web.Response]


@dataclass(eq=False)
class Placed:
    """A fault at its place: how many requests matched its route, and how many of them it struck."""

    fault: AnyFault
    seen: int = 0
    struck: int = 0

    def strikes(self, verb: str, address: str, chance: random.Random) -> bool:
        """Count a request that has come this far, and decide whether it is struck."""
        if not self.fault.matches(verb, address):
            return False
        self.seen += 1
        if self.seen <= self.fault.after or self.struck == self.fault.times:
            return False
        if self.fault.odds < 1 and chance.random() >= self.fault.odds:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults of one service. They may be changed at any time, in the loop of the service.

    A request meets them in the order in which they were added. One that it is struck by may answer it, so
    that those behind do not see it, or delay or spoil what those behind make of it.
    """

    def __init__(self, seed: int = 0) -> None:
        self._placed: list[Placed] = []
        self._expire: Callable[[], None] | None = None
        self._refusal: Refusal | None = None
        self.seed = seed

    @property
    def seed(self) -> int:
        """What odds are drawn from. Set it, and the same requests in the same order are struck again."""
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311 - must repeat # nosec B311

    @property
    def placed(self) -> Sequence[Placed]:
        """The faults that are set, in their order."""
        return tuple(self._placed)

    def add(self, fault: AnyFault) -> Placed:
        """Set a fault, behind those that are set. Raises ValueError for Expire where no tokens are judged."""
        if isinstance(fault, Expire) and self._expire is None:
            raise ValueError("this service judges no tokens")
        placed = Placed(fault)
        self._placed.append(placed)
        return placed

    def clear(self) -> None:
        """Take all faults away; requests that were struck already stay so."""
        self._placed.clear()

    def wire(
        self, application: web.Application, refusal: Refusal, expire: Callable[[], None] | None = None
    ) -> web.Application:
        """Stand before everything else in `application`, which is given back.

        `refusal` makes the service's own answer for a status; `expire` makes it refuse all tokens given so
        far.
        """
        self._refusal, self._expire = refusal, expire
        application.middlewares.insert(0, self._middleware)
        return application

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._placed:
            return await handler(request)
        return await self._pass(self.placed, handler, request)

    async def _pass(
        self, placed: Sequence[Placed], handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        address = unquote(request.raw_path)
        for number, one in enumerate(placed, 1):
            if one.strikes(request.method, address, self._chance):
                behind = partial(self._pass, placed[number:], handler)
                return await self._strike(one.fault, request, behind)
        return await handler(request)

    async def _strike(self, fault: AnyFault, request: web.Request, behind: Handler) -> web.StreamResponse:
        match fault:
            case Status():
                return self._refuse(request, fault)
            case Down() | Cut(bytes=-1):
                return Dropped()
            case Cut():
                return await spoil(request, behind, limit=fault.bytes, chunked=fault.chunked)
            case Sever():
                return await severed(request, behind, fault.bytes)
            case Commit(latency=None):
                return await spoil(request, behind, limit=NO_ANSWER)
            case Commit():
                return await spoil(request, behind, seconds=fault.latency or 0.0)
            case Latency():
                await asyncio.sleep(fault.seconds)
            case Expire():
                assert self._expire is not None
                self._expire()
        return await behind(request)

    def _refuse(self, request: web.Request, fault: Status) -> web.Response:
        assert self._refusal is not None
        answer = self._refusal(request, fault)
        if fault.retry_after is not None:
            answer.headers["Retry-After"] = fault.retry_after
        return answer
