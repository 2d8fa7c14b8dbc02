"""Odd answers of Graph on the whole way: a mail is filed with all that there is, or fails for a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from shared.answers import Unreadable, decoded
from shared.errors import Unavailable, VaultpostError
from shared.graph.answers import Attachment, Message, OpenedMessage
from shared.graph.faults import NotFound, Refused
from shared.journal_row import Row
from shared.mail_kinds import DRAFT
from shared.manifest import REFERENCE
from tests.protocol.simulated import Mailboxes
from tests.protocol.worker import Worker
from tests.protocol.world import SOURCE, World, configured
from tests.shared.odd_answers import attachments, messages, object_of, odd

SHORT, LONG = 15, 5_000
ANNOUNCED, MIME = "A", b"Subject: Odd\r\n\r\nAs odd as its answers"
WITHIN = timedelta(hours=12)
GONE, NO_BYTES, REFUSED = NotFound("ErrorItemNotFound"), Refused(405, "", ""), Refused(400, "ErrorX", "")
contents = some.sampled_from([b"", b"x", b"BEGIN:VCARD\r\n", b"a longer one " * 50]) | some.sampled_from(
    [GONE, NO_BYTES, REFUSED]
)


@dataclass(frozen=True)
class Answers:
    """What Graph answers about a mail, whatever id it is asked for by; `content` by the attachment's id."""

    message: Any
    page: Any
    content: dict[str, bytes | VaultpostError]
    mime: bytes = MIME

    @property
    def opened(self) -> Any:
        """The message with its attachments, in one answer."""
        if isinstance(self.message, dict) and isinstance(self.page, dict) and "value" in self.page:
            return {**self.message, "attachments": self.page["value"]}
        return self.message


class OddMailboxes(Mailboxes):
    """A tenant in which one mail is odd."""

    def __init__(self, world: World, answers: Answers) -> None:
        super().__init__(world.outages)
        self._answers = answers

    async def expanded(self, mailbox: str, message: str) -> tuple[Message, list[Attachment] | None]:
        if message in self.mails:
            return await super().expanded(mailbox, message)
        found: OpenedMessage = _answered(self._answers.opened, OpenedMessage)
        return found, found.attachments

    async def folder_name(self, mailbox: str, folder: str) -> str:
        raise GONE

    async def mime(self, mailbox: str, message: str) -> AsyncGenerator[bytes, None]:
        yield self.mails[message].mime if message in self.mails else self._answers.mime

    async def attachment_bytes(
        self, mailbox: str, message: str, attachment: str
    ) -> AsyncGenerator[bytes, None]:
        content = self._answers.content.get(attachment, b"of another id")
        if isinstance(content, VaultpostError):
            raise content
        yield content


def _answered(data: Any, kind: Any) -> Any:
    """As `GraphClient.answer`."""
    try:
        return decoded(json.dumps(data).encode(), kind)
    except Unreadable as error:
        raise Unavailable(f"Graph's answer cannot be read ({error})", origin="graph") from None


def _read(data: Any, kind: Any) -> Any:
    with suppress(Unavailable):
        return _answered(data, kind)


class Watched(Worker):
    """Notes what the functions raise."""

    def _function(self, queue: str) -> Callable[[bytes], Awaitable[None]]:
        function, raised = super()._function(queue), self.world.raised  # type: ignore[attr-defined]

        async def noting(body: bytes) -> None:
            try:
                await function(body)
            except Exception as error:
                raised.append(error)
                raise

        return noting


@dataclass
class OddWorld(World):
    """A world whose functions must raise nothing."""

    raised: list[Exception] = field(default_factory=list)

    def worker(self, hook: Any = None) -> Worker:
        return Watched(self, hook)


async def ended(answers: Answers) -> tuple[OddWorld, Row]:
    """The mail is announced, and goes its way to its end.

    Ordinary mail is filed meanwhile: none is given up while nothing shows that the services work.
    """
    of_app, configuration = configured(invoices="CL.Invoice")
    world = OddWorld((of_app, msgspec.structs.replace(configuration, give_up_after="1h")))
    world.mailboxes = OddMailboxes(world, answers)
    read = _read(answers.opened, OpenedMessage)
    final = read.id if read is not None and read.id else ANNOUNCED
    world.source_of = {ANNOUNCED: SOURCE, final: SOURCE}
    world.writer.put(final)
    await world.announce(ANNOUNCED)
    began = world.clock.now()
    while world.clock.now() < began + WITHIN:
        await world.announce(world.mail())
        await world.settle(timedelta(minutes=20))
        if await world.is_quiet():
            break
    rows = {row.key: row async for row in world.journal.rows()}
    announced = {world.key(final), *map(world.key, world.announced[1:])}
    assert rows.keys() == announced
    assert all(row.has_ended for row in rows.values())
    return world, await world.row(final)


