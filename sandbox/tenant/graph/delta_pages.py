"""Which changes a page of the delta query shows: learn.microsoft.com/graph/delta-query-messages"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from msgspec.structs import replace

from sandbox.tenant.graph.delta_tokens import Asked, Round
from sandbox.tenant.graph.folder_log import DELETED, FolderLog, Shown

# With a $filter no more messages than this are listed.
MOST_FILTERED = 5_000


@dataclass(frozen=True)
class DeltaPage:
    """What a page shows, and what follows: the next page of this round, or (`last`) the next round."""

    shown: list[Shown]
    following: Round
    last: bool


def page_of(log: FolderLog, state: Round, size: int, *, unruly: bool = False) -> DeltaPage:
    """At most `size` changes from where `state` stands.

    `unruly` does what the documentation allows and the service mostly does not: an item comes again on the
    next page and in the next round, an empty page comes between two, removals come whatever was asked for.
    """
    if state.empty:
        return DeltaPage([], replace(state, empty=False), last=False)
    found = list(islice(_ahead(log, state, unruly), size + 1))
    shown = found[:size]
    if len(found) > size:
        return DeltaPage(shown, _next_page(state, shown, found[size], unruly), last=False)
    end = len(log)
    start = shown[-1].number if unruly and shown and not state.asked.newest_first else end
    done = replace(state, base=start, horizon=end, position=start, listed=0, before=None)
    return DeltaPage(shown, done, last=True)


def _next_page(state: Round, shown: list[Shown], following: Shown, unruly: bool) -> Round:
    listed = state.listed + sum(one.number < state.horizon for one in shown)
    if state.asked.newest_first and following.number < state.horizon:
        last = shown[-1]
        return replace(state, before=(last.message.received, last.number), listed=listed, empty=unruly)
    again = unruly and len(shown) > 1 and not state.asked.newest_first
    position = shown[-1].number if again else following.number
    return replace(state, position=position, listed=listed - again, before=None, empty=unruly)


def _ahead(log: FolderLog, state: Round, unruly: bool) -> Iterator[Shown]:
    kinds = state.asked.kinds | {DELETED} if unruly else state.asked.kinds
    if state.position < state.horizon:
        yield from _listed(log, state)
    for one in log.between(max(state.position, state.horizon), len(log), state.base, kinds):
        if _passes(one, state.asked):
            yield one


def _listed(log: FolderLog, state: Round) -> Iterator[Shown]:
    """What was there when the round began; what had left by then is nobody's concern."""
    found = log.between(state.position, state.horizon, state.base, state.asked.kinds - {DELETED})
    passing: Iterator[Shown] = (one for one in found if _passes(one, state.asked))
    if state.asked.newest_first:
        ordered = sorted(passing, key=_place, reverse=True)
        passing = (one for one in ordered if state.before is None or _place(one) < state.before)
    if state.asked.since is None:
        return passing
    return islice(passing, max(0, MOST_FILTERED - state.listed))


def _place(one: Shown) -> tuple[datetime, int]:
    return one.message.received, one.number


def _passes(one: Shown, asked: Asked) -> bool:
    return one.kind == DELETED or asked.since is None or asked.since.wants(one.message.received)
