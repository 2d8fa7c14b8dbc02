"""The body as text: which part it is, and what it says."""

from __future__ import annotations

import base64
import quopri

import pytest

from shared.body.flowed import unflowed
from shared.body.html_text import readable, unescaped
from shared.body.scanner import Limits

from .made import body_of, multipart, part, text_of

PLAIN = part("text/plain", "plain")
RICH = part("text/html", "<p>rich</p>")
FILE = part("application/pdf", "JVBERi0=", "Content-Disposition: attachment; filename=a.pdf")
NOTES = part("text/plain", "notes", "Content-Disposition: attachment; filename=notes.txt")


@pytest.mark.parametrize(
    ("mail", "text"),
    [
        (PLAIN, "plain"),
        (RICH, "rich"),
        (b"From: a\r\n\r\nno type", "no type"),
        (b"Subject: x\r\n", ""),
        (b"\r\n\r\n", "\n"),
        (b"", ""),
        (b"not a header\r\nbut text", "not a header\nbut text"),
        (b"From me@example.com Tue Nov 24\nSubject: x\n\ntext", "text"),
        (b"Content-Type: nonsense\r\n\r\ntext", "text"),
        (multipart("alternative", PLAIN, RICH), "plain"),
        (multipart("alternative", RICH, PLAIN), "plain"),
        (multipart("alternative", RICH), "rich"),
        (multipart("alternative", part("text/calendar", "BEGIN:VCALENDAR"), RICH), "rich"),
        (multipart("mixed", PLAIN, FILE, PLAIN), "plain\nplain"),
        (multipart("mixed", PLAIN, NOTES), "plain"),
        (multipart("mixed", PLAIN, part("text/plain; name=a.txt", "file")), "plain"),
        (multipart("mixed", part("text/plain; name=a.txt", "first")), "first"),
        (multipart("mixed", FILE), ""),
        (multipart("mixed"), ""),
        (multipart("signed", PLAIN, part("application/pkcs7-signature", "MIIB")), "plain"),
        (multipart("mixed", multipart("alternative", PLAIN, RICH, boundary="inner"), FILE), "plain"),
        (multipart("related", multipart("alternative", PLAIN, RICH, boundary="b2")), "plain"),
        (multipart("related; start=<r>", NOTES, part("text/plain", "root", "Content-ID: <r>")), "root"),
        (multipart("mixed", part("message/rfc822", "\r\nwithin"), PLAIN), "plain"),
        (multipart("digest", b"\r\nSubject: a\r\n\r\nwithin"), ""),
        (multipart("report", PLAIN, part("message/delivery-status", "Status: 5.3.0")), "plain"),
        (multipart("mixed", b"\r\nno headers"), "no headers"),
        (part("message/rfc822", "Subject: a\r\n\r\nwithin"), ""),
        (part("multipart/mixed", "no boundary"), "no boundary"),
        (part("multipart/mixed; boundary=none", "no delimiter"), "no delimiter"),
    ],
)
def test_the_body_is_that_part(mail: bytes, text: str) -> None:
    assert text_of(mail) == text


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 100])
def test_it_does_not_matter_how_the_mail_is_cut_into_pieces(piece: int) -> None:
    mail = multipart("mixed", multipart("alternative", PLAIN, RICH, boundary="in"), FILE, PLAIN)

    assert body_of(mail, piece).text() == body_of(mail).text()
    assert body_of(mail, piece).html() == body_of(mail).html()


def test_boundaries_that_begin_alike_are_told_apart() -> None:
    inner = multipart("mixed", part("text/plain", "two"), boundary="bb")
    mail = multipart("mixed", part("text/plain", "one\r\n--bbb\r\n--b b"), inner, PLAIN)

    assert text_of(mail) == "one\n--bbb\n--b b\ntwo\nplain"


def test_the_delimiter_of_an_outer_multipart_ends_an_inner_one() -> None:
    """RFC 2046, 5.1.2: the inner one has lost its end."""
    inner = multipart("mixed", PLAIN, boundary="in").replace(b"--in--", b"lost")

    assert text_of(multipart("mixed", inner, PLAIN)) == "plain\nlost\nepilogue\n\nplain"


