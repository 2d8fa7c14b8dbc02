"""The state machine with its sweep: announced or not, in the end the vault has what the folder has."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from shared.breaker import Service
from shared.testing.queues import QueuedMessage
from tests.protocol.hooks import Hook, Mode
from tests.protocol.swept import OLD, SweptWorld
from tests.protocol.test_machine import Machine
from tests.protocol.world import text_of

SHORT, LONG, STEPS = 60, 2000, 50


class SweptMachine(Machine):
    """Mail comes announced or not, is moved in, and is found by sweeps that die on the way."""

    world: SweptWorld

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.world = SweptWorld()
        # What was there before the first start is never filed, unless it is moved in later.
        self.there_before = [self.world.arrive(ago=OLD) for _ in range(3)]
        self.run(self._started())

    async def _started(self) -> None:
        """The folder is known: from now on its mail is filed."""
        await self.world.worker().sweep()
        self.world.jump(1)

    @rule(attachments=st.sampled_from([0, 1, 3]), copies=st.integers(1, 3))
    def deliver(self, attachments: int, copies: int) -> None:
        """A mail comes, and is announced, once or more often."""
        message = self.world.arrive(attachments)
        for _ in range(copies):
            self.run(self.world.announce(message))

    @rule(number=st.integers(1, 4))
    def deliver_unannounced(self, number: int) -> None:
        """Mails come, and their notifications are lost."""
        self.world.announced += [self.world.arrive() for _ in range(number)]

    @precondition(lambda self: self.world.announced)
    @rule(data=st.data())
    def move_in_again(self, data: st.DataObject) -> None:
        """A mail is moved out of the folder and in again."""
        self.world.inbox.put(data.draw(st.sampled_from(self.world.announced)))

    @rule(mode=st.sampled_from([None, Mode.DEATH, Mode.TIMEOUT, Mode.NO_ANSWER]), at=st.integers(0, 8))
    def sweep(self, mode: Mode | None, at: int) -> None:
        """The timer of the sweep."""
        hook = Hook() if mode is None else Hook(at=at, mode=mode)
        self.run(self.world.worker(hook).sweep())

    @rule()
    def lose_tokens(self) -> None:
        """Graph does not know its delta tokens any more."""
        self.world.inbox.lose_tokens()

    @rule(repeats=st.booleans())
    def repeat(self, repeats: bool) -> None:
        """Pages say again what the ones before have said."""
        self.world.inbox.repeats = repeats

    @rule(
        attachments=st.sampled_from([0, 1, 3]),
        seconds=st.integers(1, 600),
        dies_at=st.sampled_from([None, "breakers.write"]),
    )
    def create_late(self, attachments: int, seconds: int, dies_at: str | None) -> None:
        """As without a sweep; the mail is in the folder, too."""
        known = set(self.world.source_of)
        super().create_late(attachments, seconds, dies_at)
        for message in set(self.world.source_of) - known:
            self.world.inbox.put(message)

    def _key_of(self, message: QueuedMessage) -> str:
        fields = text_of(message)
        return "" if "folder" in fields else super()._key_of(message)

    async def _heal(self) -> None:
        while self.sleepers:
            await self._wake(0)
        for service in get_args(Service):
            self.world.outages.end(service)
        # What waits for its time may wait for 15 minutes, and a sweep for the one before it.
        for _ in range(4):
            await self.world.settle(timedelta(days=2))
            await self.world.worker().sweep()
        await self.world.settle(timedelta(days=2))
        await self.world.assert_well()
        for message in self.there_before:
            row = await self.world.row(message)
            assert (row.state, row.rule) == ("skipped", "passed-over")


def test_after_a_sweep_the_vault_is_what_the_folder_has(pytestconfig: pytest.Config) -> None:
    run_state_machine_as_test(
        SweptMachine,
        settings=settings(
            max_examples=LONG if pytestconfig.getoption("--long") else SHORT,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
