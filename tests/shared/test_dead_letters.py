"""Poison is no verdict: a message is revived, and only in the end its mail is given up, its bytes kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.dead_letters import REVIVED_AFTER, UNREADABLE, DeadLetters
from shared.errors import Unavailable
from shared.handing_over import HandOver
from shared.journal_row import ENDS, Row, State
from shared.queue_messages import (
    FOLDER_SWEEP,
    LIFECYCLE_EVENT,
    MAIL_ARRIVED,
    MAIL_FILED,
    VAULT_IMPORT,
    FolderSweep,
    LifecycleEvent,
    MailFiled,
    MailMessage,
    Message,
    encode,
)
from shared.queues import QueuesPort
from shared.retrying import MOST_REVIVALS
from shared.staging_area import StagingArea, file_name, manifest_name, unreadable_name
from shared.tracing import traceparent
from shared.unfinished import OpenMail
from shared.watching import is_forsaken

from .accounts import NotingQueues, Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, arrived, manifest, order
from .protocol import KEY, FilingStep, Protocol, events, new_row, open_mails, put_row, row_of

pytestmark = pytest.mark.anyio
MANIFEST = manifest("invoices")
STAGED = file_name("invoices", KEY, MANIFEST.run, "message.eml")
MINUTES = timedelta(minutes=1)


def filed() -> MailFiled:
    return MailFiled(source="invoices", key=KEY, traceparent=traceparent())


AT_EACH_STEP: list[tuple[State, str, MailMessage]] = [
    ("arrived", MAIL_ARRIVED, arrived("invoices")),
    ("staged", VAULT_IMPORT, order("invoices")),
    ("filed", MAIL_FILED, filed()),
]


class NotingArea(StagingArea):
    """Notes the state that the journal tells when bytes are kept."""

    def __init__(self, stores: Stores, fault: Exception | None = None) -> None:
        super().__init__(stores.blobs)
        self.states: list[State | None] = []
        self._stores = stores
        self._fault = fault

    async def keep(self, source: str, key: str) -> None:
        row = await self._stores.journal.read(source, key)
        self.states.append(row.state if row else None)
        if self._fault is not None:
            raise self._fault
        await super().keep(source, key)


def dead_letters(
    stores: Stores, clock: FakeClock, *, queues: QueuesPort | None = None, area: StagingArea | None = None
) -> DeadLetters:
    sent_to = queues or stores.queues
    hand_over = HandOver(stores.journal, stores.unfinished, sent_to, clock)
    return DeadLetters(stores.journal, stores.unfinished, sent_to, hand_over, area or stores.area, clock)


async def die(
    stores: Stores, clock: FakeClock, queue: str, message: Message, revived: int = 0, **parts: Any
) -> None:
    """A message comes to the poison queue."""
    body = encode(msgspec.structs.replace(message, revived=revived)).encode()
    await dead_letters(stores, clock, **parts).take(queue, body)


async def stage(stores: Stores) -> None:
    async def content() -> AsyncGenerator[bytes, None]:
        yield b"mim"

    await stores.area.write(STAGED, content())
    await stores.area.put_manifest(MANIFEST)


async def kept(stores: Stores, name: str) -> bytes | None:
    blob = stores.blobs.get_blob_client("kept", name)
    return await (await blob.download_blob()).readall() if await blob.exists() else None


# Revived


@pytest.mark.parametrize(("state", "queue", "message"), AT_EACH_STEP)
async def test_a_message_is_revived_after_15_minutes_and_its_mail_waits_for_it(
    stores: Stores, clock: FakeClock, state: State, queue: str, message: MailMessage
) -> None:
    before = await put_row(stores, new_row(clock, state, attempt=3, first_tried=NOON))

    await die(stores, clock, queue, message, revived=2)

    found = await row_of(stores)
    assert found == replace(before, due=NOON + REVIVED_AFTER, revived=3, etag=found.etag)
    assert stores.queues.delays == [900]
    assert await stores.number(queue) == 1


async def test_what_is_revived_is_the_same_message_with_one_more_revival(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.dead_letters.REVIVED_AFTER", timedelta(0))
    message = arrived("invoices")

    await die(stores, clock, MAIL_ARRIVED, message, revived=2)

    (found,) = await stores.visible(MAIL_ARRIVED)
    assert found == {**json.loads(encode(message)), "revived": 3}


async def test_the_row_waits_before_the_message_is_sent(stores: Stores, clock: FakeClock) -> None:
    class Looking(NotingQueues):
        async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
            seen.append(await row_of(stores))
            await super().send_text(queue, text, delay=delay)

    seen: list[Row] = []
    await put_row(stores, new_row(clock))

    await die(stores, clock, VAULT_IMPORT, order("invoices"), queues=Looking(stores.queue_service))

    assert [row.due for row in seen] == [NOON + REVIVED_AFTER]


async def test_nobody_queues_a_mail_whose_message_will_be_revived(stores: Stores, clock: FakeClock) -> None:
    """Also where its worker had died: the watch waits until the message should have been taken."""
    await put_row(stores, new_row(clock, owner="dead", claim_expires=NOON - MINUTES))

    await die(stores, clock, VAULT_IMPORT, order("invoices"))

    row = await row_of(stores)
    assert not is_forsaken(row, NOON + 19 * MINUTES, None)
    assert is_forsaken(row, NOON + 20 * MINUTES, None)


async def test_a_revived_message_is_taken_by_its_step(stores: Stores, clock: FakeClock) -> None:
    await put_row(stores, new_row(clock))
    await die(stores, clock, VAULT_IMPORT, order("invoices"))
    step = FilingStep(clock)
    protocol = Protocol(stores, clock)

    await protocol.file(step)
    assert step.ran == []
    clock.advance(minutes=15)
    await protocol.file(step)

    assert len(step.ran) == 1


async def test_a_mail_that_somebody_works_on_is_not_made_to_wait(stores: Stores, clock: FakeClock) -> None:
    before = await put_row(stores, new_row(clock, owner="twin", claim_expires=NOON + MINUTES))

    await die(stores, clock, VAULT_IMPORT, order("invoices"))

    assert await row_of(stores) == before
    assert stores.queues.delays == [900]


@pytest.mark.parametrize("revived", [0, MOST_REVIVALS])
@pytest.mark.parametrize(
    ("state", "queue", "message"),
    [
        ("staged", MAIL_ARRIVED, arrived("invoices")),
        ("filed", MAIL_ARRIVED, arrived("invoices")),
        ("filed", VAULT_IMPORT, order("invoices")),
        ("arrived", VAULT_IMPORT, order("invoices")),
        ("staged", MAIL_FILED, filed()),
    ],
)
async def test_a_message_of_another_step_says_nothing_of_the_mail(
    stores: Stores, clock: FakeClock, state: State, queue: str, message: MailMessage, revived: int
) -> None:
    """The mail has gone on, or was replayed: its own message drives it, and the watch."""
    before = await put_row(stores, new_row(clock, state))

    await die(stores, clock, queue, message, revived)

    assert await row_of(stores) == before
    assert await stores.number(queue) == (revived < MOST_REVIVALS)


async def test_a_mail_without_a_row_is_only_revived(stores: Stores, clock: FakeClock) -> None:
    await die(stores, clock, MAIL_ARRIVED, arrived("invoices"))

    assert stores.queues.delays == [900]
    assert await stores.journal.read("invoices", KEY) is None
    assert await open_mails(stores) == []


@pytest.mark.parametrize("body", [b'{"v": 2}', b'{"v": 2, "source": {}}', '{"v": 2, "a": "ä"}'.encode()])
async def test_a_message_of_a_later_version_is_put_back_as_it_is(
    stores: Stores, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    """Never failed, so that a rollback is safe."""
    await dead_letters(stores, clock).take(VAULT_IMPORT, body)
    assert stores.queues.delays == [900]

    monkeypatch.setattr("shared.dead_letters.REVIVED_AFTER", timedelta(0))
    await dead_letters(stores, clock).take(VAULT_IMPORT, body)

    (found,) = await stores.queue_service.get_queue_client(VAULT_IMPORT).peek_messages(1)
    assert found.content == body.decode()
    assert [row async for row in stores.journal.rows()] == []


async def test_a_message_that_cannot_be_revived_is_not_lost(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    """An exception leaves it where it is."""
    with pytest.raises(Unavailable):
        await die(stores, clock, VAULT_IMPORT, order("invoices"), queues=down.queues)


# Given up


@pytest.mark.parametrize(
    ("state", "queue", "message"),
    [("arrived", MAIL_ARRIVED, arrived("invoices")), ("staged", VAULT_IMPORT, order("invoices"))],
)
async def test_after_ten_revivals_a_mail_fails_with_its_bytes_kept_first(
    stores: Stores,
    clock: FakeClock,
    state: State,
    queue: str,
    message: MailMessage,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await stage(stores)
    await put_row(stores, new_row(clock, state, revived=MOST_REVIVALS, reason="An odd fault."))
    area = NotingArea(stores)
    clock.advance(hours=3)

    await die(stores, clock, queue, message, MOST_REVIVALS - 1, area=area)
    assert (await row_of(stores)).state == state
    await die(stores, clock, queue, message, MOST_REVIVALS, area=area)

    found = await row_of(stores)
    assert (found.state, found.ended, found.kept) == ("failed", clock.now(), clock.now())
    assert "revived 10 times" in found.reason
    assert "An odd fault." in found.reason
    assert "replay" in found.remedy
    assert area.states == [state]
    assert await kept(stores, STAGED) == b"mim"
    assert await kept(stores, manifest_name("invoices", KEY)) is not None
    assert found.handed == clock.now()
    assert await stores.number(MAIL_FILED) == 1
    assert await stores.number(queue) == 1, "the one that was revived before"
    assert events(caplog, "ERROR") == ["mail-given-up"]


async def test_while_its_bytes_cannot_be_kept_a_mail_is_not_given_up(
    stores: Stores, clock: FakeClock
) -> None:
    before = await put_row(stores, new_row(clock))
    area = NotingArea(stores, Unavailable("kept mail: down", origin="storage"))

    with pytest.raises(Unavailable):
        await die(stores, clock, VAULT_IMPORT, order("invoices"), MOST_REVIVALS, area=area)

    assert await row_of(stores) == before


async def test_a_mail_that_was_never_journalled_fails_on_record(stores: Stores, clock: FakeClock) -> None:
    """Its step failed before it could write a row."""
    await die(stores, clock, MAIL_ARRIVED, arrived("invoices"), MOST_REVIVALS)

    found = await row_of(stores)
    assert (found.state, found.message, found.arrived) == ("failed", MESSAGE, NOON)
    assert await open_mails(stores) == [OpenMail.of(found)]
    assert await stores.number(MAIL_FILED) == 1


@pytest.mark.parametrize(
    ("facts", "delay"),
    [
        ({"owner": "twin", "claim_expires": NOON + 1.5 * MINUTES}, 90),
        ({"creating": NOON - timedelta(days=30)}, 900),
        ({"creating": NOON, "owner": "twin", "claim_expires": NOON + MINUTES}, 60),
        ({"creating": NOON, "owner": "dead", "claim_expires": NOON}, 900),
    ],
)
async def test_a_mail_is_never_given_up_while_somebody_works_on_it_or_a_create_is_unclear(
    stores: Stores, clock: FakeClock, facts: dict[str, Any], delay: int
) -> None:
    before, area = await put_row(stores, new_row(clock, **facts)), NotingArea(stores)

    await die(stores, clock, VAULT_IMPORT, order("invoices"), MOST_REVIVALS, area=area)

    row, is_claimed = await row_of(stores), delay < 900
    assert (row.state, row.creating, row.owner) == (before.state, before.creating, before.owner)
    # Where nobody works on it, the watch must know that its message waits.
    assert row.due == (None if is_claimed else NOON + 15 * MINUTES)
    assert stores.queues.delays == [delay]
    assert area.states == []


@pytest.mark.parametrize("state", sorted(ENDS))
async def test_of_a_mail_that_has_ended_only_its_mailbox_is_given_up(
    stores: Stores, clock: FakeClock, state: State
) -> None:
    await stage(stores)
    late = NOON + timedelta(hours=1)
    row = new_row(clock, state, reason="as it ended", warnings=("first",), look_again=late)
    before, area = await put_row(stores, row), NotingArea(stores)

    await die(stores, clock, MAIL_FILED, filed(), MOST_REVIVALS, area=area)

    found = await row_of(stores)
    assert found == replace(before, settled=NOON, warnings=found.warnings, etag=found.etag)
    assert found.warnings[0] == "first"
    assert "revived 10 times" in found.warnings[1]
    assert area.states == []
    assert await open_mails(stores) == [OpenMail.of(found)], "it is still to be looked for"


async def test_of_a_mail_that_has_ended_only_looking_again_is_given_up(
    stores: Stores, clock: FakeClock
) -> None:
    before = await put_row(stores, new_row(clock, "filed", settled=NOON, look_again=NOON))

    await die(stores, clock, VAULT_IMPORT, order("invoices"), MOST_REVIVALS)

    found = await row_of(stores)
    assert found == replace(before, look_again=None, warnings=found.warnings, etag=found.etag)
    assert found.is_closed
    assert await open_mails(stores) == []


@pytest.mark.parametrize(
    ("queue", "message"),
    [
        (FOLDER_SWEEP, FolderSweep(source="invoices", traceparent="x", folder="f")),
        (
            LIFECYCLE_EVENT,
            LifecycleEvent(source="invoices", traceparent="x", event="missed", subscription="y"),
        ),
    ],
)
async def test_a_message_of_no_mail_is_revived_and_in_the_end_given_up_with_an_event(
    stores: Stores, clock: FakeClock, queue: str, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    await die(stores, clock, queue, message, MOST_REVIVALS - 1)
    assert await stores.number(queue) == 1
    assert events(caplog, "ERROR") == []

    await die(stores, clock, queue, message, MOST_REVIVALS)

    assert await stores.number(queue) == 1
    assert events(caplog, "ERROR") == ["message-given-up"]
    assert [row async for row in stores.journal.rows()] == []


# Unreadable


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b'{"v": 1}', b'{"v": 2, "more": "\xff"}', b"[" * 10_000])
async def test_an_unreadable_message_is_kept_and_journalled(
    stores: Stores, clock: FakeClock, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    digest = hashlib.sha256(body).hexdigest()

    for _ in range(2):
        await dead_letters(stores, clock).take(VAULT_IMPORT, body)

    assert await kept(stores, unreadable_name(digest)) == body
    (row,) = [
        row async for row in stores.journal.rows(columns=("ended", "settled", "kept", "reason", "remedy"))
    ]
    assert (
        (row.source, row.key, row.state)
        == (UNREADABLE, digest, "failed")
        == ("_unreadable", digest, "failed")
    )
    assert (row.ended, row.kept, row.is_closed) == (NOON, NOON, True)
    assert VAULT_IMPORT in row.reason
    assert digest in row.remedy
    assert await open_mails(stores) == []
    assert stores.queues.delays == []
    assert events(caplog, "ERROR") == ["message-unreadable"]


async def test_an_unreadable_message_is_kept_before_the_journal_says_so(
    stores: Stores, down: Stores, clock: FakeClock
) -> None:
    with pytest.raises(Unavailable):
        await dead_letters(stores, clock, area=down.area).take(VAULT_IMPORT, b"{")

    assert [row async for row in stores.journal.rows()] == []


async def test_nothing_of_an_unreadable_message_is_in_the_log_or_the_journal(
    stores: Stores, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await dead_letters(stores, clock).take(VAULT_IMPORT, b'{"key": "a subject of somebody"}')

    (row,) = [row async for row in stores.journal.rows(columns=("reason", "remedy"))]
    assert "subject" not in f"{row.reason} {row.remedy} {caplog.text}"
