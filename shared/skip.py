"""Why nothing is filed from a mail, as a value."""

from __future__ import annotations

from dataclasses import dataclass

BY_RULE = "A rule of its source says so."


@dataclass(frozen=True)
class Skip:
    """By which rule, the app's own or one of the mail's source, and why."""

    rule: str
    reason: str
