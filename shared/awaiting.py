"""Content that is not there yet: attachments that Safe Attachments still scans.

With Dynamic Delivery a mail is in its mailbox before its attachments are: a placeholder stands for them, or
they have no bytes yet (learn.microsoft.com/defender-office-365/safe-attachments-about).
"""

from __future__ import annotations

from datetime import timedelta

from shared.graph.answers import Attachment

SCANNED_WITHIN = timedelta(minutes=30)
"""How long a mail waits for the content of its attachments, from its arrival on; scans take minutes."""
SMALL_WITHIN = timedelta(seconds=30)
"""How long for one that may be empty: two looks."""
SOONEST, LATEST = timedelta(seconds=15), timedelta(minutes=5)
"""Between two looks."""
COUNTED_BESIDE = 1024
"""Bytes that Exchange may count beside content and name, for its properties. No number is documented."""
LEAST_COUNTED = 100
"""Bytes that Exchange counts of an attachment without content, at least: it has a name and properties."""
_PLACEHOLDERS = frozenset({"atp scan in progress", "safe attachments scan in progress"})
_BYTES_OF_A_CHARACTER = 4


def is_placeholder(attachment: Attachment) -> bool:
    """Whether it holds the place of others. Names as they were seen; the documentation gives none."""
    name = (attachment.name or "").strip().casefold()
    return name in _PLACEHOLDERS or name.rpartition(".")[0] in _PLACEHOLDERS


def lacks_content(attachment: Attachment, came: int, waited: timedelta) -> bool:
    """Whether more must come than `came`: none, though Exchange counts more than of an empty file.

    One that it counts as small may be empty, or hold a few bytes: that is waited for half a minute only.
    """
    size, beside = attachment.size or 0, COUNTED_BESIDE + _BYTES_OF_A_CHARACTER * len(attachment.name or "")
    return came == 0 and (size > beside or (size > LEAST_COUNTED and waited < SMALL_WITHIN))


def look_again_after(waited: timedelta) -> float | None:
    """Seconds until the next look at a mail that has waited so long: as many again; None if it is enough."""
    if waited >= SCANNED_WITHIN:
        return None
    return min(max(waited, SOONEST), LATEST).total_seconds()
