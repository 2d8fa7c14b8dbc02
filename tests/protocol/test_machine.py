"""The protocol as a state machine: whatever happens in whatever order, the vault has each mail once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, get_args

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

from shared.breaker import Service
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT
from shared.testing.queues import QueuedMessage
from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import LEASE, World, text_of

SHORT, LONG, STEPS = 200, 5000, 50
_T = TypeVar("_T")


class Machine(RuleBasedStateMachine):
    """Mails, workers, clock and services, moved one step at a time."""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.sleepers: list[tuple[Hook, asyncio.Task[None]]] = []

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
        message = data.draw(st.sampled_from(self.visible()))
        hook = Hook() if mode is None else Hook(at=at, mode=mode)
        self.run(self._work(message, hook))

    async def _work(self, message: QueuedMessage, hook: Hook) -> None:
        received = self._received(message)
        task = asyncio.create_task(self.world.worker(hook).take(received))
        while not task.done() and not (hook.has_struck and hook.mode is Mode.SLEEP):  # noqa: ASYNC110
            await asyncio.sleep(0)
        if task.done():
            task.result()
        else:
            self.sleepers.append((hook, task))

    def _received(self, message: QueuedMessage) -> QueuedMessage:
        """That message alone: the service promises no order."""
        received = replace(message, dequeue_count=message.dequeue_count + 1)
        return self.world.queues._placed(received, self.world.clock.now() + timedelta(seconds=LEASE))

    @precondition(lambda self: self.sleepers)
    @rule(data=st.data())
    def wake(self, data: st.DataObject) -> None:
        """A worker wakes up, perhaps long after its claim has run out."""
        number = data.draw(st.integers(0, len(self.sleepers) - 1))
        self.run(self._wake(number))

    async def _wake(self, number: int) -> None:
        hook, task = self.sleepers.pop(number)
        known = list(self.world.vault.too_early)
        hook.wake.set()
        await task
        # Who slept between mark and create sends it whenever it wakes up: only the vault could refuse that.
        self.world.vault.too_early = known

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
        self.world.jump(seconds)

    @rule(mode=st.sampled_from([None, Mode.DEATH, Mode.TIMEOUT, Mode.NO_ANSWER]), at=st.integers(0, 8))
    def watch(self, mode: Mode | None, at: int) -> None:
        """The timer of the watch."""
        hook = Hook() if mode is None else Hook(at=at, mode=mode)
        self.run(self.world.worker(hook).watch())

    @rule(service=st.sampled_from(get_args(Service)), is_down=st.booleans())
    def service_goes(self, service: Service, is_down: bool) -> None:
        """A service is down, or back."""
        (self.world.outages.begin if is_down else self.world.outages.end)(service)

    @rule(
        attachments=st.sampled_from([0, 1, 3]),
        seconds=st.integers(1, 600),
        dies_at=st.sampled_from([None, "breakers.write"]),
    )
    def create_late(self, attachments: int, seconds: int, dies_at: str | None) -> None:
        """A mail's create has no answer, and commits later; its worker may die before it can tell."""
        message = self.world.mail(attachments)
        self.run(self.world.announce(message))
        self.run(self._step(MAIL_ARRIVED, message, Hook()))
        self.world.vault.commits_after = timedelta(seconds=seconds)
        self.run(self._step(VAULT_IMPORT, message, Hook(at=dies_at)))
        self.world.vault.commits_after = None

    async def _step(self, queue: str, message: str, hook: Hook) -> None:
        """Take the message of that mail in `queue`, if there is one now."""
        key = self.world.key(message)
        for found in self.visible():
            if found.queue == queue and self._key_of(found) == key:
                await self._work(found, hook)
                return

    @rule(data=st.data())
    def lose_messages(self, data: st.DataObject) -> None:
        """Queues lose messages of mails that have a row."""
        known = {row.key for row in self.run(self._rows())}
        messages = [one for one in self.world.queues.messages() if self._key_of(one) in known]
        if messages:
            lost = set(data.draw(st.lists(st.sampled_from([one.id for one in messages]), max_size=4)))
            self.world.queues.drop(lambda one: one.id in lost)

    async def _rows(self) -> list[Any]:
        return [row async for row in self.world.journal.rows()]

    def visible(self) -> list[QueuedMessage]:
        now = self.world.clock.now()
        return [one for one in self.world.queues.messages() if one.visible_at <= now]

    def _key_of(self, message: QueuedMessage) -> str:
        fields = text_of(message)
        return str(fields.get("key") or self.world.key(fields["message"]))

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
        for service in get_args(Service):
            self.world.outages.end(service)
        await self.world.settle(timedelta(days=2))
        await self.world.assert_well()


def test_whatever_happens_each_announced_mail_is_filed_once(pytestconfig: pytest.Config) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=LONG if pytestconfig.getoption("--long") else SHORT,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
