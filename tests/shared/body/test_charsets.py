"""Bytes become text, whatever character set they claim."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.body.charsets import decoded
from shared.body.headers import shown, value_of
from tests.mail import charsets

META = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">'


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("Größe".encode(), "utf-8", "Größe"),
        ("Größe".encode(), "UTF8", "Größe"),
        ("Größe".encode(), "", "Größe"),
        ("Größe".encode(), "us-ascii", "Größe"),
        ("Größe".encode("latin-1"), "", "Größe"),
        ("Größe".encode("latin-1"), "us-ascii", "Größe"),
        ("Größe".encode("latin-1"), "utf-8", "Größe"),
        ("Größe".encode("latin-1"), "X-UNKNOWN", "Größe"),
        ("“€”".encode("cp1252"), "iso-8859-1", "“€”"),
        ("Größe und mehr, äöü".encode() + b"\xff", "utf-8", "Größe und mehr, äöü\ufffd"),
        ("請求書".encode("iso2022_jp"), "ISO-2022-JP", "請求書"),
        ("請求書".encode("cp932"), "Shift_JIS", "請求書"),
        ("請求書".encode("euc_jp"), "euc-jp", "請求書"),
        ("发票".encode("gb18030"), "gb2312", "发票"),
        ("發票".encode("big5"), "Big5", "發票"),
        ("송장".encode("cp949"), "ks_c_5601-1987", "송장"),
        ("счёт".encode("koi8_r"), "koi8-r", "счёт"),
        ("счёт".encode("cp1251"), "windows-1251", "счёт"),
        ("חשבון".encode("iso8859_8"), "iso-8859-8-i", "חשבון"),
        ("ใบแจ้ง".encode("cp874"), "windows-874", "ใบแจ้ง"),
        ("Größe".encode("utf-16"), "utf-16", "Größe"),
        ("Größe".encode("utf-16-be"), "utf-16be", "Größe"),
        (codecs.BOM_UTF8 + "Größe".encode(), "iso-8859-1", "Größe"),
        ("Größe".encode(), "iso-2022-jp", "Größe"),
        (b"+ADw-b+AD4-", "utf-7", "<b>"),
        (b"a\r\nb\rc\x00\x07\x7f", "", "a\nb\nc"),
        (b"\x81", "windows-1252", "\ufffd"),
    ],
)
def test_text_is_decoded(data: bytes, declared: str, text: str) -> None:
    assert decoded(data, declared) == text


def test_every_label_of_the_web_is_known() -> None:
    """encoding.spec.whatwg.org, 4.2, but for those in which there is no text."""
    wrong = [label for label, text, data in charsets.written() if decoded(data, label) != text]
    assert wrong == []


def test_every_character_set_of_python_is_known() -> None:
    written = {codec: charsets.sample(codec) for codec in charsets.of_python()}
    wrong = [codec for codec, text in written.items() if decoded(text.encode(codec), codec) != text]
    assert wrong == []


@pytest.mark.parametrize(
    "name",
    [
        "rot13",
        "zlib",
        "unicode_escape",
        "idna",
        "punycode",
        "undefined",
        "mbcs",
        "os.path",
        "x" * 10_000,
        "\0",
    ],
)
def test_what_is_no_character_set_is_not_one(name: str) -> None:
    """Some of these are encodings to Python, which also imports a module by the name."""
    assert decoded(b"a\\u0041 xn--a", name) == "a\\u0041 xn--a"


def test_html_that_declares_its_own_character_set() -> None:
    page = f"{META}Łódź".encode("iso-8859-2")

    assert decoded(page, "", html=True).endswith("Łódź")
    assert decoded(page, "", html=False) != decoded(page, "", html=True)
    assert decoded(f"{META}Łódź".encode(), "utf-8", html=True).endswith("Łódź")


def test_html_that_claims_to_be_utf_16_is_not() -> None:
    assert decoded('<meta charset="utf-16">Größe'.encode(), html=True).endswith("Größe")


def test_utf_7_is_not_decoded_in_html() -> None:
    hidden = b"+ADw-script+AD4-"

    assert decoded(hidden, "utf-7", html=True) == hidden.decode()
    assert decoded(b'<meta charset="utf-7">' + hidden, "", html=True).endswith(hidden.decode())


@given(
    some.binary(max_size=200), some.text(max_size=20) | some.sampled_from(["utf-16", "utf-7", "hz", "cp037"])
)
def test_anything_can_be_decoded(data: bytes, declared: str) -> None:
    for html in (True, False):
        text = decoded(data, declared, html=html)
        text.encode("utf-8")
        assert "\0" not in text
        assert "\r" not in text


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (b" Plain\r\n", "Plain"),
        (b" folded\r\n  twice\r\n\there\r\n", "folded twice here"),
        (b" =?utf-8?B?R3LDtsOfZQ==?= x", "Größe x"),
        (b" =?ISO-8859-1?Q?Gr=F6=DFe_1?=", "Größe 1"),
        (b" =?utf-8?Q?Gr=C3?=\r\n =?utf-8?Q?=B6=C3=9Fe?=", "Größe"),
        (b" =?utf-8?Q?a?= =?iso-8859-1?Q?=FC?=", "aü"),
        (b" =?utf-8*de?Q?a?=", "a"),
        (b" a =?utf-8?Q?b?= c", "a b c"),
        (b" =?x-none?Q?=FC?=", "ü"),
        (b" =?utf-8?B?####?=", ""),
        (b" =?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("Größe".encode("latin-1"), "Größe"),
        ("Größe".encode(), "Größe"),
        (b"a\x00b", "ab"),
    ],
)
def test_a_header_is_shown_as_a_reader_sees_it(header: bytes, text: str) -> None:
    """RFC 2047."""
    assert shown(header) == text


def test_a_header_without_end_is_cut() -> None:
    assert len(shown(b"a" * 100_000)) == 20_001


@pytest.mark.parametrize(
    ("header", "main", "parameters"),
    [
        (b'Text/HTML; charset="utf-8"', "text/html", {"charset": "utf-8"}),
        (b'a/b; boundary="x\\"y;z"; c=d', "a/b", {"boundary": 'x"y;z', "c": "d"}),
        (b"a/b;\r\n boundary=x y ;", "a/b", {"boundary": "x y"}),
        (b"a/b; x*0=ab; x*1=cd", "a/b", {"x": "abcd"}),
        (b"a/b; x*=utf-8'de'Gr%C3%B6%C3%9Fe", "a/b", {"x": "Größe"}),
        (b"a/b; x*0*=iso-8859-1''Gr%F6; x*1=se", "a/b", {"x": "Gröse"}),
        (b'a/b; x="open', "a/b", {"x": '"open'}),
        (b";;;=;", "", {}),
        (b"", "", {}),
    ],
)
def test_a_value_has_parameters(header: bytes, main: str, parameters: dict[str, str]) -> None:
    """RFC 2045, 5.1; RFC 2231, 3 and 4."""
    assert value_of(header) == (main, parameters)


@given(
    some.binary(max_size=300)
    | some.text(some.sampled_from("=?utf-8QB*0'%;\"\\ \r\n"), max_size=80).map(str.encode)
)
def test_any_header_can_be_read(header: bytes) -> None:
    shown(header).encode("utf-8")
    value_of(header)
