"""What was meant by a name that is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.near_names import near

from .generated import any_text

KNOWN = ("from", "received", "reply_to", "Upper")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("frm", "from"),
        ("FROM", "from"),
        ("Recieved", "received"),
        ("upper", "Upper"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_name_that_is_most_like_it_is_found_in_any_case_of_letters(name: str, meant: str | None) -> None:
    assert near(name, KNOWN) == meant


@given(any_text, some.lists(any_text))
def test_what_was_meant_is_always_a_known_name(name: str, known: list[str]) -> None:
    assert near(name, known) in (*known, None)
