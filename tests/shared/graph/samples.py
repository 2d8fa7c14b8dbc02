"""Mail made for these tests."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP


def mail(subject: str, message_id: str | None = None) -> bytes:
    """A mail without attachments."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ada <ada@contoso.com>", "invoices@example.com", subject
    if message_id is not None:
        made["Message-ID"] = message_id
    made.set_content("Hello")
    return made.as_bytes(policy=SMTP)
