"""What becomes of a mail in its mailbox once it has ended: safe to do again from its start, at any time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.configuration import After, Source
from shared.errors import ConfigurationFault
from shared.graph.changing import MailboxWriter, MessageState, is_gone
from shared.graph.faults import NotFound
from shared.journal_row import DELETED, Row
from shared.rules import way_named


def wanted(source: Source | None, row: Row) -> After:
    """What the configuration wants done with the mail of `row` now.

    Nothing of a source that is gone, or only observes; nor of a mail whose document is deleted in the vault:
    what is in the mailbox may be all that there is.
    """
    if source is None or source.mode == "observe" or is_deleted(row):
        return After()
    way = way_named(source, row.rule)
    match row.state:
        case "filed":
            return way.after
        case "failed":
            return After(category=way.on_failure.category, move_to=way.on_failure.move_to)
        case _:
            return After()


def settled_at_once(source: Source | None, row: Row, now: datetime) -> Row:
    """The row of a mail that ends now: settled in the same write where nothing is left to do.

    What is left is done by the step of the mailbox: it forgets what was kept, too.
    """
    is_left = row.state == "failed" or row.kept is not None or bool(wanted(source, row))
    return row if is_left else replace(row, settled=now)


def is_deleted(row: Row) -> bool:
    """Whether the mail counts as filed by a document that is deleted in the vault."""
    return row.state == "filed" and DELETED in row.warnings


def changes(state: MessageState, want: After) -> dict[str, Any]:
    """What must be written of a message: its categories are replaced as a whole, so those that it has stay.

    Names of categories count in any case of letters.
    """
    there = [category for category in state.categories or () if category]
    written: dict[str, Any] = {}
    if want.read and state.is_read is not True:
        written["isRead"] = True
    if want.category and want.category.casefold() not in {category.casefold() for category in there}:
        written["categories"] = [*there, want.category]
    return written


@dataclass(frozen=True)
class Afterwards:
    """Does it; deletes only if it `may_delete`."""

    writer: MailboxWriter
    may_delete: bool

    async def do(self, mailbox: str, message: str, want: After) -> bool:
        """Bring a message to where `want` has it; whether anything was left to do. One that is gone is done.

        With `move_to` it is moved, and never deleted. Raises ConfigurationFault, Transient, NotFound for the
        mailbox, Conflict, Refused.
        """
        if want.delete and not self.may_delete:
            raise ConfigurationFault(
                f"mailbox {mailbox}: after.delete is set, and mail may not be deleted.",
                "Set allow-delete = true above all tables, or take after.delete out.",
            )
        try:
            return await self._done(mailbox, message, want)
        except NotFound as fault:
            if is_gone(fault):
                return False
            raise

    async def _done(self, mailbox: str, message: str, want: After) -> bool:
        state = await self.writer.state(mailbox, message)
        if state is None:
            return False
        # First, where to: a mail whose folder is missing is left as it is.
        target = await self.writer.target(mailbox, want.move_to) if want.move_to else ""
        is_deleted = want.delete and await self.writer.has_deleted(mailbox, state.parent_folder_id)
        to_write = {} if is_deleted else changes(state, want)
        if to_write:
            await self.writer.update(mailbox, message, to_write)
        if target and target != state.parent_folder_id:
            await self.writer.move(mailbox, message, target)
        elif want.delete and not target and not is_deleted:
            await self.writer.delete(mailbox, message)
        else:
            return bool(to_write)
        return True
