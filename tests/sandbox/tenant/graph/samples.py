"""Mail made for tests."""

from __future__ import annotations

from email.message import EmailMessage
from functools import cache

PDF = b"%PDF-1.4\x00\xff invoice"
PICTURE = b"\x89PNG\r\n picture"


@cache
def invoice() -> bytes:
    """A mail with an HTML body, an inline picture, a PDF and a mail within it; always the same bytes."""
    mail = EmailMessage()
    mail["Sender"] = "Office <office@example.org>"
    mail["To"] = "Invoices <invoices@example.com>, second@example.com"
    mail["Cc"] = "third@example.com"
    mail["Reply-To"] = "answers@example.org"
    mail["Subject"] = "Überweisung №1"
    mail["Date"] = "Tue, 24 Nov 2026 10:30:00 +0100"
    mail["Message-ID"] = "<1@example.org>"
    mail["Importance"] = "High"
    mail["X-Ticket"] = "4711"
    mail.set_content("As text.")
    mail.add_alternative(
        "<html><body><p>As <b>HTML</b></p><img src='cid:logo'></body></html>", subtype="html"
    )
    alternatives = mail.get_payload()
    assert isinstance(alternatives, list)
    html = alternatives[1]
    assert isinstance(html, EmailMessage)
    html.add_related(PICTURE, "image", "png", cid="<logo>", disposition="inline", filename="logo.png")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="Rechnung ä.pdf")
    mail.add_attachment(plain("A mail within"))
    # As many senders encode it, where the library would write quotation marks.
    return b"From: =?utf-8?q?Doe=2C_J=C3=B6rg?= <joerg@example.org>\n" + mail.as_bytes()


def plain(subject: str = "Hello") -> EmailMessage:
    """The simplest of mails."""
    mail = EmailMessage()
    mail["From"] = "a@example.org"
    mail["To"] = "invoices@example.com"
    mail["Subject"] = subject
    mail.set_content("Text.")
    return mail


def with_attachments(number: int) -> bytes:
    """A mail with `number` small files."""
    mail = plain("Many")
    for index in range(number):
        mail.add_attachment(
            f"file {index}".encode(), maintype="application", subtype="pdf", filename=f"{index}.pdf"
        )
    return mail.as_bytes()


def meeting(method: str, partstat: str = "NEEDS-ACTION") -> bytes:
    """A meeting request, response or cancellation as Outlook sends it."""
    mail = plain("Review")
    calendar = (
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n"
        f"ATTENDEE;RSVP=TRUE;PARTSTAT={partstat};CN=A\r\n DA:MAILTO:ada@example.com\r\n"
        "SUMMARY;LANGUAGE=en:Review\r\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\n"
        "LOCATION:Room 1\\, ground floor\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    mail.add_alternative(calendar, subtype="calendar", params={"method": method})
    return mail.as_bytes()
