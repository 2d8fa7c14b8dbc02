"""The protocol as a state machine: in whatever order things happen, in the end the vault has each mail once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.errors import Unavailable
from shared.identities import filing_key
from shared.testing.queues import QueuedMessage
from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import LEASE, SOURCE, World, text_of
from tests.shared.vault.fake import Kept

SHORT, LONG, STEPS = 200, 5000, 50
_T = TypeVar("_T")


class Machine(RuleBasedStateMachine):
    """Mails, workers, clock and services, moved one step at a time."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.sleepers: list[tuple[Hook, asyncio.Task[None]]] = []
        self.late: list[tuple[datetime, Kept]] = []

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(work)

    @rule(attachments=st.sampled_from([0, 1, 3]), copies=st.integers(1, 3))
    def deliver(self, attachments: int, copies: int) -> None:
        """A mail comes, and is announced, once or more often."""
        message = self.world.mail(attachments)
        for _ in range(copies):
            self.run(self.world.announce(message))

    @precondition(lambda self: self.world.announced)
    @rule(data=st.data())
    def announce_again(self, data: st.DataObject) -> None:
        """A notification comes twice, or late."""
        message = data.draw(st.sampled_from(self.world.announced))
        self.run(self.world.announce(message))

    @precondition(lambda self: self.visible())
    @rule(data=st.data(), mode=st.sampled_from([None, *Mode]), at=st.integers(0, 30))
    def work(self, data: st.DataObject, mode: Mode | None, at: int) -> None:
        """A worker takes any visible message, in any order, and may die or fall asleep on the way."""
        message = data.draw(st.sampled_from(self.visible()).map(lambda found: found.id))
        hook = Hook() if mode is None else Hook(at=at, mode=mode)
        self.run(self._work(message, hook))

    async def _work(self, number: str, hook: Hook) -> None:
        received = await self._received(number)
        task = asyncio.create_task(self.world.worker(hook).take(received))
        while not task.done() and not (hook.has_struck and hook.mode is Mode.SLEEP):  # noqa: ASYNC110
            await asyncio.sleep(0)
        if task.done():
            task.result()
        else:
            self.sleepers.append((hook, task))

    async def _received(self, number: str) -> QueuedMessage:
        """That one message, received alone."""
        queue = next(one.queue for one in self.world.queues.messages() if one.id == number)
        found = await self.world.queues.receive(queue, 1000, LEASE)
        for other in found:
            if other.id != number:
                await self.world.queues.hide(other, 0)
        return next(one for one in found if one.id == number)

    @precondition(lambda self: self.sleepers)
    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        """A worker wakes up, perhaps long after its claim has run out."""
        number = data.draw(st.integers(0, len(self.sleepers) - 1))
        self.run(self._wake(number))

    async def _wake(self, number: int) -> None:
        hook, task = self.sleepers.pop(number)
        hook.wake.set()
        await task

    @precondition(lambda self: self.sleepers)
    @rule(data=st.data())
    def die_in_sleep(self, data: st.DataObject) -> None:
        """A worker never wakes up."""
        hook, task = self.sleepers.pop(data.draw(st.integers(0, len(self.sleepers) - 1)))
        hook.is_dead = True
        hook.wake.set()
        self.run(asyncio.wait_for(task, None))

    @rule(seconds=st.sampled_from([1, 16, 61, 95, 400, 1000, 20_000]))
    def wait(self, seconds: int) -> None:
        """The clock jumps; creates that were under way come to their end."""
        self.world.clock.advance(seconds=seconds)
        self._commit_late()

    @rule(mode=st.sampled_from([None, Mode.DEATH, Mode.TIMEOUT, Mode.NO_ANSWER]), at=st.integers(0, 8))
    def watch(self, mode: Mode | None, at: int) -> None:
        """The timer of the watch."""
        hook = Hook() if mode is None else Hook(at=at, mode=mode)
        self.run(self.world.worker(hook).watch())

    @rule(is_down=st.booleans())
    def vault_goes(self, is_down: bool) -> None:
        """The vault is down, or back."""
        self.world.go("vault", is_down=is_down)

    @rule(is_down=st.booleans())
    def graph_goes(self, is_down: bool) -> None:
        """Graph is down, or back."""
        self.world.go("graph", is_down=is_down)

    @precondition(lambda self: self.visible())
    @rule(seconds=st.integers(1, 600))
    def create_late(self, seconds: int) -> None:
        """The next create has no answer, and commits later."""
        vault = self.world.vault
        vault.commits_late, vault.answer_lost = True, Unavailable("no answer", origin="vault")
        found = [one for one in self.visible() if one.queue == "vault-import"]
        if found:
            self.run(self._work(found[0].id, Hook()))
        vault.commits_late, vault.answer_lost = False, None
        late = vault.__dict__.pop("late", None)
        if late is not None:
            self.late.append((self.world.clock.now() + timedelta(seconds=seconds), late))

    @rule(data=st.data())
    def lose_messages(self, data: st.DataObject) -> None:
        """Queues lose messages of mails that have a row."""
        known = {row.key for row in self.run(self._rows())}
        messages = [one for one in self.world.queues.messages() if _key_of(one) in known]
        if messages:
            lost = set(data.draw(st.lists(st.sampled_from([one.id for one in messages]), max_size=4)))
            self.world.queues.drop(lambda one: one.id in lost)

    async def _rows(self) -> list[Any]:
        return [row async for row in self.world.journal.rows()]

    def visible(self) -> list[QueuedMessage]:
        now = self.world.clock.now()
        return [one for one in self.world.queues.messages() if one.visible_at <= now]

    def _commit_late(self, *, all_of_them: bool = False) -> None:
        now = self.world.clock.now()
        due = [kept for at, kept in self.late if all_of_them or at <= now]
        self.late = [(at, kept) for at, kept in self.late if kept not in due]
        for kept in due:
            self.world.commit(kept)

    def teardown(self) -> None:
        """All heals; then the vault has what was announced, once, and nothing is open."""
        if not hasattr(self, "world"):
            return
        try:
            self.run(self._heal())
        finally:
            self.loop.close()

    async def _heal(self) -> None:
        while self.sleepers:
            await self._wake(0)
        self.world.go("vault", is_down=False)
        self.world.go("graph", is_down=False)
        self._commit_late(all_of_them=True)
        await self.world.settle(timedelta(days=2))
        await self.world.assert_well()


def _key_of(message: QueuedMessage) -> str:
    fields = text_of(message)
    return str(fields.get("key") or filing_key(SOURCE, fields.get("message", "")))


def test_whatever_happens_each_announced_mail_is_filed_once(pytestconfig: pytest.Config) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine,
        settings=settings(
            max_examples=LONG if pytestconfig.getoption("--long") else SHORT,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
