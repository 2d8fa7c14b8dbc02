"""Mail that is skipped while it is staged, before any byte of it is fetched (design, section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.configuration import Source
from shared.errors import MailFault
from shared.graph.answers import Message
from shared.mail import ONLY_WHILE_FILING, Moment
from shared.mail_kinds import DRAFT
from shared.rules import Undecided, way_of
from shared.skip import BY_RULE, Skip
from shared.sweep_plan import PASSED_OVER, files_from
from shared.templates import BODY

MAX_AGE = "max-age"
"""The rule by which mail is skipped that is older than `max-age-days`."""
IS_DRAFT = Skip(DRAFT, "It is a draft.")
CAME_BEFORE = Skip(PASSED_OVER, "It was there before mail was to be filed.")
_FLAGS = ("signed", "encrypted", "tnef")
_KNOWN_KINDS = ("draft", "own-mail")


def skipped_for_its_time(
    source: Source, message: Message, now: datetime, open_since: datetime
) -> Skip | None:
    """Whether a mail is a draft yet, or comes before the day from which mail is filed, or is too old.

    A draft that is sent, and one that came before and is moved in later, begin anew. Its age is that at which
    the app heard of it: what waited for a service to come back has grown no older.
    """
    if message.is_draft:
        return IS_DRAFT
    if source.since is not None and now < files_from(source.since, now):
        return CAME_BEFORE
    received = Moment.read(message.received_date_time or "")
    days = source.max_age_days
    if days is not None and received is not None and received < open_since - timedelta(days=days):
        return Skip(MAX_AGE, f"It was received more than {days} days ago.")
    return None


def _unknown(values: Mapping[str, Any]) -> frozenset[str]:
    """The names whose values are not certain before the MIME has been seen.

    Its head takes no flag away, but may add one, and may tell of a kind that comes before the present one.
    """
    flags = {flag for flag in _FLAGS if not values[flag]}
    kind = {"kind"} if values["kind"] not in _KNOWN_KINDS else set()
    return ONLY_WHILE_FILING | {BODY} | flags | kind


def skipped_by_rule(source: Source, values: Mapping[str, Any]) -> Skip | None:
    """Whether a rule skips the mail with these `values`, as far as that can be told without its bytes."""
    try:
        way = way_of(source, values, _unknown(values))
    except (Undecided, MailFault):
        return None  # decided while filing, where a condition that fails is a fault of the mail
    return Skip(way.rule, BY_RULE) if way.skip else None
