"""What stands for attachments that Safe Attachments still scans, with Dynamic Delivery.

One attached mail, as it was seen; how its MIME looks is not on record.
learn.microsoft.com/defender-office-365/safe-attachments-about
"""

from __future__ import annotations

from email.message import EmailMessage
from email.message import Message as MimePart

from sandbox.tenant.graph.contents import AS_THEY_STAND, flattened
from sandbox.tenant.graph.long_runs import LongRuns
from sandbox.tenant.graph.parts import parse, text_part
from sandbox.tenant.graph.text import guarded

NAME = "ATP Scan In Progress"
TEXT = "The attachments of this message are being scanned. They come as soon as the scan has ended.\n"


def placeholder() -> bytes:
    """The mail that is attached meanwhile."""
    mail = EmailMessage()
    mail["Subject"] = NAME
    mail.set_content(TEXT)
    return mail.as_bytes()


def with_placeholder(root: MimePart, runs: LongRuns) -> bytes:
    """The MIME of a mail meanwhile: its headers and its text, with the placeholder."""
    shown = _part("multipart/mixed; boundary=_scan_in_progress_")
    for name, value in root.raw_items():
        if not _is_of_the_part(name):
            shown[name] = value
    text = guarded(lambda: text_part(root), None)
    if text is not None:
        shown.attach(_text(text))
    within = _part("message/rfc822")
    within.set_payload([parse(placeholder())])
    shown.attach(within)
    return b"".join(runs.restored(flattened(shown)))


def _part(content_type: str) -> MimePart:
    part = MimePart(policy=AS_THEY_STAND)
    part["Content-Type"] = content_type
    return part


def _text(part: MimePart) -> MimePart:
    alone = MimePart(policy=AS_THEY_STAND)
    for name, value in part.raw_items():
        if _is_of_the_part(name):
            alone[name] = value
    alone.set_payload(part.get_payload())
    return alone


def _is_of_the_part(name: str) -> bool:
    return name.lower().startswith("content-")
