"""M-Files' own message is kept, and nothing out of a mail with it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.vault.messages import GAP, LONGEST, kept

NAMES = ("Invoice number", "From", "Customer")


@pytest.mark.parametrize(
    ("message", "values", "said"),
    [
        ('Property "Invoice number" must have a value.', ["Offer 4711"], None),
        (
            'Property "Invoice number" cannot be "Offer 4711".',
            ["Offer 4711"],
            f'Property "Invoice number" cannot be "{GAP}".',
        ),
        ("Customer: no item Contoso Ltd", ["contoso ltd"], f"Customer: no item {GAP} Ltd"),
        ("Customer is missing", ["Customer complaint"], None),
        (
            "The file offer 4711.pdf is too long",
            ["Offer 4711", "pdf"],
            f"The file {GAP} {GAP}.pdf is too long",
        ),
        ('"7" is no number', ["7"], f'"{GAP}" is no number'),
        ("'ada' is unknown, isn't it", ["ada@contoso.com"], f"'{GAP}' is unknown, isn't it"),
        (
            "Duplicate: the whole text of a mail, or so",
            ["So is the whole text of a mail"],
            f"Duplicate:{GAP}, or so",
        ),
        ("one\r\n  two\x00three", [], "one two three"),
        ("", ["x"], None),
        ("x" * 400, [], "x" * LONGEST),
    ],
)
def test_a_message_keeps_what_is_m_files_own(message: str, values: list[str], said: str | None) -> None:
    assert kept(message, values, NAMES) == (message if said is None else said)


@given(
    st.text(min_size=4, max_size=120).filter(lambda text: len(text.split()) == 1),
    st.sampled_from(["The value {} is not taken.", 'Property "From" cannot be "{}".', "{}", "'{}': no item"]),
)
def test_a_value_in_any_script_is_not_repeated(value: str, message: str) -> None:
    """A word of it that stands alone, a quotation, a longer piece: whichever way it is put."""
    made = kept(message.format(value), [value], NAMES)

    for word in re.findall(r"\w{4,}", value):
        assert word not in made or any(word.casefold() in text.casefold() for text in (message, *NAMES))
    assert not re.search(r"[\x00-\x1f]", made)


@settings(max_examples=30)
@given(st.text(min_size=200, max_size=1000), st.integers(0, 900))
def test_no_longer_piece_of_a_body_is_repeated(body: str, start: int) -> None:
    piece = " ".join(body[start % len(body) :][:100].split())

    made = kept(f"Refused: {piece}", [body], NAMES)

    flat = " ".join(body.split()).casefold()
    for at in range(len(made) - 30):
        assert made[at : at + 30].casefold() not in flat or GAP in made[at : at + 30]
