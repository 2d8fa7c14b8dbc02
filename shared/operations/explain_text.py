"""What `explain` prints: for a person, or as JSON. Words of the mail are in it: that is what it is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from shared.mail import Addresses, Moment
from shared.manifest import StagedFile
from shared.operations.explain import MAIN, Explanation, Outcome, ShownDocument, ShownValue
from shared.operations.text import printable
from shared.plan import PlannedFile

LONGEST = 300
"""Characters of a value that are shown to a person."""
_OUTCOMES: dict[Outcome, str] = {
    "filed": "",
    "skipped": "It would be skipped.",
    "failed": "It would fail.",
    "held": "Its source would be held, and the mail would wait.",
}
OF_GRAPH = "(made of the id that Graph gives the mail)"


def explanation_json(told: Explanation) -> dict[str, Any]:
    """The shape of `explain --json`."""
    return {
        **asdict(told),
        "mail": _mail(told),
        "attachments": [_attachment_json(one) for one in told.attachments],
        "documents": [_document_json(one) for one in told.documents],
        "then": dict(told.then),
    }


def explanation_lines(told: Explanation) -> Iterator[str]:
    """The explanation, for a person; each line can be printed."""
    yield f"Mail, as source {told.source} would see it"
    yield from _columns([(name, _text(value)) for name, value in _mail(told).items() if value != ""])
    yield from (_attachment_line(one) for one in told.attachments)
    yield ""
    yield _verdict(told)
    yield from (f"  {printable(sentence)}" for sentence in (told.reason, told.remedy) if sentence)
    for document in told.documents:
        yield ""
        yield from _document_lines(document)
    yield from _listed("Then, in its mailbox", [f"{key}: {_text(value)}" for key, value in told.then.items()])
    yield from _listed("The journal would warn", told.warnings)
    yield from _listed("To be known", told.notes)


def _verdict(told: Explanation) -> str:
    by = f'Rule "{told.rule}".' if told.rule else "No rule takes it." if told.documents else ""
    return f"{by} {_OUTCOMES[told.outcome]}".strip()


def _mail(told: Explanation) -> dict[str, str | bool | int]:
    mail = told.mail
    received, sent = Moment.read(mail.received), Moment.read(mail.sent)
    return {
        "subject": mail.subject,
        "from": str(mail.from_),
        "sender": str(mail.sender),
        "to": str(Addresses(mail.to)),
        "cc": str(Addresses(mail.cc)),
        "bcc": str(Addresses(mail.bcc)),
        "reply_to": str(Addresses(mail.reply_to)),
        "received": "" if received is None else str(received),
        "sent": "" if sent is None else str(sent),
        "importance": mail.importance,
        "message_id": mail.message_id,
        "kind": mail.kind,
        "signed": mail.signed,
        "encrypted": mail.encrypted,
        "tnef": mail.tnef,
        "size": told.size,
    }


def _attachment_json(one: StagedFile) -> dict[str, Any]:
    return {
        "number": one.number,
        "name": one.name,
        "type": one.type,
        "size": one.size,
        "sha256": one.sha256,
        "inline": one.inline,
        "attached_as": one.attached_as,
    }


def _attachment_line(one: StagedFile) -> str:
    facts = [one.type, _bytes(one.size), *(["inline"] if one.inline else [])]
    return printable(f"  attachment {one.number}: {_text(one.name)} ({', '.join(facts)})")


def _document_json(one: ShownDocument) -> dict[str, Any]:
    return {
        "attachment": one.number or None,
        "object_type": {"id": one.object_type, "name": one.object_type_name},
        "class": {"id": one.class_id, "name": one.class_name},
        "relation": one.relation or None,
        "properties": [
            {
                "id": value.id,
                "name": value.name,
                "data_type": value.data_type.name,
                "value": value.value,
                "items": [asdict(item) for item in value.items],
            }
            for value in one.properties
        ],
        "files": [
            {"name": _name(file), "path": file.path, "size": file.size, "rendered": file.is_rendered}
            for file in one.files
        ],
    }


def _document_lines(one: ShownDocument) -> Iterator[str]:
    of = "Document" if one.number == MAIN else f"Document of attachment {one.number}"
    kind = f', object type "{one.object_type_name}" ({one.object_type})'
    yield printable(f'{of}: class "{one.class_name}" ({one.class_id}){kind}')
    values = [
        (f"{value.name} ({value.id})", _data_type(value), _converted(value)) for value in one.properties
    ]
    if one.relation:
        values.append((one.relation, "", "the document of the mail"))
    yield from _columns(values)
    for file in one.files:
        made = "made of the message" if file.is_rendered else file.path
        yield printable(f"  file {_name(file)} ({_bytes(file.size)}, {made})")


def _data_type(value: ShownValue) -> str:
    return value.data_type.name.lower().replace("_", " ")


def _converted(value: ShownValue) -> str:
    if value.value is None:
        return OF_GRAPH
    if not value.items:
        return _text(value.value)
    return "; ".join(
        f"{item.name} (to be added)" if item.is_new else f"{item.name} ({number})"
        for item, number in zip(value.items, value.ids, strict=True)
    )


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The last column is as long as it likes to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield printable("  " + "  ".join([*cells, row[-1]]))


def _listed(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield ""
        yield title
        yield from (f"  {printable(sentence)}" for sentence in sentences)


def _name(file: PlannedFile) -> str:
    return f"{file.title}.{file.extension}"


def _bytes(size: int) -> str:
    return f"{size} bytes"


def _text(value: object) -> str:
    """For a person: truth as the configuration writes it, and the beginning of what is long."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"
