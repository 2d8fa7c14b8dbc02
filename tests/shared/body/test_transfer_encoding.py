"""Content of many windows is decoded as a whole would be, wherever a window ends."""

from __future__ import annotations

import base64
import binascii
import random

import pytest

from shared.body.transfer_encoding import undone

WINDOW = 64 * 1024
MADE = random.Random(1).randbytes(200_000)


@pytest.mark.parametrize("size", range(WINDOW * 3 // 4 - 4, WINDOW * 3 // 4 + 4))
def test_encoded_pieces_in_a_row_are_read_wherever_the_padding_stands(size: int) -> None:
    first, second = MADE[:size], MADE[size:]
    encoded = base64.b64encode(first) + base64.b64encode(second)

    assert undone(encoded, "base64") == MADE


@pytest.mark.parametrize("lead", range(1, 6))
def test_base64_in_lines_is_read_wherever_a_window_ends(lead: int) -> None:
    assert undone(b" " * lead + base64.encodebytes(MADE), "base64") == MADE


def test_a_footer_after_the_padding_is_left_out_of_content_of_many_windows() -> None:
    encoded = base64.encodebytes(MADE[:-1])
    assert encoded.endswith(b"=\n")

    assert undone(encoded + b"--\nfooter of a list\n" * 10_000, "base64") == MADE[:-1]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n", b"\n\n"])
def test_uuencode_is_read_whatever_ends_its_lines(end: bytes) -> None:
    lines = [binascii.b2a_uu(MADE[at : at + 45]).rstrip(b"\n") for at in range(0, len(MADE), 45)]
    encoded = end.join([b"before", b"begin 644 a", *lines, b"end", b"after"])

    assert undone(encoded, "uuencode") == MADE
