"""NCRONTAB expressions, in UTC: `{second} {minute} {hour} {day} {month} {day of week}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from croniter import CroniterError, croniter

# github.com/atifaziz/NCrontab: lists, ranges and steps of numbers or of English names; no L, W, # or ?.
_ITEM = r"(?:\*|\w+(?:-\w+)?)(?:/\d+)?"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*")
_NAMES = re.compile(r"sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec")


class ScheduleRefused(ValueError):
    """An expression that the timer trigger does not take."""


@dataclass(frozen=True)
class Schedule:
    """When a timer is due."""

    expression: str

    @classmethod
    def parse(cls, expression: str) -> Self:
        """Check an expression of six fields, or of five without seconds; ScheduleRefused says what is wrong.

        Intervals such as `00:15:00` are refused: they are for App Service plans only
        (learn.microsoft.com/azure/azure-functions/functions-bindings-timer, TimeSpan).
        """
        fields = expression.split()
        if len(fields) not in {5, 6} or not all(_FIELD.fullmatch(field) for field in fields):
            raise ScheduleRefused(f"schedule {expression!r} is not an NCRONTAB expression")
        for field in fields:
            for word in re.findall(r"[^\W\d]+", field):
                if not _NAMES.fullmatch(word.lower()):
                    raise ScheduleRefused(f"schedule {expression!r}: {word!r} is no month or day of the week")
        if any(int(number) > 6 for number in re.findall(r"(?<!/)\b\d+", fields[-1])):
            raise ScheduleRefused(f"schedule {expression!r}: days of the week are 0 (Sunday) to 6")
        schedule = cls(" ".join(fields if len(fields) == 6 else ["0", *fields]))
        try:
            croniter(schedule.expression, second_at_beginning=True)
        except CroniterError as error:
            raise ScheduleRefused(f"schedule {expression!r}: {error}") from error
        return schedule

    def after(self, moment: datetime) -> datetime:
        """The first time due after `moment`, both in UTC; unlike in cron, both kinds of day must fit."""
        times = croniter(self.expression, moment, ret_type=datetime, day_or=False, second_at_beginning=True)
        return times.get_next()
