"""A row of the journal: what is known of one mail, as a value, and as the entity of table `filings`."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, get_args

from shared.errors import MailFault
from shared.skip import Skip

LONGEST_TEXT = 4096
"""Bytes of a string in a row, at most."""
MOST_FILES = 64 * 1024 // 32
"""Files of a mail: so many SHA-256 are in a column (learn.microsoft.com/rest/api/storageservices, property
types of the Table service)."""
State = Literal["arrived", "staged", "filed", "skipped", "failed"]
STATES: tuple[State, ...] = get_args(State)
ENDS: frozenset[State] = frozenset({"filed", "skipped", "failed"})
DELETED = "the document is deleted in the vault"
"""The first warning of a mail that counts as filed nevertheless."""
_SIZE = struct.Struct(">Q")
_LINKED = struct.Struct(">IQ")


@dataclass(frozen=True)
class Row:
    """What the journal knows of one mail. `etag` is empty for a row that was not read.

    `opened` names its row in table `unfinished`: the time of its arrival, or of its last replay.
    `owner` works on it until `claim_expires`; `deaths` workers in a row have not come back from it.
    `handed` is when the message of its state was sent; `settled`, when nothing was left to do after the end;
    `look_again`, when the vault is to be searched for late twins; `kept`, when its bytes were copied out of
    the reach of the staging area's own end; `missing_since`, when Graph first had no such message.
    `attempt`, `first_tried`, `due` and `revived` are of the step that the mail is at. `rule` has decided what
    becomes of it; `reason` is that of the end, or the last fault on the way. `again` says that a deleted
    document does not count as this mail's: an operator wants it filed once more. With `last_look` the vault
    is only searched: if it has no document, the mail ends. `planned` are the sizes of the document's files,
    where they are not all that was staged; `linked` are the documents of its attachments, each as the number
    of the attachment and the id of the object, 0 before it is known. `others` are columns of a later version.
    """

    source: str
    key: str
    state: State
    message: str
    arrived: datetime
    opened: datetime | None = None
    staged: datetime | None = None
    ended: datetime | None = None
    owner: str = ""
    claim_expires: datetime | None = None
    deaths: int = 0
    handed: datetime | None = None
    settled: datetime | None = None
    look_again: datetime | None = None
    creating: datetime | None = None
    attempt: int = 0
    first_tried: datetime | None = None
    due: datetime | None = None
    revived: int = 0
    last_look: bool = False
    missing_since: datetime | None = None
    kept: datetime | None = None
    sizes: tuple[int, ...] = ()
    digests: tuple[bytes, ...] = ()
    object_type: int | None = None
    object_id: int | None = None
    object_version: int | None = None
    planned: tuple[int, ...] = ()
    linked: tuple[tuple[int, int], ...] = ()
    rule: str = ""
    reason: str = ""
    remedy: str = ""
    warnings: tuple[str, ...] = ()
    again: bool = False
    others: tuple[tuple[str, Any], ...] = ()
    etag: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether the mail is filed, skipped or failed."""
        return self.state in ENDS

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will be done by itself."""
        return self.has_ended and self.settled is not None and self.look_again is None

    @property
    def filed_sizes(self) -> tuple[int, ...]:
        """The sizes that the files of its document have, in bytes."""
        return self.planned or self.sizes

    @property
    def open_since(self) -> datetime:
        """Since when it is open: the time in the name of its row in table `unfinished`."""
        return self.opened or self.arrived


def is_untried(row: Row) -> bool:
    """Whether no worker has tried the step that the mail is at, as far as the row can tell.

    One that was put back has a moment at which it is due, though that was no attempt.
    """
    is_first_time = row.open_since == row.arrived and not row.revived and not row.again
    times = (row.creating, row.kept, row.due, row.first_tried, row.missing_since)
    return is_first_time and not row.attempt and not row.deaths and all(one is None for one in times)


def failed(row: Row, fault: MailFault, now: datetime) -> Row:
    """The row of a mail that ends for this reason."""
    end = gone_on(row, "failed", ended=now, creating=None, rule=row.rule)
    return replace(end, reason=fault.reason, remedy=fault.remedy)


def skipped(row: Row, skip: Skip, now: datetime) -> Row:
    """The row of a mail that is not filed, by this rule."""
    return gone_on(row, "skipped", ended=now, creating=None, rule=skip.rule, reason=skip.reason)


def gone_on(row: Row, state: State, **changes: Any) -> Row:
    """The row of a mail that one step has brought to `state`: the next one begins anew.

    It has no claim any more, and was not handed over yet.
    """
    begun_anew: dict[str, Any] = {
        "owner": "",
        "claim_expires": None,
        "deaths": 0,
        "handed": None,
        "attempt": 0,
        "first_tried": None,
        "due": None,
        "revived": 0,
        "last_look": False,
        "missing_since": None,
        "rule": "",
        "reason": "",
        "remedy": "",
    }
    return replace(row, state=state, **{**begun_anew, **changes})


def begun_anew(row: Row, now: datetime, **changes: Any) -> Row:
    """The row of an ended mail that begins anew, opened now."""
    anew = gone_on(row, "arrived", opened=now, staged=None, ended=None, settled=None, look_again=None)
    forgotten = {"creating": None, "sizes": (), "digests": (), "planned": (), "linked": ()}
    objects = {"object_type": None, "object_id": None, "object_version": None}
    return replace(anew, **{**forgotten, **objects, **changes})


def shortened(text: str) -> str:
    """`text`, cut to what a row may hold."""
    return text.encode()[:LONGEST_TEXT].decode(errors="ignore")


def entity_of(row: Row) -> dict[str, Any]:
    """The row as an entity: what is empty is left out."""
    facts = {
        "PartitionKey": row.source,
        "RowKey": row.key,
        "state": row.state,
        "message": row.message,
        "arrived": row.arrived,
        "opened": row.opened,
        "staged": row.staged,
        "ended": row.ended,
        "owner": row.owner or None,
        "claim_expires": row.claim_expires,
        "deaths": row.deaths or None,
        "handed": row.handed,
        "settled": row.settled,
        "look_again": row.look_again,
        "creating": row.creating,
        "attempt": row.attempt,
        "first_tried": row.first_tried,
        "due": row.due,
        "revived": row.revived or None,
        "last_look": row.last_look or None,
        "missing_since": row.missing_since,
        "kept": row.kept,
        "sizes": b"".join(_SIZE.pack(size) for size in row.sizes) or None,
        "digests": b"".join(row.digests) or None,
        "object_type": row.object_type,
        "object_id": row.object_id,
        "object_version": row.object_version,
        "planned": b"".join(_SIZE.pack(size) for size in row.planned) or None,
        "linked": b"".join(_LINKED.pack(*one) for one in row.linked) or None,
        "rule": row.rule or None,
        "reason": shortened(row.reason) or None,
        "remedy": shortened(row.remedy) or None,
        "warnings": shortened("\n".join(row.warnings)) or None,
        "again": row.again or None,
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return {**dict(row.others), **known}


def row_of(entity: Mapping[str, Any], etag: str = "") -> Row:
    """The row in an entity; what a later version of the app wrote there is kept, and written back."""
    warnings = str(entity.get("warnings") or "")
    return Row(
        source=entity["PartitionKey"],
        key=entity["RowKey"],
        state=entity["state"],
        message=entity.get("message") or "",
        arrived=entity["arrived"],
        opened=entity.get("opened"),
        staged=entity.get("staged"),
        ended=entity.get("ended"),
        owner=str(entity.get("owner") or ""),
        claim_expires=entity.get("claim_expires"),
        deaths=int(entity.get("deaths") or 0),
        handed=entity.get("handed"),
        settled=entity.get("settled"),
        look_again=entity.get("look_again"),
        creating=entity.get("creating"),
        attempt=int(entity.get("attempt") or 0),
        first_tried=entity.get("first_tried"),
        due=entity.get("due"),
        revived=int(entity.get("revived") or 0),
        last_look=bool(entity.get("last_look")),
        missing_since=entity.get("missing_since"),
        kept=entity.get("kept"),
        sizes=tuple(_SIZE.unpack(piece)[0] for piece in _pieces(entity.get("sizes"), _SIZE.size)),
        digests=tuple(_pieces(entity.get("digests"), 32)),
        object_type=entity.get("object_type"),
        object_id=entity.get("object_id"),
        object_version=entity.get("object_version"),
        planned=tuple(_SIZE.unpack(piece)[0] for piece in _pieces(entity.get("planned"), _SIZE.size)),
        linked=tuple(_linked(piece) for piece in _pieces(entity.get("linked"), _LINKED.size)),
        rule=str(entity.get("rule") or ""),
        reason=str(entity.get("reason") or ""),
        remedy=str(entity.get("remedy") or ""),
        warnings=tuple(warnings.split("\n")) if warnings else (),
        again=bool(entity.get("again")),
        others=tuple((name, value) for name, value in sorted(entity.items()) if name not in _COLUMNS),
        etag=etag,
    )


_COLUMNS = frozenset(
    {"PartitionKey", "RowKey", "Timestamp", *(field.name for field in fields(Row))}
    - {"source", "key", "others", "etag"}
)


def _linked(piece: bytes) -> tuple[int, int]:
    number, object_id = _LINKED.unpack(piece)
    return number, object_id


def _pieces(joined: bytes | None, size: int) -> Sequence[bytes]:
    return [joined[at : at + size] for at in range(0, len(joined), size)] if joined else []
