"""A mailbox that was migrated or restored has all new ids: much old mail that nobody knows is no accident."""

from __future__ import annotations

from dataclasses import dataclass

from shared.breaker import BreakerKey, held
from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.errors import NotYet
from shared.folder_register import FolderRegister, SweptFolder
from shared.sweep_plan import MOST_COMPARED
from shared.sweep_state import SweepStates


@dataclass(frozen=True)
class Consent:
    """Whether an operator wants such mail filed: asked by a hold of the source, answered by `resume`."""

    register: FolderRegister
    states: SweepStates
    breakers: Breakers
    clock: Clock

    async def is_awaited(self, source: str) -> bool:
        """Whether the source waits for its operator, as the table has it now. Raises Unavailable."""
        return await self._is_awaited(source, fresh=True)

    async def stops(self, source: str) -> bool:
        """Whether a sweep of the source waits for its operator; by the table only where that seems so.

        A hold of a few seconds ago may be overlooked: a folder that asked for it asks `is_awaited` itself.
        Raises Unavailable.
        """
        return await self._is_awaited(source, fresh=False) and await self.is_awaited(source)

    async def _is_awaited(self, source: str, *, fresh: bool) -> bool:
        known = await self.breakers.all(fresh=fresh)
        keys = (BreakerKey("source", source), BreakerKey("source", source, "staging"))
        return any(known[key].waits_for_operator for key in keys if key in known)

    async def is_given(self, folder: SweptFolder) -> bool:
        """Whether it was given since the last good sweep of this folder, for any folder of its source.

        A migration is of all folders, and is confirmed once. Raises Unavailable.
        """
        async for one in self.register.rows(folder.source):
            confirmed = one.confirmed
            if confirmed is not None and (folder.last_good is None or confirmed > folder.last_good):
                return True
            state, _ = await self.states.read(one)
            # The hold was written before `asked`: where that stands and the source goes on, it was resumed.
            if state is None or not state.asked or state.began is None:
                continue
            is_of_now = folder.last_good is None or state.began > folder.last_good
            if is_of_now and not await self.is_awaited(folder.source):
                return True
        return False

    async def note(self, folder: SweptFolder) -> None:
        """The operator has let a source go on that was held for this folder. Raises Unavailable."""
        await self.register.note(folder, confirmed=self.clock.now())

    async def ask(self, source: str) -> tuple[str, str]:
        """Hold the source; answers why, and what to do. Raises Unavailable, and Stale."""
        reason = (
            f'source "{source}": a folder of its mailbox has more than {MOST_COMPARED} mails that are older '
            "than the last sweep, and unknown: it was migrated, restored, or filled with old mail."
        )
        remedy = "If they are to be filed, resume the source. If not, set since to today before that."
        now = self.clock.now()
        written = await self.breakers.change(
            BreakerKey("source", source), lambda one: held(one, reason, remedy, now, asks_operator=True)
        )
        if written.state != "held":
            raise NotYet(f'source "{source}": it is paused; its operator is asked after that')
        return reason, remedy
