"""A fact that no document settles, the check that settles it, and what the check has seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.live.world import World


@dataclass(frozen=True)
class Fact:
    """One fact.

    name       by which a result names it
    question   what is asked
    expected   what the product takes for granted; empty where nothing depends on the answer
    depends    the files that are written for `expected`
    otherwise  what somebody does, or the app by itself, where it is otherwise
    """

    name: str
    question: str
    expected: str = ""
    depends: tuple[str, ...] = ()
    otherwise: str = "nothing"

    @property
    def area(self) -> str:
        """`graph`, `vault`, `keyvault`, `identity` or `app`."""
        return self.name.partition("-")[0]


@dataclass(frozen=True)
class Seen:
    """What was seen; `agrees` is None where there is nothing to agree with."""

    text: str
    agrees: bool | None = None


class NotPossible(Exception):
    """The check needs something that this run does not have; the text says what."""


Look = Callable[["World"], Awaitable[Seen]]


@dataclass(frozen=True)
class LiveCheck:
    """A fact with what looks at it."""

    fact: Fact
    look: Look


CHECKS: list[LiveCheck] = []
"""Every check, in the order in which they are run."""


def settles(fact: Fact) -> Callable[[Look], Look]:
    """Register the decorated function as the check of `fact`."""

    def register(look: Look) -> Look:
        CHECKS.append(LiveCheck(fact, look))
        return look

    return register
