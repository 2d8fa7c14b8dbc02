"""Sample mail for the demonstration, made by code."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj
%%EOF
"""
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def write_samples(directory: Path) -> list[Path]:
    """Write the samples below `directory`; answers their files."""
    directory.mkdir(parents=True, exist_ok=True)
    made = {
        "1-plain.eml": _mail("Lunch on Friday?", "Shall we meet at noon?"),
        "2-invoice.eml": _invoice(),
        "3-newsletter.eml": _newsletter(),
        "4-umlauts.eml": _mail("Grüße aus Köln – Angebot №7 ✓", "Mit freundlichen Grüßen\nÄnne"),
        "5-forwarded.eml": _forwarded(),
        "6-many-files.eml": _many_files(),
    }
    for name, mail in made.items():
        (directory / name).write_bytes(mail.as_bytes(policy=SMTP))
    return [directory / name for name in made]


def _mail(subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Ada Lovelace <ada@contoso.com>"
    mail["To"] = "Invoices <invoices@example.com>"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC) - timedelta(seconds=5))
    mail["Message-ID"] = make_msgid(domain="contoso.com")
    mail.set_content(text)
    return mail


def _invoice() -> EmailMessage:
    mail = _mail("Invoice 4711", "Please find our invoice attached.")
    mail.add_attachment(_PDF, maintype="application", subtype="pdf", filename="invoice 4711.pdf")
    mail.add_attachment("<invoice number='4711'/>", subtype="xml", filename="invoice 4711.xml")
    return mail


def _newsletter() -> EmailMessage:
    mail = _mail("News of the week", "Look at the picture.")
    mail.add_alternative("<p>Look: <img src='cid:logo@contoso.com'></p>", subtype="html")
    mail.get_payload()[1].add_related(_PNG, "image", "png", cid="<logo@contoso.com>", filename="logo.png")  # type: ignore[index, union-attr]
    return mail


def _forwarded() -> EmailMessage:
    mail = _mail("FW: Invoice 4711", "See below.")
    mail.add_attachment(_invoice())
    return mail


def _many_files() -> EmailMessage:
    mail = _mail("Scans", "Twelve pages, two of one name.")
    for number in range(12):
        page = _PDF + b"%" * (number * 10_000)
        name = f"page {max(number, 1):02d}.pdf"
        mail.add_attachment(page, maintype="application", subtype="pdf", filename=name)
    return mail