@pytest.mark.parametrize(
    ("encoding", "content", "text"),
    [
        ("base64", base64.b64encode("Größe".encode()).decode(), "Größe"),
        ("BASE64 ", base64.b64encode("Größe".encode()).decode(), "Größe"),
        ("base64", "R3L\x00Dt\r\n*sOf\xe9ZQ==", "Größe"),
        ("base64", "YWJj!", "abc"),
        ("base64", "YWJjZ", "abc"),
        ("base64", "YWI=YWI=", "abab"),
        ("base64", "YWI=\r\n_____\r\nThe footer of a list", "ab"),
        ("base64", "====", ""),
        ("quoted-printable", quopri.encodestring("Größe = 5".encode()).decode(), "Größe = 5"),
        ("quoted-printable;", "a=\r\nb", "ab"),
        ("quoted-printable", "50 =% =ZZ =4", "50 =% =ZZ =4"),
        ("8-bit", "Größe", "Größe"),
        ("x-uuencode", "begin 644 a\r\n#86)C\r\n`\r\nend", "abc"),
        ("x-uuencode", "begin 644 a\r\n#86)C\r\n\x7f\r\nend", "abc"),
    ],
)
def test_an_encoding_is_undone_even_if_it_is_damaged(encoding: str, content: str, text: str) -> None:
    mail = part("text/plain; charset=utf-8", content, f"Content-Transfer-Encoding: {encoding}")

    assert text_of(mail) == text


@pytest.mark.parametrize(
    ("flowed", "text"),
    [
        ("one \ntwo\nthree", "one two\nthree"),
        ("one \n two", "one two"),
        (" >not quoted", ">not quoted"),
        ("> a \n> b\n>> c \n> d", "> a b\n>> c \n> d"),
        (">>a \n>>b", ">> a b"),
        ("bye \n-- \nname", "bye \n-- \nname"),
        ("a \n", "a "),
        ("", ""),
    ],
)
def test_flowed_lines_become_paragraphs(flowed: str, text: str) -> None:
    """RFC 3676, section 4."""
    assert unflowed(flowed) == text


def test_flowed_text_without_spaces_between_words() -> None:
    """RFC 3676, 4.1: DelSp=yes, as for Japanese."""
    kind = "text/plain; charset=utf-8; format=Flowed; delsp=Yes"

    assert text_of(part(kind, "請求 \r\n書")) == "請求書"
    assert text_of(part("text/plain; format=fixed", "a \r\nb")) == "a \nb"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a  b\n c", "a b c"),
        ("a&nbsp;b &lt;c&gt; &#8364; &euro;", "a b <c> € €"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n- c"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\nc"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>\n>> b\n\nc"),
        ("<pre>a  b\n  c</pre>", "a  b\n  c"),
        ('<a href="https://example.com/x">here</a>.', "here <https://example.com/x>."),
        ('<a href="https://example.com/">example.com</a>', "example.com"),
        ('<a href="mailto:a@example.com">a</a>', "a"),
        ('<a href="javascript:alert(1)">a</a>', "a"),
        ('<img alt="A logo" src="x"><img src="y">', "[A logo]"),
        ("<style>p{}</style><script>x</script><title>t</title>a<!-- b --><![if x]>c<![endif]>", "ac"),
        ("a < b <3 <", "a < b <3 <"),
        ("a<!-- never closed", "a"),
        ("a<script>never closed", "a"),
        ('a<b title="never closed>b', "a"),
        ("<p title='a>b'>c</p>", "c"),
        ("a<!-->b<!--->c", "abc"),
        ("<hr>", "--------------------"),
        ("", ""),
    ],
)
def test_html_becomes_readable_text(html: str, text: str) -> None:
    found, is_cut = readable(html)

    assert [line.rstrip() for line in found.split("\n")] == text.split("\n")
    assert not is_cut


@pytest.mark.parametrize(
    "reference", ["&#99999999999;", f"&#{'9' * 5000};", "&#xD800;", "&#xFFFFFFFFFF", "&#0;"]
)
def test_a_reference_to_no_character_does_no_harm(reference: str) -> None:
    unescaped(reference).encode("utf-8")


def test_a_text_beyond_the_limit_is_cut_and_said_to_be() -> None:
    mail = part("text/plain", "line\r\n" * 1000)
    rendered = body_of(mail, limits=Limits(text=100)).text()

    assert rendered.content.startswith("line\nline")
    assert len(rendered.content) <= 100
    assert rendered.warnings == ("the body is longer than what is kept of it as text or HTML: it was cut",)
    assert body_of(mail).text().warnings == ()


def test_text_that_quotations_multiply_is_cut_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.body.html_text.MOST_CHARACTERS", 100)
    lines = "x\n" * 40

    assert readable(f"<pre>{lines}</pre>") == (lines.strip(), False)
    found, is_cut = readable(f"{'<blockquote>' * 5}<pre>{lines}</pre>")
    assert found == "\n".join([">>>>> x"] * 12)
    assert is_cut
