"""What a bench has found: medians with their spread, beside the targets of docs/performance.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Spread:
    """The median of some values, with the quartiles on either side of it."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value. Raises ValueError for none."""
        ordered = sorted(values)
        if not ordered:
            raise ValueError("a spread of no values")
        if len(ordered) == 1:
            return cls(ordered[0], ordered[0], ordered[0], 1)
        low, median, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(median, low, high, len(ordered))

    @classmethod
    def of_ratios(cls, ours: Sequence[float], others: Sequence[float]) -> Spread:
        """Of ours to the other's in each pair of interleaved runs: what drifts, drifts for both."""
        return cls.of(mine / other for mine, other in zip(ours, others, strict=True))


def throughput(began: float, made: Sequence[float]) -> float:
    """Documents a second, from the moment at which the mails were handed over to the last document.

    All are in seconds of one clock: how close together they end says nothing of how long they took.
    """
    return len(made) / (max(made) - began)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that at least `share` of them (0 to 1) do not exceed."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile of no values")
    return ordered[max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))]


@dataclass(frozen=True)
class Target:
    """What a median must come to."""

    is_at_most: bool
    bound: float

    def is_met(self, median: float) -> bool:
        """Whether the median is on the right side, the bound itself included."""
        return median <= self.bound if self.is_at_most else median >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.is_at_most else '≥'} {self.bound:g}"


def at_most(bound: float) -> Target:
    """A target from above."""
    return Target(is_at_most=True, bound=bound)


def at_least(bound: float) -> Target:
    """A target from below."""
    return Target(is_at_most=False, bound=bound)


Unit = Literal["x", "s", "ms", "MB", "/s", ""]
"""`x` is a ratio, and no unit a number of things."""


@dataclass(frozen=True)
class Figure:
    """One figure of a bench: `what` it is of, its spread, and its target, if it has one."""

    what: str
    value: Spread
    unit: Unit
    target: Target | None = None

    @property
    def is_missed(self) -> bool:
        """Whether there is a target and the median does not come to it."""
        return self.target is not None and not self.target.is_met(self.value.median)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        found: dict[str, Any] = {
            "what": self.what,
            "unit": self.unit,
            "median": self.value.median,
            "quartiles": [self.value.low, self.value.high],
            "runs": self.value.count,
        }
        if self.target is not None:
            found["target"] = str(self.target)
            found["met"] = not self.is_missed
        return found


def figure(what: str, values: Iterable[float], unit: Unit, target: Target | None = None) -> Figure:
    """The figure of these values."""
    return Figure(what, Spread.of(values), unit, target)


def table(bench: str, figures: Sequence[Figure]) -> str:
    """The figures of one bench, in lines for a person."""
    rows = [
        (
            one.what,
            _number(one.value.median, one.unit),
            f"{_number(one.value.low, one.unit)} … {_number(one.value.high, one.unit)}"
            if one.value.count > 1
            else "",
            str(one.target or ""),
            ("MISSED" if one.is_missed else "met") if one.target else "",
        )
        for one in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)] if rows else []
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join((bench, *(f"  {line}" for line in lines)))


def _number(value: float, unit: Unit) -> str:
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:,.{digits}f}"
    if unit == "" and value == int(value):
        text = f"{int(value):,}"
    return f"{text} {unit}".rstrip()
