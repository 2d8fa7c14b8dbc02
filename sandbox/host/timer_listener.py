"""Running a timer's function when it is due: never at the start, never beside itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.host.bindings import TriggerInput, timer_input
from sandbox.host.functions import Function, TimerTrigger
from sandbox.host.invocation import FunctionFailed, Invoker
from sandbox.host.stopping import Stopping

_log = logging.getLogger(__name__)

# A run that starts later than this after its time is past due, in seconds.
_PAST_DUE = 1.0


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class TimerListener:
    """Runs `function` on its schedule. Times that pass while it runs are skipped, as in Azure.

    A run asked for by hand is apart from the schedule, as in Azure, and may run beside a scheduled one.
    """

    function: Function
    trigger: TimerTrigger
    invoker: Invoker
    now: Callable[[], datetime] = utc_now

    async def run(self, stopping: Stopping) -> None:
        """Keep the schedule until told to stop; a run under way ends first."""
        if self.trigger.at_start:
            _log.warning(
                "%s asks to run at the start: this host starts no timer by itself", self.function.name
            )
        last: datetime | None = None
        while not stopping.requested:
            due = self.trigger.schedule.after(self.now())
            while (left := (due - self.now()).total_seconds()) > 0 and not stopping.requested:
                await stopping.rest(left)
            if stopping.requested:
                return
            await self._run_once(last, due)
            last = due

    async def _run_once(self, last: datetime | None, due: datetime) -> None:
        following = self.trigger.schedule.after(self.now())
        past_due = (self.now() - due).total_seconds() > _PAST_DUE
        try:
            await self.invoker.invoke(self.function, timer_input(last=last, due=following, past_due=past_due))
        except FunctionFailed:
            # Logged by the invoker; a timer is not tried again before its next time.
            return


def manual_timer_input(trigger: TimerTrigger, now: datetime) -> TriggerInput:
    """For a run asked for by hand."""
    return timer_input(last=None, due=trigger.schedule.after(now), past_due=False)