def reasons(answers: Answers) -> set[str]:
    """What can stand against filing; nothing where it must be filed."""
    message = _read(answers.opened, OpenedMessage)
    if message is None:
        return {"Graph's answer cannot be read"}
    if not message.id:
        return {"has no id for a message"}
    found = set() if answers.mime else {"a mail with no bytes"}
    for one in message.attachments:
        if one.kind != REFERENCE:
            content = answers.content.get(one.id)
            if not one.id:
                found.add("an attachment without an id")
            elif content is GONE or (content is REFUSED and one.kind == "file"):
                found.add(f"content of a mail: {content}")
    return found


async def is_well(answers: Answers) -> None:
    """Filed with all that there is, a draft that is skipped, or failed for one of the reasons there are."""
    world, row = await ended(answers)
    assert (world.raised, world.poisoned) == ([], 0)
    message, against = _read(answers.opened, OpenedMessage), reasons(answers)
    if message is not None and message.id and message.is_draft:
        assert (row.state, row.rule) == ("skipped", DRAFT)
    elif against:
        assert row.state == "failed"
        assert row.reason.startswith("Given up after")
        assert any(reason in row.reason for reason in against), (row.reason, against)
        assert row.remedy
    else:
        await _is_filed_whole(world, row, answers)


async def _is_filed_whole(world: World, row: Row, answers: Answers) -> None:
    assert row.state == "filed", row
    manifest = await world.area.manifest(SOURCE, row.key)
    assert manifest is not None
    (kept,) = [kept for kept in world.vault.objects if kept.key == row.key]
    # As Graph has sent them: what is read of them could itself have lost one.
    listed = [_read(one, Attachment) for one in answers.opened["attachments"]]
    assert None not in listed
    numbers = [file.number for file in manifest.files] + [left.number for left in manifest.left_out]
    assert sorted(numbers) == list(range(len(listed) + 1))
    assert kept.contents[0] == answers.mime
    for file, content in zip(manifest.files[1:], kept.contents[1:], strict=True):
        if file.attached_as != REFERENCE:
            assert content == answers.content.get(listed[file.number - 1].id, b"of another id")
    for left in manifest.left_out:
        of_left = listed[left.number - 1]
        assert of_left.kind == REFERENCE or answers.content[of_left.id] in (NO_BYTES, REFUSED)


odd_mails = some.builds(
    Answers,
    messages | odd,
    object_of(value=some.lists(attachments | odd, max_size=3)),
    some.fixed_dictionaries({"A": contents, "B": contents}),
    some.sampled_from([MIME, MIME, MIME, b""]),
)
"""As odd as can be: few of them come far."""
readable_mails = some.builds(
    Answers,
    messages.map(lambda one: {**one, "id": "A"}),
    some.lists(attachments.map(lambda one: {**one, "id": "B"}), max_size=3).map(lambda one: {"value": one}),
    some.fixed_dictionaries({"B": contents}),
)
mails_with_an_odd_attachment = some.builds(
    Answers,
    messages.map(lambda one: {**one, "id": "A"}),
    some.tuples(some.lists(attachments.map(lambda one: {**one, "id": "B"}), max_size=2), odd).map(
        lambda listed: {"value": [*listed[0], listed[1]]}
    ),
    some.just({"B": b"x"}),
)
"""One that is left out would be lost, and nobody would know."""


@pytest.mark.parametrize(
    "mails",
    [odd_mails, readable_mails, mails_with_an_odd_attachment],
    ids=["odd", "readable", "odd attachment"],
)
def test_whatever_graph_answers_about_a_mail_it_is_filed_or_fails_for_a_reason(
    pytestconfig: pytest.Config, mails: some.SearchStrategy[Answers]
) -> None:
    with asyncio.Runner() as runner:

        @settings(
            max_examples=LONG if pytestconfig.getoption("--long") else SHORT,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(mails)
        def holds(answers: Answers) -> None:
            runner.run(is_well(answers))

        holds()
