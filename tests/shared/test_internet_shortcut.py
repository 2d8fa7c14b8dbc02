"""A shortcut leads to one web address, and to nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.internet_shortcut import internet_shortcut


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("https://contoso.example/a.xlsx?d=w1&e=%20x#1", "https://contoso.example/a.xlsx?d=w1&e=%20x#1"),
        (" HTTP://contoso.example ", "HTTP://contoso.example"),
        ("https://contoso.example/Gr\u00f6\u00dfe 1", "https://contoso.example/Gr%C3%B6%C3%9Fe%201"),
        (
            "https://contoso.example/\r\nIconFile=\\\\evil\\a",
            "https://contoso.example/%0D%0AIconFile=%5C%5Cevil%5Ca",
        ),
    ],
)
def test_a_web_address_is_the_only_line_below_the_heading(address: str, url: str) -> None:
    """A second line could have Windows fetch an icon from elsewhere."""
    assert internet_shortcut(address) == f"[InternetShortcut]\r\nURL={url}\r\n".encode()


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "contoso.example",
        "file://server/share",
        "\\\\server\\share",
        "javascript:alert(1)",
        "ms-word:ofe|u|https://contoso.example",
        "https://",
        "https://[",
        "https://contoso.example/" + "x" * 8192,
    ],
)
def test_what_is_no_web_address_is_no_shortcut(address: str | None) -> None:
    assert internet_shortcut(address) is None


@given(some.text() | some.text().map(lambda text: f"https://{text}"))
def test_whatever_the_address_it_has_two_lines_in_ascii_or_is_none(address: str) -> None:
    content = internet_shortcut(address)
    if content is not None:
        assert content.isascii()
        assert len(content.splitlines()) == len(content.decode().splitlines()) == 2
        assert content.splitlines()[1].lower().startswith((b"url=http://", b"url=https://"))
