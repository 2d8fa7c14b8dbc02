"""The body as a document: what it shows, and that it loads nothing and runs nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.body.html_balance import DEEPEST, balanced
from shared.body.html_clean import ATTRIBUTES, TAGS, cleaned, style
from shared.body.pictures import MOST_EMBEDDED, Pictures
from shared.body.reader import PICTURES_LEFT_OUT, REMOTE_LEFT_OUT
from shared.body.scanner import Limits, Part

from .made import PNG, body_of, html_of, multipart, part
from .safety import faults_of

PICTURE = part("image/png", PNG, "Content-ID: <logo@x>", "Content-Transfer-Encoding: base64")


def clean(html: str) -> str:
    pictures = Pictures([])
    return "".join(pictures.filled(cleaned(html, pictures)[0]))


def with_picture(html: str, picture: bytes = PICTURE) -> bytes:
    return multipart("related", part("text/html", html), picture)


def test_a_document_has_the_header_of_a_printed_mail() -> None:
    head = b"From: =?utf-8?Q?Gr=C3=B6=C3=9Fe?= <g@x>\r\nTo: a@x,\r\n b@x\r\nSubject: a <b> & c\r\nDate: D\r\n"
    document = html_of(head + part("text/plain", "1 < 2\r\n  3"))

    for row in (
        "<th>From</th><td>Größe &lt;g@x&gt;</td>",
        "<th>To</th><td>a@x, b@x</td>",
        "<th>Subject</th><td>a &lt;b&gt; &amp; c</td>",
        "<title>a &lt;b&gt; &amp; c</title>",
        '<div class="mail-text">1 &lt; 2\n  3</div>',
        '<meta charset="utf-8">',
    ):
        assert row in document
    assert "<th>Cc</th>" not in document
    assert document.startswith("<!DOCTYPE html>")
    assert faults_of(document) == []


def test_an_empty_mail_has_a_document() -> None:
    assert faults_of(html_of(b"")) == []


@pytest.mark.parametrize(
    ("html", "clean_html"),
    [
        ("<p>a<script>alert(1)</script>b", "<p>ab</p>"),
        ("<p onclick=x onload='y'>a", "<p>a</p>"),
        ('<form action="http://x"><input name=a>b</form>', "b"),
        ('<img src="http://x/y.png" alt="Y">', '<img alt="Y">'),
        ('<img src="//x/y.png"><img src="y.png">', "<img><img>"),
        ('<link rel=stylesheet href="http://x"><base href="http://x"><meta http-equiv=refresh>a', "a"),
        (
            '<a href="https://x/?a=1&amp;b=2">a</a>',
            '<a href="https://x/?a=1&amp;b=2" rel="noopener noreferrer">a</a>',
        ),
        ('<a href="javascript:x" target=_top>a</a>', '<a rel="noopener noreferrer">a</a>'),
        ('<a href="java&#10;script:x">a</a>', '<a rel="noopener noreferrer">a</a>'),
        (
            '<a href="data:text/html,x">a</a><a href="cid:x">b</a>',
            '<a rel="noopener noreferrer">a</a><a rel="noopener noreferrer">b</a>',
        ),
        ('<td background="http://x">a</td>', "a"),
        ("<svg><script>x</script></svg><math><mi>y</math>", "y"),
        ("<style>@import 'http://x'</style>a", "a"),
        ("<iframe src=http://x>a</iframe>b<object data=x>c</object>", "bc"),
        ("<!--[if mso]>a<![endif]-->b", "b"),
        ("<b>a<i>b</b>c</i>", "<b>a<i>b</i></b>c"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("a &lt; b < c &amp; d &copy;", "a &lt; b &lt; c &amp; d ©"),
        ("<img src='data:image/svg+xml;base64,AAAA'>", "<img>"),
        ("<img src='data:image/png;base64,AAAA'>", '<img src="data:image/png;base64,AAAA">'),
        ("</p></div>a", "a"),
    ],
)
def test_html_is_cleaned(html: str, clean_html: str) -> None:
    assert clean(html) == clean_html


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("color: red; FONT-SIZE:12px", "color:red;font-size:12px"),
        ("background-color:rgb(1, 2, 3)", "background-color:rgb(1, 2, 3)"),
        ("background:url(http://x)", None),
        ("background-color:url(http://x)", None),
        ("color:re\\64", None),
        ("width:expression(alert(1))", None),
        ("position:fixed;top:0", None),
        ("border-image:x", None),
        ("font-family:'A B', serif", "font-family:'a b', serif"),
        ("color:/**/red", None),
        ("color", None),
    ],
)
def test_a_style_says_only_how_text_looks(value: str, kept: str | None) -> None:
    assert style(value) == kept


def test_a_picture_within_the_mail_is_kept_in_the_document() -> None:
    document = html_of(with_picture('<img src="cid:logo@x"><img src="CID:logo%40x">'))

    assert document.count(f'src="data:image/png;base64,{PNG}"') == 2
    assert faults_of(document) == []


def test_a_picture_is_found_by_its_location() -> None:
    """RFC 2557, 8."""
    located = PICTURE.replace(b"Content-ID: <logo@x>", b"Content-Location: http://x/logo.png")

    assert "data:image/png" in html_of(with_picture('<img src="http://x/logo.png">', located))


@pytest.mark.parametrize(
    ("source", "picture", "warning"),
    [
        ("cid:other", PICTURE, PICTURES_LEFT_OUT),
        ("cid:logo@x", PICTURE.replace(b"iVBO", b"AAAA"), PICTURES_LEFT_OUT),
        ("http://x/y.png", PICTURE, REMOTE_LEFT_OUT),
    ],
)
def test_a_picture_that_is_left_out_is_told_of(source: str, picture: bytes, warning: str) -> None:
    rendered = body_of(with_picture(f'<img src="{source}" alt="Logo">', picture)).html()

    assert rendered.warnings == (warning,)
    assert '<img alt="Logo">' in rendered.content
    assert f'<p class="mail-note">{warning}</p>' in rendered.content


def test_a_picture_too_large_to_keep_leaves_room_for_a_smaller_one() -> None:
    large = part("image/png", "A" * 500 + "\r\n" + "A" * 600, "Content-ID: <large>")
    mail = multipart("related", part("text/html", "<img src=cid:large><img src=cid:logo@x>"), large, PICTURE)
    rendered = body_of(mail, piece=10, limits=Limits(pictures=1000)).html()

    assert rendered.content.count("<img") == 2
    assert rendered.content.count("data:image/png") == 1
    assert rendered.warnings == (PICTURES_LEFT_OUT,)


def test_one_picture_a_thousand_times_does_not_make_a_document_without_end() -> None:
    content = b"\x89PNG\r\n\x1a\n" + b"x" * 100_000
    pictures = Pictures([Part("image/png", content_id="a", content=bytearray(content))])
    addresses = [pictures.address("cid:a") for _ in range(1000)]
    lengths = [len("".join(pictures.filled(address))) if address else 0 for address in addresses]

    assert MOST_EMBEDDED - 200_000 < sum(lengths) <= MOST_EMBEDDED
    assert pictures.missing == lengths.count(0) > 0


def test_text_and_html_in_a_row_are_both_shown() -> None:
    mail = multipart("mixed", part("text/html", "<b>one</b>"), part("text/plain", "two & three"))

    assert re.search(
        r"<b>one</b></div>\n<div class=\"mail-body\"><div class=\"mail-text\">two &amp; three", html_of(mail)
    )


@pytest.mark.parametrize(
    ("html", "whole"),
    [
        ("<table>a<tr>b<td>c", "<table><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></table>"),
        (
            "<table><td>a<td>b<tr><td>c</table>d",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d",
        ),
        ("<tr><td>a", "a"),
        ("<table><b><tr><td>a</b>", "<table><tr><td><b></b></td></tr><tr><td>a</td></tr></table>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<p><div>a</div></p>", "<p></p><div>a</div>"),
        ("<table><tr><td></table></div><b>x", "<table><tr><td></td></tr></table><b>x</b>"),
        (
            "<table><tbody><tr><td>a<tbody><td>b",
            "<table><tbody><tr><td>a</td></tr></tbody><tbody><tr><td>b</td></tr></tbody></table>",
        ),
    ],
)
def test_every_element_is_closed_where_it_belongs(html: str, whole: str) -> None:
    assert balanced(html, TAGS, ATTRIBUTES) == (whole, False)


FRAGMENTS = r"""
<p> <b> </b> <i> <a> <a|href=http://x> <table> <tr> <td> </td> </table> <ul> <li> <div> </div>
<font|color=x> <img|src=cid:a> <img|src='http://x'|onerror=y> <script> </script> <style> </style> <!-- -->
<svg> </svg> <math> <mtext> <mglyph> <template> <noscript> <title> <textarea> <select> <option> <form>
<plaintext> <![CDATA[ ]]> &lt;script&gt; &#60; &amp;lt; &# &x < > " ' = / <a|b="
<p|style='color:red;background:url(x)'> text <blockquote> <pre> <caption> <h1> <h2> <hr> <br> javascript:
<body|onload=x> <math><annotation-xml> <style><!--</style>
"""
markup = some.lists(
    some.sampled_from([fragment.replace("|", " ") for fragment in FRAGMENTS.split()]) | some.text(max_size=5),
    max_size=40,
).map("".join)


@given(markup)
def test_whatever_the_html_the_document_is_safe(html: str) -> None:
    document = html_of(part("text/html; charset=utf-8", html))

    assert faults_of(document) == []


@given(markup)
def test_what_is_balanced_needs_no_repair(html: str) -> None:
    """A parser that repairs nothing reads it: every end tag ends what was opened last."""
    whole, _ = balanced(html, TAGS, ATTRIBUTES)
    opened: list[str] = []
    for end, tag in re.findall(r'<(/?)([a-z0-9]+)(?:\s(?:"[^"]*"|[^"<>])*)?>', whole):
        if end:
            assert opened.pop() == tag
        elif tag not in ("br", "hr", "img", "wbr"):
            opened.append(tag)
        assert len(opened) <= DEEPEST
    assert opened == []
    assert balanced(whole, TAGS, ATTRIBUTES) == (whole, False)


pieces = some.lists(
    some.sampled_from(
        [
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b'Content-Type: multipart/alternative; boundary="b b"\r\n',
            b"Content-Type: multipart/related; boundary=bb; start=<a>\r\n",
            b"Content-Type: text/html; charset=utf-7\r\n",
            b"Content-Type: text/plain; format=flowed; charset=utf-16\r\n",
            b"Content-Type: image/png\r\nContent-ID: <a>\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n",
            b"Content-Disposition: attachment; filename*=a''%\r\n",
            b"Subject: =?utf-8?B?PHNjcmlwdD4=?=\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"--b\r\n",
            b"--b--\r\n",
            b"--bb\r\n",
            b"--b b\n",
            b"--bb--",
            b" > <script>a</script><img src=cid:a onerror=x> \r\n",
            b"\x89PNG\r\n\x1a\n",
            b"PHNjcmlwdD4=\r\n",
        ]
    )
    | some.binary(max_size=8),
    max_size=25,
).map(b"".join)


@given(pieces, some.integers(1, 50))
def test_whatever_the_mail_it_has_a_safe_body(mail: bytes, piece: int) -> None:
    body = body_of(mail, piece)

    body.text().content.encode("utf-8")
    assert faults_of(body.html().content) == []
    assert body.html() == body_of(mail).html()


@pytest.mark.parametrize(
    ("written", "shown"), [("&", "&amp;"), ("&amp;", "&amp;"), ("\xa0", "&nbsp;"), ("»", "»")]
)
@pytest.mark.parametrize("number", [499, 500, 501, 1_777])
def test_a_text_that_has_to_be_divided_for_the_cleaner_stays_what_it_is(
    written: str, shown: str, number: int
) -> None:
    for rest in ("", "no more of them"):
        assert clean(f"<p>{f'x{written}' * number}{rest}</p>") == f"<p>{f'x{shown}' * number}{rest}</p>"
