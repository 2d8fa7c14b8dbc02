"""What was read of secrets, by name: served for a while, and for longer while Key Vault is down."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from shared.log import Events
from shared.secret_faults import SecretFault, is_taken_away, unreachable
from shared.secret_reading import Versions

KEPT_FOR = 15 * 60.0
"""Seconds that a secret is served without asking for it again."""
AGAIN_AFTER = 60.0
"""Seconds that the last value is served on before Key Vault, which failed, is asked again.

Also those between two questions that are only asked because a client state matched no version of the key:
anyone can send such a one.
"""
FAULT_KEPT_FOR = 5.0
"""Seconds that a secret which is not there is not asked for again: many may want it at once."""
LONGEST_READ = 1.0
"""Seconds that anybody waits where the last value can serve on: a webhook does. The read itself goes on."""
LONGEST_FIRST_READ = 20.0
"""Seconds that a read has, and that anybody waits where nothing is kept."""


@dataclass(frozen=True)
class _Kept:
    versions: Versions
    until: float
    is_extended: bool = False


@dataclass(frozen=True)
class _Failed:
    fault: SecretFault
    until: float


class SecretCache:
    """Serves what `read` gives, which is told what it gave last. Many who wait for a secret cost one read.

    A read outlives who waits for it: the next one finds it under way, or what came of it.
    A value serves on while Key Vault is down. One that a person has taken away serves no longer than it would
    have without that.
    """

    def __init__(
        self, read: Callable[[str, Versions], Awaitable[Versions]], clock: Callable[[], float], log: Events
    ) -> None:
        self._read = read
        self._clock = clock
        self._log = log
        self._kept: dict[str, _Kept] = {}
        self._failed: dict[str, _Failed] = {}
        self._readings: dict[str, asyncio.Task[Versions]] = {}
        self._left: set[str] = set()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._not_before: defaultdict[str, float] = defaultdict(lambda: float("-inf"))
        self._seldom_until: defaultdict[str, float] = defaultdict(lambda: float("-inf"))

    def holds(self, name: str) -> bool:
        """Whether a value is kept that would serve on, were Key Vault down."""
        return name in self._kept

    async def get(self, name: str) -> Versions:
        """What is kept, read anew when it is too old. Raises SecretFault."""
        return (await self.together([name]))[0]

    async def together(self, names: Sequence[str], *, anew: bool = False) -> list[Versions]:
        """The same for several names: where one is too old, or if `anew`, all are read.

        Thus they are of one time, whenever a person changes them. Raises SecretFault.
        """
        if not anew and (known := self._all_fresh(names)):
            return known
        async with AsyncExitStack() as stack:
            for name in sorted(set(names)):
                await stack.enter_async_context(self._locks[name])
            if not anew and (known := self._all_fresh(names)):
                return known
            return [await self._anew(name) for name in names]

    async def anew(self, name: str, rejected: Callable[[Versions], bool]) -> Versions:
        """What is kept, read anew where it is `rejected`, unless Key Vault has just failed.

        Raises SecretFault.
        """
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and not rejected(kept.versions):
                return kept.versions
            return await self._anew(name)

    async def seldom_anew(self, name: str, rejected: Versions) -> Versions:
        """The same, but not twice in AGAIN_AFTER seconds. Raises SecretFault where nothing is kept."""
        async with self._locks[name]:
            kept = self._kept.get(name)
            if kept is None:
                return await self._anew(name)
            if kept.versions != rejected or self._clock() < self._seldom_until[name]:
                return kept.versions
            self._seldom_until[name] = self._clock() + AGAIN_AFTER
            try:
                return await self._anew(name)
            except SecretFault:
                if self._clock() >= kept.until:
                    raise
                return kept.versions

    async def renew(self, name: str) -> None:
        """Read it now, whatever is kept, and keep it. Raises SecretFault, and keeps what was kept."""
        async with self._locks[name]:
            await self._asked(name, LONGEST_FIRST_READ)

    async def close(self) -> None:
        """End the reads that nobody waits for any more."""
        readings = list(self._readings.values())
        for reading in readings:
            reading.cancel()
        await asyncio.gather(*readings, return_exceptions=True)

    def _fresh(self, name: str) -> Versions | None:
        kept = self._kept.get(name)
        return kept.versions if kept is not None and self._clock() < kept.until else None

    def _all_fresh(self, names: Sequence[str]) -> list[Versions]:
        """What is kept of all; nothing where one of them is too old."""
        known = [fresh for name in names if (fresh := self._fresh(name)) is not None]
        return known if len(known) == len(names) else []

    async def _anew(self, name: str) -> Versions:
        """With the lock of the name."""
        kept, failed = self._kept.get(name), self._failed.get(name)
        if kept is None and failed is not None and self._clock() < failed.until:
            raise failed.fault.again()
        if kept is not None and self._clock() < self._not_before[name]:
            return kept.versions
        try:
            return await self._asked(name, LONGEST_FIRST_READ if kept is None else LONGEST_READ)
        except SecretFault as fault:
            return self._without(name, kept, fault)

    async def _asked(self, name: str, within: float) -> Versions:
        """What is read, and kept. With the lock of the name, so that one alone waits for a read."""
        reading = self._readings.get(name)
        if reading is None:
            reading = self._readings[name] = asyncio.create_task(self._reading(name))
            reading.add_done_callback(partial(self._ended, name))
        self._left.discard(name)
        try:
            async with asyncio.timeout(within):
                return await asyncio.shield(reading)
        except TimeoutError:
            self._left.add(name)
            raise unreachable(name, f"nothing in {within:.0f} s") from None
        except asyncio.CancelledError:
            self._left.add(name)
            raise

    async def _reading(self, name: str) -> Versions:
        kept = self._kept.get(name)
        try:
            async with asyncio.timeout(LONGEST_FIRST_READ):
                versions = await self._read(name, kept.versions if kept is not None else ())
        except TimeoutError:
            raise unreachable(name, f"nothing in {LONGEST_FIRST_READ:.0f} s") from None
        return self._keep(name, versions)

    def _ended(self, name: str, reading: asyncio.Task[Versions]) -> None:
        """A read is over; a fault that nobody waits for any more has the same effect."""
        del self._readings[name]
        fault = None if reading.cancelled() else reading.exception()
        if name in self._left:
            self._left.discard(name)
            if isinstance(fault, SecretFault):
                with suppress(SecretFault):
                    self._without(name, self._kept.get(name), fault)
            elif fault is not None:
                self._log.warning("secret-not-read", secret=name, why=type(fault).__name__)

    def _keep(self, name: str, versions: Versions) -> Versions:
        self._failed.pop(name, None)
        self._not_before.pop(name, None)
        self._kept[name] = _Kept(versions, self._clock() + KEPT_FOR)
        return versions

    def _without(self, name: str, kept: _Kept | None, fault: SecretFault) -> Versions:
        """What serves after a read that has failed, if anything does: the last value."""
        now = self._clock()
        if kept is None:
            self._failed[name] = _Failed(fault, now + FAULT_KEPT_FOR)
            raise fault
        if is_taken_away(fault):
            self._log.failure("secret-taken-away", secret=name, why=fault.reason, remedy=fault.remedy)
            if now >= kept.until or kept.is_extended:
                del self._kept[name]
                self._failed[name] = _Failed(fault, now + FAULT_KEPT_FOR)
            raise fault
        self._log.warning("secret-not-read", secret=name, why=str(fault))
        again = now + AGAIN_AFTER
        self._not_before[name] = self._seldom_until[name] = again
        is_extended = kept.is_extended or kept.until < again
        self._kept[name] = _Kept(kept.versions, max(kept.until, again), is_extended)
        return kept.versions
