"""A plan in portions: all of it, and of each source no more than one."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.subscription_plan import Registered, Renewal, Replacement, SubscriptionPlan, Watched
from shared.subscription_portions import portions

SOURCES = st.sampled_from("abcdef")
watches = st.builds(Watched, SOURCES, st.just("a@example.com"), st.sampled_from(["inbox", "archive"]))
rows = st.builds(
    Registered,
    SOURCES,
    st.sampled_from(["id-1", "id-2", "id-3"]),
    st.just("users/a@example.com"),
    st.just("https://example.com/api/notifications"),
    st.just("key-1"),
)
plans = st.builds(
    SubscriptionPlan,
    create=st.lists(watches, max_size=6).map(tuple),
    renew=st.lists(st.builds(Renewal, watches, rows), max_size=4).map(tuple),
    replace=st.lists(st.builds(Replacement, watches, st.tuples(rows)), max_size=4).map(tuple),
    delete=st.lists(rows, max_size=2).map(tuple),
    gone=st.lists(rows, max_size=2).map(tuple),
)
some = settings(max_examples=50)


def sources_of(plan: SubscriptionPlan) -> Counter[str]:
    """How much each source has that begins or is renewed."""
    watched = (*plan.create, *(one.watched for one in plan.renew), *(one.watched for one in plan.replace))
    return Counter(one.source for one in watched)


@some
@given(plans, st.integers(1, 6))
def test_portions_are_all_of_the_plan_and_nothing_else(plan: SubscriptionPlan, most: int) -> None:
    found = list(portions(plan, most))

    for name in ("create", "renew", "replace", "delete", "gone"):
        parted = [one for portion in found for one in getattr(portion, name)]
        assert Counter(parted) == Counter(getattr(plan, name))


@some
@given(plans, st.integers(1, 6))
def test_a_source_is_in_one_portion_and_that_is_small_but_for_a_single_source(
    plan: SubscriptionPlan, most: int
) -> None:
    found = [sources_of(portion) for portion in portions(plan, most)]

    assert sum(len(one) for one in found) == len(sources_of(plan))
    assert all(one.total() <= most or len(one) == 1 for one in found)
    assert all(found) or len(found) == 1


@some
@given(plans, st.integers(1, 6))
def test_what_is_deleted_goes_before_anything_of_a_later_portion(plan: SubscriptionPlan, most: int) -> None:
    """A folder may go over to another source, for which Graph takes no second subscription."""
    assert next(iter(portions(plan, most))).delete == plan.delete


@some
@given(plans)
def test_what_is_renewed_comes_first(plan: SubscriptionPlan) -> None:
    """It would end: in a long round creations can wait."""
    renewing = {one.watched.source for one in plan.renew}
    places = [number for number, part in enumerate(portions(plan, 1)) if renewing & sources_of(part).keys()]

    assert places == list(range(len(renewing)))


@some
@given(plans)
def test_a_plan_that_is_not_long_is_its_own_portion(plan: SubscriptionPlan) -> None:
    """Order counts: those of which there is none yet come as the configuration has them."""
    assert list(portions(plan, sources_of(plan).total() or 1)) == [plan]
