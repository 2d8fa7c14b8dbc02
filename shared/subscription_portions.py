"""A long plan in portions: what is cut off in the middle of one has done the others to their end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from shared.subscription_plan import SubscriptionPlan

_T = TypeVar("_T")


def portions(plan: SubscriptionPlan, most: int) -> Iterator[SubscriptionPlan]:
    """The plan in portions that are to be done one after the other.

    A source has all that begins or is renewed in one of them, so that one sweep is enough for it. A portion
    has at most `most` of these, or a single source. What is deleted for good comes with the first one, since
    another source may be about to have its folder.
    """
    place = _placed(plan, most)
    create = _parted(plan.create, lambda one: place[one.source])
    renew = _parted(plan.renew, lambda one: place[one.watched.source])
    replace = _parted(plan.replace, lambda one: place[one.watched.source])
    gone = _parted(plan.gone, lambda row: place.get(row.source, 0))
    for number in range(max(place.values(), default=0) + 1):
        delete = plan.delete if number == 0 else ()
        yield SubscriptionPlan(create[number], renew[number], replace[number], delete, gone[number])


def _placed(plan: SubscriptionPlan, most: int) -> Mapping[str, int]:
    """The number of the portion of each source that has anything that begins or is renewed.

    What is renewed comes first: it would end, while nothing of the others does.
    """
    watched = (*(one.watched for one in plan.renew), *(one.watched for one in plan.replace), *plan.create)
    place: dict[str, int] = {}
    number = taken = 0
    for source, own in Counter(one.source for one in watched).items():
        if taken and taken + own > most:
            number, taken = number + 1, 0
        place[source] = number
        taken += own
    return place


def _parted(items: Iterable[_T], of: Callable[[_T], int]) -> defaultdict[int, tuple[_T, ...]]:
    lists: defaultdict[int, list[_T]] = defaultdict(list)
    for item in items:
        lists[of(item)].append(item)
    return defaultdict(tuple, {number: tuple(found) for number, found in lists.items()})
