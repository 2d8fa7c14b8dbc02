"""A flood of one event is one event a minute, with its number."""

from __future__ import annotations

from shared.sparing import MOST_REASONS, OTHER, SparingLog

from .clock import FakeClock


class Written:
    """Notes what is written."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object, object]] = []

    def __call__(self, event: str, **fields: object) -> None:
        assert fields.keys() == {"why", "times"}
        self.events.append((event, fields["why"], fields["times"]))


def test_the_first_is_written_at_once_and_the_rest_once_a_minute_with_its_number() -> None:
    clock, written = FakeClock(), Written()
    sparing = SparingLog(clock.monotonic)
    for _ in range(180):
        sparing.note(written, "refused", "too large")
        clock.advance(seconds=1)

    assert written.events == [
        ("refused", "too large", 1),
        ("refused", "too large", 60),
        ("refused", "too large", 60),
    ]


def test_each_event_and_reason_is_told_apart() -> None:
    written = Written()
    sparing = SparingLog(FakeClock().monotonic)
    for _ in range(5):
        sparing.note(written, "refused", "too large")
        sparing.note(written, "refused", "not JSON")
        sparing.note(written, "dropped", "not JSON", 7)

    assert written.events == [
        ("refused", "too large", 1),
        ("refused", "not JSON", 1),
        ("dropped", "not JSON", 7),
    ]


def test_what_is_left_is_told_with_whatever_comes_next_and_nothing_twice() -> None:
    clock, written = FakeClock(), Written()
    sparing = SparingLog(clock.monotonic)
    for _ in range(3):
        sparing.note(written, "refused", "too large")
    clock.advance(hours=5)
    for _ in range(3):
        sparing.tell()

    assert written.events == [("refused", "too large", 1), ("refused", "too large", 2)]


def test_reasons_are_bounded() -> None:
    written = Written()
    sparing = SparingLog(FakeClock().monotonic)
    for number in range(10 * MOST_REASONS):
        sparing.note(written, "refused", str(number))

    assert len(written.events) == MOST_REASONS + 1
    assert written.events[-1] == ("refused", OTHER, 1)
