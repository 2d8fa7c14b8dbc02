"""What is not a letter: reports, replies by machines, invitations, voice mail, drafts, journal reports."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.tenant.graph import Manner

from .attachments import EVENT
from .mime import (
    ALTERNATIVE,
    MIXED,
    RELATED,
    Case,
    attached,
    encoded,
    entity,
    head,
    inline,
    letter,
    lines,
    multipart,
    text,
    within,
)

METHODS = ("REQUEST", "REPLY", "CANCEL", "COUNTER", "PUBLISH")
_WAVE = (
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00"
    b"\x02\x00\x10\x00data\x00\x00\x00\x00"
)


def cases() -> Iterator[Case]:
    """Each a mail."""
    yield from _reports()
    yield from _replies()
    yield from _invitations()
    yield Case("voice mail", _voice_mail())
    yield Case("fax", letter("Fax", attached("fax.tif", b"II*\0", "image/tiff")))
    yield Case("journal report", _journal_report(within(letter("Journalled", attached("a.pdf")))))
    yield Case("journal report that is encrypted", _journal_report(within(head("Sealed") + _opaque())))
    yield Case("draft", letter("Not yet sent", attached("draft.pdf")), Manner(draft=True))
    yield Case(
        "draft without anything", b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n", Manner(draft=True)
    )
    yield Case("draft that was sent to us", head("Unsent", "X-Unsent: 1") + text())
    yield Case("mail of a list", head("List", "List-Id: <all.contoso.com>", "Precedence: bulk") + text())
    own = b"From: invoices@example.com\r\nTo: invoices@example.com\r\nSubject: Loop\r\n"
    yield Case("mail of the mailbox itself", own + text())


def _report(kind: str, *parts: bytes) -> bytes:
    return multipart(f"report; report-type={kind}", [text("It could not be delivered.\r\n"), *parts])


def _reports() -> Iterator[Case]:
    original = letter("Undeliverable", attached("a.pdf"))
    status = entity(
        "message/delivery-status",
        lines(
            "Reporting-MTA: dns; mail.contoso.com",
            "",
            "Final-Recipient: rfc822; nobody@contoso.com",
            "Action: failed",
            "Status: 5.1.1",
            "Diagnostic-Code: smtp; 550 5.1.1 nobody of that name",
        ),
    )
    machine = "From: <>", "Auto-Submitted: auto-replied", "Return-Path: <>"
    bounced = lines(
        *machine, "To: invoices@example.com", "Subject: Undeliverable: Hello", "MIME-Version: 1.0"
    )
    yield Case("delivery report", bounced + _report("delivery-status", status, within(original)))
    fields = entity("text/rfc822-headers", head("Headers alone"))
    yield Case("delivery report with header fields", bounced + _report("delivery-status", status, fields))
    yield Case("delivery report of nothing", bounced + _report("delivery-status"))
    yield Case(
        "delivery report of old",
        lines("Subject: failure notice", "To: a@example.com") + text("qmail-send\r\n"),
    )
    read = entity("message/disposition-notification", "Disposition: automatic-action/MDN-sent; displayed\r\n")
    yield Case("read receipt", head("Read: Hello") + _report("disposition-notification", read))
    deleted = entity("message/disposition-notification", "Disposition: manual-action/MDN-sent; deleted\r\n")
    yield Case("not-read receipt", head("Not read: Hello") + _report("disposition-notification", deleted))
    abuse = entity("message/feedback-report", "Feedback-Type: abuse\r\nVersion: 1\r\n")
    yield Case("complaint about spam", head("Abuse") + _report("feedback-report", abuse, within(original)))
    wants = "Disposition-Notification-To: ada@contoso.com", "Return-Receipt-To: ada@contoso.com"
    yield Case("mail that wants receipts", head("Receipts, please", *wants) + text())


def _replies() -> Iterator[Case]:
    for name, fields in {
        "auto-reply": ("Auto-Submitted: auto-replied",),
        "out of office": (
            "X-Auto-Response-Suppress: All",
            "Auto-Submitted: auto-generated",
            "Precedence: junk",
        ),
        "auto-reply of old": ("X-Autoreply: yes", "X-Autorespond: Hello", "Precedence: auto_reply"),
    }.items():
        yield Case(name, head(f"Automatic reply, {name}", *fields) + text())


def _invitations() -> Iterator[Case]:
    for method in METHODS:
        event = EVENT.replace(b"PRODID", b"METHOD:" + method.encode() + b"\r\nPRODID")
        calendar = encoded(f"text/calendar; charset=utf-8; method={method}", event)
        html = text("<p>Talk</p>", "text/html; charset=utf-8")
        parts = multipart(ALTERNATIVE, [text(), html, calendar], boundary="alternative")
        yield Case(f"invitation: {method}", head(f"Talk {method}") + parts)
    alone = encoded("text/calendar; method=REQUEST", EVENT)
    yield Case("invitation without text", head("Invitation alone") + alone)
    files = attached("invite.ics", EVENT, "application/ics"), attached("plan.pdf")
    yield Case("invitation with files", head("Talk with files") + multipart(MIXED, [text(), alone, *files]))


def _voice_mail() -> bytes:
    fields = "Content-Class: voice", "X-CallingTelephoneNumber: +4930123456", "X-VoiceMessageDuration: 7"
    voice = attached("+4930123456 (7 seconds) Voice Mail.wav", _WAVE, "audio/wav")
    body = multipart(RELATED, [text("<p>Voice mail</p>", "text/html"), inline("logo")], boundary="related")
    return head("Voice mail (7 seconds)", *fields) + multipart("voice-message", [body, voice])


def _journal_report(journalled: bytes) -> bytes:
    """Who got a mail, and that mail (learn.microsoft.com/exchange/security-and-compliance/journaling)."""
    body = text(
        "Sender: ada@contoso.com\r\nSubject: Journalled\r\nMessage-Id: <1@contoso.com>\r\n"
        "To: b@contoso.com\r\n"
    )
    return head("Journalled", "X-MS-Journal-Report:") + multipart(MIXED, [body, journalled])


def _opaque() -> bytes:
    return encoded('application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"', b"0\x80sealed")
