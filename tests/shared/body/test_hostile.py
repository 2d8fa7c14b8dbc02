"""A mail made to cost much costs little: time grows with its size, and memory not even with that."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from shared.body.reader import CUT, BodyReader
from shared.body.scanner import Limits

from .made import body_of

SIZE = 1_000_000
HTML = b"Content-Type: text/html\n\n"
MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
MOST_COSTLY = 40
"""So many ordinary mails of a tenth of the size may be read meanwhile: far more than any of these takes, far
less than one that grows with the square would."""
UNMEASURABLE = 0.1
"""Seconds that say nothing of how time grows."""


def hostile(size: int) -> dict[str, bytes]:
    """Mails of about `size` bytes; those of tags, which cost more each, are shorter."""

    def of_size(piece: bytes) -> bytes:
        return piece * (size // len(piece))

    def tags(piece: bytes) -> bytes:
        return piece * (size // 10 // len(piece))

    return {
        "tags": HTML + tags(b"<b>"),
        "less-than": HTML + tags(b"<"),
        "comments": HTML + of_size(b"<!--"),
        "tags without end": HTML + tags(b"<a b="),
        "quotes without end": HTML + tags(b'<a b="'),
        "scripts without end": HTML + of_size(b"<script>"),
        "nesting": HTML + tags(b"<div>"),
        "fonts and paragraphs": HTML
        + b"".join(b"<font color=%d>" % n for n in range(size // 100))
        + tags(b"<p>x"),
        "out of the table": HTML + tags(b"<table><b><tr>x"),
        "wrong nesting": HTML + tags(b"<a><b><p></a></b>"),
        "ampersands": HTML + of_size(b"&"),
        "ampersands among tags": HTML + tags(b"&&<x>"),
        "ampersands in an attribute": HTML + b'<p title="' + of_size(b"&") + b'">',
        "few ampersands in much text": HTML + b"&a" * 10 + b"<b>" + (b"&" + b"x" * (size // 500)) * 495,
        "no-break spaces": HTML + of_size("a\xa0".encode()),
        "no-break spaces in an attribute": HTML + b'<p title="' + of_size("a\xa0".encode()) + b'">',
        "damaged UTF-8": HTML + of_size(b"\xc3\xa4a\xff"),
        "greater-than": HTML + of_size(b">"),
        "empty lines within quotations": HTML + b"<blockquote>" * 20 + b"<pre>" + of_size(b"\n"),
        "a number without end": HTML + b"&#" + of_size(b"9"),
        "attributes": HTML + b"<a" + tags(b" b=c") + b">",
        "quotations": HTML + b"<blockquote>" * (size // 1000) + tags(b"x<br>"),
        "padding": b"Content-Transfer-Encoding: base64\n\n" + of_size(b"QQ=="),
        "soft line breaks": b"Content-Transfer-Encoding: quoted-printable\n\n" + of_size(b"=\r"),
        "a header without end": b"To: " + of_size(b"a@x,\n "),
        "encoded words": b"Subject: " + of_size(b"=?a?q?"),
        "parameters": b"Content-Type: text/plain" + of_size(b';a="') + b"\n\nx",
        "header fields": tags(b"a:\n"),
        "parts": MIXED + tags(b"--b\n\nx\n"),
        "empty parts": MIXED + of_size(b"--b\n"),
        "almost delimiters": MIXED + b"--b\n\n" + tags(b"--bb\n"),
        "multiparts": b"".join(
            b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(size // 200)
        ),
        "one boundary for all": tags(MIXED + b"--b\n"),
        "an endless line": b"\n" + of_size(b"x"),
        "empty lines": b"\n" + of_size(b"\n"),
        "flowing without end": b"Content-Type: text/plain; format=flowed\n\n" + of_size(b"a \n"),
    }


HALF, HOSTILE = hostile(SIZE // 2), hostile(SIZE)


def seconds_of(mail: bytes) -> float:
    """What its body costs, as text and as a document."""
    started = time.process_time()
    body = body_of(mail)
    body.text().content.encode()
    document = body.html().content
    assert len(document) < 6 * len(mail) + 10_000
    return time.process_time() - started


@pytest.fixture(scope="module")
def limit() -> float:
    """Seconds, as long as they are on this machine."""
    ordinary = HTML + b"<p>Some words of a mail.</p>\n" * (SIZE // 10 // 29)
    return MOST_COSTLY * min(seconds_of(ordinary) for _ in range(3))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mail_made_to_cost_much_costs_little(name: str, limit: float) -> None:
    """Twice the size takes twice the time, not four times. On a busy machine a single measurement may err."""
    for _ in range(3):
        half, whole = seconds_of(HALF[name]), seconds_of(HOSTILE[name])
        assert whole < limit
        if whole < 3 * max(half, UNMEASURABLE):
            return
    pytest.fail(f"{half:.2f} s for half of what takes {whole:.2f} s")


def test_a_few_ampersands_in_much_text_cost_about_what_other_characters_do() -> None:
    """Going through the text once for each of them would still be linear, at hundreds of times the cost."""
    mail = HOSTILE["few ampersands in much text"]

    assert seconds_of(mail) < 10 * max(seconds_of(mail.replace(b"&", b"x")), UNMEASURABLE)


@pytest.mark.parametrize("start", [b"\x89PNG\r\n\x1a\n", b"unknown"])
def test_a_picture_that_is_referred_to_ten_thousand_times_is_decoded_once(start: bytes, limit: float) -> None:
    picture = b"Content-Type: image/png\nContent-ID: <a>\n\n" + start + b"x" * (2 * SIZE)
    mail = MIXED + b"--b\n" + HTML + b"<img src=cid:a>" * 10_000 + b"\n--b\n" + picture + b"\n--b--"
    started = time.process_time()
    document = body_of(mail).html().content

    assert time.process_time() - started < limit
    assert document.count("<img") == 10_000
    assert document.count("data:image/png") == (2 if start.startswith(b"\x89") else 0)


def test_nesting_and_parts_beyond_the_limits_are_told_of() -> None:
    assert body_of(HOSTILE["multiparts"]).text().warnings
    assert body_of(HOSTILE["parts"], limits=Limits(parts=100)).text().warnings
    assert body_of(HOSTILE["almost delimiters"], limits=Limits(effort=100)).text().warnings


def test_html_of_more_tags_than_are_kept_is_cut_and_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.body.html_balance.MOST_TAGS", 100)
    rendered = body_of(HTML + b"<p>x</p>" * 100).html()

    assert rendered.warnings == (CUT,)
    assert rendered.content.count("<p>x</p>") == 50


def test_memory_does_not_grow_with_an_attachment() -> None:
    """64 MB pass through; what is kept is the text."""
    block = (b"A" * 76 + b"\r\n") * 13_000
    reader = BodyReader()
    reader.feed(MIXED + b"--b\n\nHello\n--b\nContent-Type: application/pdf\n\n")
    tracemalloc.start()
    for _ in range(64):
        reader.feed(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    reader.feed(b"--b\n\nEnd\n--b--\n")

    assert peak < 8_000_000
    assert reader.finish().text().content == "Hello\nEnd"


def test_memory_is_bounded_by_the_limits_of_text_and_pictures() -> None:
    limits = Limits(text=100_000, pictures=100_000)
    reader = BodyReader(limits)
    reader.feed(MIXED)
    tracemalloc.start()
    for number in range(400):
        kind = b"text/html" if number % 2 else b"image/png\nContent-ID: <%d>" % number
        reader.feed(b"--b\nContent-Type: %s\n\n" % kind + b"x" * 60_000 + b"\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2_000_000
    assert reader.finish().text().warnings
