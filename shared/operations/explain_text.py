"""What `explain` prints: for a person, or as JSON. Words of the mail are in it: that is what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from shared.mail import Addresses, Moment
from shared.manifest import StagedFile
from shared.operations.explain import MAIN, Explanation, Outcome, ShownDocument, ShownValue
from shared.operations.text import printable, time_of
from shared.plan import PlannedFile

LONGEST = 300
"""Characters of a value that are shown to a person."""
_OUTCOMES: dict[Outcome, str] = {
    "filed": "It would be filed.",
    "skipped": "It would be skipped.",
    "failed": "It would fail.",
    "held": "Its source would be held, and the mail would wait.",
}
_KEY = "(made of the id that Graph gives the mail)"


def explanation_json(told: Explanation) -> dict[str, Any]:
    """The shape of `explain --json`."""
    documents = [_document_json(one) for one in told.documents]
    attachments = [{"number": one.number, **_staged_json(one)} for one in told.attachments]
    mail = {name.rstrip("_"): value for name, value in _mail(told).items()}
    return {
        **asdict(told),
        "mail": mail,
        "attachments": attachments,
        "documents": documents,
    }


def explanation_lines(told: Explanation) -> Iterator[str]:
    """The explanation, for a person."""
    yield f"Mail, as source {told.source} would see it"
    yield from _columns({name: str(value) for name, value in _mail(told).items()})
    for one in told.attachments:
        inline = ", inline" if one.inline else ""
        yield f"  attachment {one.number}: {one.name} ({one.type}, {_bytes(one.size)}{inline})"
    yield ""
    yield f'Rule "{told.rule}". {_OUTCOMES[told.outcome]}' if told.rule else _without_rule(told)
    yield from (f"  {sentence}" for sentence in (told.reason, told.remedy) if sentence)
    for document in told.documents:
        yield ""
        yield from _document_lines(document)
    yield from _listed("Then, in its mailbox", [f"{key}: {value}" for key, value in (told.then or {}).items()])
    yield from _listed("The journal would warn", told.warnings)
    yield from _listed("To be known", told.notes)


def _without_rule(told: Explanation) -> str:
    if told.outcome == "filed":
        return f"No rule takes it: the source's own document. {_OUTCOMES[told.outcome]}"
    return _OUTCOMES[told.outcome]


def _mail(told: Explanation) -> dict[str, Any]:
    mail = told.mail
    moments = {name: Moment.read(text) for name, text in (("received", mail.received), ("sent", mail.sent))}
    return {
        "subject": mail.subject,
        "from": str(mail.from_),
        "sender": str(mail.sender),
        "to": str(Addresses(mail.to)),
        "cc": str(Addresses(mail.cc)),
        "reply_to": str(Addresses(mail.reply_to)),
        **{name: "" if moment is None else str(moment) for name, moment in moments.items()},
        "importance": mail.importance,
        "message_id": mail.message_id,
        "kind": mail.kind,
        "signed": mail.signed,
        "encrypted": mail.encrypted,
        "tnef": mail.tnef,
        "size": told.size,
    }
