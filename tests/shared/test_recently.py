"""What happened a short while ago is known, within a bound of time and of number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from shared.recently import Recently

from .clock import FakeClock


def test_a_name_is_known_for_as_long_as_it_was_told() -> None:
    clock = FakeClock()
    recently = Recently(clock.monotonic, 10.0, 100)
    recently.add(["a"])
    clock.advance(seconds=9.9)
    assert "a" in recently
    assert "b" not in recently
    clock.advance(seconds=0.1)
    assert "a" not in recently


def test_a_name_that_is_added_again_begins_anew_and_one_that_is_discarded_is_gone() -> None:
    clock = FakeClock()
    recently = Recently(clock.monotonic, 10.0, 100)
    recently.add(["a", "b"])
    clock.advance(seconds=9)
    recently.add(["a"])
    clock.advance(seconds=2)
    assert ("a" in recently, "b" in recently) == (True, False)
    recently.discard(["a", "never added"])
    assert "a" not in recently


def test_the_oldest_gives_way() -> None:
    recently = Recently(FakeClock().monotonic, 10.0, 2)
    recently.add(["a", "b"])
    recently.add(["a", "c"])
    assert [name in recently for name in "abc"] == [True, False, True]


@given(some.lists(some.tuples(some.sampled_from("abcdef"), some.integers(0, 6)), max_size=40))
def test_it_never_holds_more_than_its_bound_nor_what_is_over(added: list[tuple[str, int]]) -> None:
    """Held against the whole history: of names that came at one time, the last one is the newest."""
    clock, last, order = FakeClock(), dict[str, float](), list[str]()
    recently = Recently(clock.monotonic, 10.0, 4)
    for name, seconds in added:
        clock.advance(seconds=seconds)
        recently.add([name])
        last[name] = clock.monotonic()
        order = [*(one for one in order if one != name), name]
        known = {one for one in order[-4:] if clock.monotonic() - last[one] < 10.0}
        assert {one for one in "abcdef" if one in recently} == known
        assert len(recently) <= 4
