"""What a check has found: a line for a person, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "failed", "not-run"]


@dataclass(frozen=True)
class Finding:
    """One line. `subject` is which mailbox, secret or class, where a check looks at several.

    Neither text holds a secret, or anything out of a mail.
    """

    check: str
    status: Status
    what: str
    remedy: str = ""
    subject: str = ""


def ok(check: str, what: str, *, subject: str = "") -> Finding:
    """It is as it should be."""
    return Finding(check, "ok", what, subject=subject)


def warning(check: str, what: str, remedy: str, *, subject: str = "") -> Finding:
    """It works, but should be otherwise."""
    return Finding(check, "warning", what, remedy, subject)


def failed(check: str, what: str, remedy: str, *, subject: str = "") -> Finding:
    """It does not work; `remedy` is the exact command, or the page of the portal."""
    return Finding(check, "failed", what, remedy, subject)


def not_run(check: str, what: str, remedy: str = "", *, subject: str = "") -> Finding:
    """It was not looked at, and why."""
    return Finding(check, "not-run", what, remedy, subject)
