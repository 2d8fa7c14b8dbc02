"""Values that Hypothesis makes for more than one test."""

from __future__ import annotations

from datetime import timedelta, timezone

from hypothesis import strategies as some

json_values = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False, allow_infinity=False)
    | some.text(),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(), inner, max_size=4),
    max_leaves=12,
)
"""Anything that JSON can say."""

any_text = some.text(some.characters())
"""Text with every character that Python knows, lone surrogates among them."""

zones = some.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
"""Offsets from UTC: Windows has no table of the world's time zones."""
