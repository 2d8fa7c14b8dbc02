"""Attachments: none of their bytes, many of them, mails in mails, links, what Outlook alone has."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.tenant.graph import Link, Manner

from .mime import (
    MIXED,
    PDF,
    PNG,
    RELATED,
    Case,
    attached,
    encoded,
    entity,
    head,
    inline,
    letter,
    multipart,
    text,
    within,
)

MANY, SOME = 250, 25
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Charles Babbage\r\nEMAIL:charles@contoso.com\r\nEND:VCARD\r\n"
EVENT = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Contoso//1//EN\r\nBEGIN:VEVENT\r\nUID:1@contoso.com\r\n"
    b"DTSTAMP:20261124T091500Z\r\nDTSTART:20261125T090000Z\r\nDTEND:20261125T100000Z\r\nSUMMARY:Talk\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)
_LINKS = (
    Link("Plan.docx", "https://contoso.sharepoint.com/sites/a/Plan.docx?d=1&e=2"),
    Link("../Größe.xlsx", "https://contoso-my.sharepoint.com/personal/ada/Gr%C3%B6%C3%9Fe.xlsx"),
    Link("Plan.docx", "https://contoso.sharepoint.com/sites/b/Plan.docx"),
)


def cases() -> Iterator[Case]:
    """Each a mail."""
    yield Case("empty files", letter("Empty files", *_empty()))
    yield many_files(SOME)
    yield Case("the same file ten times", letter("The same file", *[attached("a.pdf")] * 10))
    yield Case("mail in mail in mail", letter("Outermost", within(_nested(3))))
    yield Case("mails in mails, 60 deep", letter("Outermost of 60", within(_nested(60))))
    yield Case("many mails in a digest", _digest())
    yield Case("mail within in base64", letter("Within in base64", _in_base64()))
    yield Case("mail within is empty", letter("Within is empty", within(b""), entity("message/rfc822", "x")))
    yield Case("mail within has a file's name", letter("Within is named", _named()))
    yield Case(
        "international mail within", letter("Global", entity("message/global", head("Größe") + text()))
    )
    cards = attached("card.vcf", CARD, "text/vcard"), attached("talk.ics", EVENT, "text/calendar")
    yield Case("card and event as files", letter("Files of Outlook", *cards))
    yield Case("contact and event of Outlook", letter("Items of Outlook", *cards), Manner(outlook_items=True))
    yield Case("links", letter("Links"), Manner(links=_LINKS))
    yield Case(
        "links beside files", letter("Links beside files", attached("Plan.docx")), Manner(links=_LINKS)
    )
    anew = letter("Made anew", attached("a.pdf"), text("<p>x", "text/html"))
    yield Case("made anew at each call", anew, Manner(regenerated=True))
    yield Case("pictures in the text only", _pictures())
    yield Case("a picture is all there is", head("A picture") + encoded("image/png", PNG))
    yield Case("a file is all there is", head("A file") + attached("scan.pdf"))
    yield Case("text as an attachment", letter("Text attached", attached("a.txt", b"x", "text/plain")))
    yield Case("part of a mail", letter("Partial", entity('message/partial; id="1"; number=1; total=2', "x")))
    yield Case("body elsewhere", letter("External", entity("message/external-body; access-type=URL", "x")))


def many_files(number: int) -> Case:
    """A mail with so many attachments, each other bytes, some of one name."""
    files = (attached(f"{index % (number - 5)}.pdf", PDF + str(index).encode()) for index in range(number))
    return Case(f"{number} attachments", letter(f"{number} attachments", *files))


def _empty() -> Iterator[bytes]:
    yield attached("empty.pdf", b"")
    yield attached("empty.pdf", b"")
    yield attached(None, b"")
    yield entity("application/pdf", "\r\n\r\n", 'Content-Disposition: attachment; filename="lines.pdf"')
    blank = 'Content-Disposition: attachment; filename="blank.pdf"'
    yield entity("application/pdf", "   \r\n", "Content-Transfer-Encoding: base64", blank)


def _nested(depth: int) -> bytes:
    innermost = letter("Innermost", attached("innermost.pdf"))
    for number in range(depth - 1):
        innermost = head(f"Level {number}") + multipart(
            MIXED, [text(), within(innermost)], boundary=f"level {number}"
        )
    return innermost


def _digest() -> bytes:
    parts = [b"\r\n" + head(f"Part {number}") + text() for number in range(12)]
    return head("Digest") + multipart("digest", parts)


def _in_base64() -> bytes:
    return encoded("message/rfc822", head("Against the rules") + text())


def _named() -> bytes:
    return within(head("") + text(), 'Content-Disposition: attachment; filename="../Forwarded: 1/2.eml"')


def _pictures() -> bytes:
    html = text(
        "<p><img src='cid:a@contoso.com'><img src='cid:b@contoso.com'></p>", "text/html; charset=utf-8"
    )
    pictures = inline("a@contoso.com"), inline("b@contoso.com", PNG + b"b")
    return head("Pictures in the text") + multipart(RELATED, [html, *pictures])
