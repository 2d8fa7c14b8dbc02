"""Which version of its secret the app signs in with, over values."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as some

from shared.credential_faults import ProofRefused
from shared.proof_versions import MOST_FORMER, REST, Refusals, in_turn
from shared.secret_reading import SecretVersion

from .clock import FakeClock

VERSIONS = some.lists(
    some.builds(SecretVersion, some.text("abc", min_size=1, max_size=2), some.sampled_from("pqrst")),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.id,
)
IDS = some.frozensets(some.text("abc", min_size=1, max_size=2))


@given(VERSIONS, IDS, IDS)
def test_the_newest_and_two_former_ones_at_most_are_tried_and_what_rests_only_where_nothing_else_is_left(
    versions: list[SecretVersion], resting: frozenset[str], tried: frozenset[str]
) -> None:
    newest, *former = versions
    turn = in_turn(newest, versions, resting, tried)
    others = [one for one in turn if one is not newest]

    assert (newest in turn) == (newest.id not in tried)
    assert newest.id in tried or turn[-1 if newest.id in resting else 0] is newest
    assert not {one.id for one in others} & (resting | tried)
    assert newest.value not in {one.value for one in others}
    assert is_in_order(others, [one for one in former if one.value != newest.value][:MOST_FORMER])


def is_in_order(some_of: Sequence[SecretVersion], all_of: Sequence[SecretVersion]) -> bool:
    return list(some_of) == [one for one in all_of if one in some_of]


@given(some.lists(some.tuples(some.sampled_from("abc"), some.booleans(), some.integers(0, 1000))))
def test_a_refused_version_is_tried_once_in_a_rest_and_one_that_works_always(
    history: list[tuple[str, bool, int]],
) -> None:
    """Each is tried when it does not rest; the booleans say whether it is taken then."""
    clock = FakeClock()
    refusals = Refusals(clock.monotonic)
    last: dict[str, float] = {}
    for version, is_taken, seconds in history:
        clock.advance(seconds=seconds)
        now = clock.monotonic()
        rests = version in last and now - last[version] < REST
        assert (version in refusals.resting()) == rests
        assert refusals.rests(version) == rests
        if rests:
            continue
        if is_taken:
            refusals.forgive(version)
            last.pop(version, None)
        else:
            refusals.refuse(version, ProofRefused("It is wrong.", "Set another."))
            last[version] = now
    assert {one for one in "abc" if refusals.of(one)} == last.keys()


def test_of_many_who_ask_after_a_rest_one_tries_it() -> None:
    """What comes of it is not known yet: the others go on with what serves."""
    clock = FakeClock()
    refusals = Refusals(clock.monotonic)
    refusals.refuse("a", ProofRefused("It is wrong.", "Set another."))
    clock.advance(seconds=REST)
    assert not refusals.rests("a")

    for version in ("a", "b"):
        refusals.begin(version)

    assert refusals.resting() == {"a"}


def test_not_every_version_of_years_is_remembered() -> None:
    refusals = Refusals(FakeClock().monotonic)
    for number in range(100):
        refusals.refuse(f"{number}", ProofRefused("It is wrong.", "Set another."))

    assert len(refusals.resting()) < 10
    assert "99" in refusals.resting()
