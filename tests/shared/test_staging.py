"""From the mailbox to the staging area: each step can run again, at any time, beside a twin of itself."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta

import msgspec
import pytest

from shared.attachments import REFUSED_FOR_GOOD_AFTER
from shared.awaiting import LATEST, SCANNED_WITHIN, SMALL_WITHIN
from shared.breaker import BreakerKey
from shared.claim import Claim, claimed
from shared.errors import ConfigurationFault, NotYet, Unavailable
from shared.graph.answers import (
    Attachment,
    EmailAddress,
    InternetMessageHeader,
    Message,
    Recipient,
)
from shared.graph.faults import NotFound, Refused
from shared.graph.mailbox import ASKED_FOR_ALONE
from shared.identities import filing_key
from shared.journal import JournalTable
from shared.journal_row import MOST_FILES, Row, State
from shared.mail import Address
from shared.manifest import LeftOut, Manifest, attachment_path
from shared.mime_head import HEAD_SIZE
from shared.opening import open_row
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT, Cause, MailArrived, VaultImport, decode
from shared.staging import LOOK_AGAIN_AFTER, RENAMED_AFTER, TOO_MANY_FILES, UNREADABLE_FOR, Staged, Staging
from shared.staging import staged as staged_row
from shared.staging_area import StagingArea, file_name
from shared.sweep_plan import PASSED_OVER
from shared.testing.queues import InMemoryQueues
from shared.unfinished import OpenMail
from shared.watching import Watch

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, arrived, manifest, source
from .made import staged as staged_file
from .mailbox import FakeMailbox, Mail
from .pipeline import Pipeline
from .protocol import nothing

pytestmark = pytest.mark.anyio
SOURCE = source("invoices")
KEY = filing_key("invoices", MESSAGE)


def attachment(number: int, kind: str = "file", **changed: object) -> Attachment:
    made = Attachment(
        id=f"A{number}", odata_type=f"#microsoft.graph.{kind}Attachment", name=f"{number}.pdf", size=1
    )
    for name, value in changed.items():
        setattr(made, name, value)
    return made


def mail(*attachments: tuple[Attachment, bytes | Exception], **changed: object) -> Mail:
    message = Message(id=MESSAGE, subject="Invoice", from_=Recipient(EmailAddress("Ada", "ada@example.com")))
    for name, value in changed.items():
        setattr(message, name, value)
    return Mail(message, attachments=list(attachments))


def many() -> Mail:
    """A mail whose attachments are asked for alone."""
    return mail(*((attachment(number), b"x") for number in range(1, ASKED_FOR_ALONE + 1)))


ANNOUNCED = "AAMkAnnounced="
WHOLE = b"Subject: Hello\r\n\r\nHello"


@dataclass
class World:
    """Staging with a mailbox that has one mail, on a storage account of its own."""

    stores: Stores
    clock: FakeClock
    queues: InMemoryQueues
    mailbox: FakeMailbox
    staging: Staging
    pipeline: Pipeline

    async def stage(self, message: str = MESSAGE) -> None:
        """The announcement of the mail comes out of its queue."""
        await self.pipeline.take(self.staging, arrived("invoices", message))

    async def run(self) -> Staged:
        """The step alone, under a claim, so that what it raises is seen."""
        message = arrived("invoices")
        row = await self.row_or_none() or await self.staging.unknown(message)
        mine = claimed(row, "run-1", self.clock.now())
        if row.etag:
            mine = await self.stores.journal.update(mine)
        else:
            mine = await open_row(self.stores.journal, self.stores.unfinished, mine)
        return await self.staging.run(message, Claim(self.stores.journal, self.clock, mine))

    async def row(self, message: str = MESSAGE) -> Row:
        return await self.pipeline.row("invoices", filing_key("invoices", message))

    async def row_or_none(self, message: str = MESSAGE) -> Row | None:
        return await self.stores.journal.read("invoices", filing_key("invoices", message))

    async def manifest(self) -> Manifest | None:
        return await self.stores.area.manifest("invoices", KEY)

    async def content(self, manifest: Manifest, index: int) -> bytes:
        """The staged bytes of a file of the manifest."""
        file = manifest.files[index]
        name = file_name("invoices", KEY, manifest.run, file.path)
        return b"".join([piece async for piece in self.stores.area.read(name, file.size)])

    async def put_row(self, state: State = "arrived", **facts: object) -> Row:
        """The row that an earlier run has left; its message was sent."""
        now = self.clock.now()
        row = Row("invoices", KEY, state, MESSAGE, now, opened=now, handed=now)
        row = replace(row, **facts)  # type: ignore[arg-type]
        return await open_row(self.stores.journal, self.stores.unfinished, row)

    def orders(self) -> list[VaultImport]:
        """What was handed to filing."""
        found = self.queues.messages(VAULT_IMPORT)
        return [decode(message.text.encode(), VaultImport) for message in found]

    def announced(self) -> list[MailArrived]:
        """What is in the queue of arrived mail, visible or not."""
        found = self.queues.messages(MAIL_ARRIVED)
        return [decode(message.text.encode(), MailArrived) for message in found]

    def delays(self) -> list[float]:
        """Seconds until each of these is visible."""
        found = self.queues.messages(MAIL_ARRIVED)
        return [(message.visible_at - self.clock.now()).total_seconds() for message in found]


@pytest.fixture
def world(stores: Stores, clock: FakeClock) -> World:
    mailbox, queues = FakeMailbox(SOURCE.mailbox), InMemoryQueues(clock)
    mailbox.add(MESSAGE, mail((attachment(1), b"one"), (attachment(2), b"")))
    staging = Staging({"invoices": SOURCE}, mailbox, stores.area, queues, clock)
    pipeline = Pipeline.of(stores, clock, queues)
    pipeline.serve(staging)
    return World(stores, clock, queues, mailbox, staging, pipeline)


async def test_a_mail_is_staged_with_all_its_bytes_and_handed_over(world: World) -> None:
    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert (manifest.source, manifest.key, manifest.message) == ("invoices", KEY, MESSAGE)
    assert manifest.mail.subject == "Invoice"
    assert manifest.mail.from_ == Address("Ada", "ada@example.com")
    expected = {"message.eml": WHOLE, "attachments/0001": b"one", "attachments/0002": b""}
    assert {file.path: (file.size, file.sha256) for file in manifest.files} == {
        path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in expected.items()
    }
    for file in manifest.files:
        name = file_name("invoices", KEY, manifest.run, file.path)
        found = b"".join([piece async for piece in world.stores.area.read(name, file.size)])
        assert found == expected[file.path]
    row = await world.row()
    assert (row.state, row.arrived, row.staged, row.ended) == ("staged", NOON, NOON, None)
    assert row.sizes == tuple(file.size for file in manifest.files)
    assert row.digests == tuple(bytes.fromhex(file.sha256) for file in manifest.files)
    assert (row.owner, row.claim_expires, row.handed) == ("", None, NOON)
    (order,) = world.orders()
    assert (order.source, order.key) == ("invoices", KEY)
    assert world.announced() == []


async def test_a_staged_mail_is_open(world: World) -> None:
    """By the row in table `unfinished` alone it would be found again, whatever is lost."""
    await world.stage()

    (mail_,) = await world.pipeline.open_mails()
    assert (mail_.source, mail_.since, mail_.key, mail_.message) == ("invoices", NOON, KEY, MESSAGE)


async def test_the_trace_goes_on_to_filing(world: World) -> None:
    message = arrived("invoices")

    await world.pipeline.take(world.staging, message)

    (order,) = world.orders()
    assert order.traceparent.split("-")[1] == message.traceparent.split("-")[1]


async def test_the_manifest_keeps_what_the_mail_says_of_its_files(world: World) -> None:
    """Names stand in the manifest only: no blob is called by one."""
    world.mailbox.add(
        MESSAGE,
        mail(
            (attachment(1, name="../ä/b.pdf", content_type="application/pdf", is_inline=True), b"x"),
            (attachment(2, name=None, content_type=None, is_inline=None), b"y"),
        ),
    )

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    facts = [(file.kind, file.name, file.type, file.inline) for file in manifest.files]
    assert facts == [
        ("message", "", "message/rfc822", False),
        ("file", "../ä/b.pdf", "application/pdf", True),
        ("file", "", "", False),
    ]
    names = await world.stores.blob_names()
    run = f"invoices/{KEY}/{manifest.run}"
    assert names == sorted(
        [
            f"invoices/{KEY}/manifest.json",
            *(f"{run}/{path}" for path in ("message.eml", "attachments/0001", "attachments/0002")),
        ]
    )


async def test_attachments_that_graph_cannot_give_are_named_by_number(world: World) -> None:
    """They are within the message; the numbers of the others do not move."""
    none = Refused(405, "ErrorInvalidRequest", "")
    world.mailbox.add(
        MESSAGE,
        mail(
            (attachment(1, "item"), none),
            (attachment(2), b"two"),
            (attachment(3, "reference"), none),
            (attachment(4, "new"), none),
            (attachment(5), none),
            (attachment(6, "new"), b"six"),
        ),
    )

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.left_out == tuple(
        LeftOut(number, kind, f"{number}.pdf")
        for number, kind in ((1, "item"), (3, "reference"), (4, "new"), (5, "file"))
    )
    assert [file.path for file in manifest.files] == ["message.eml", "attachments/0002", "attachments/0006"]
    assert (await world.row()).state == "staged"


async def test_a_reference_becomes_a_shortcut_to_where_it_leads(world: World) -> None:
    """No request is made for its bytes: there are none. What is linked is never fetched."""
    leads = "https://contoso.example/budget.xlsx"
    link, lost = (
        attachment(1, "reference", source_url=leads),
        attachment(2, "reference", source_url="file://x"),
    )
    world.mailbox.add(
        MESSAGE, mail((link, b""), (lost, b""), web_link="https://outlook.example/?ItemID=A%3D")
    )

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert world.mailbox.calls["attachment_bytes"] == 0
    facts = [(file.attached_as, file.note, file.name, file.type) for file in manifest.files[1:]]
    type_ = "application/internet-shortcut"
    assert facts == [("reference", "", "1.pdf", type_), ("reference", "no-address", "2.pdf", type_)]
    assert await world.content(manifest, 1) == f"[InternetShortcut]\r\nURL={leads}\r\n".encode()
    assert b"URL=https://outlook.example/?ItemID=A%3D\r\n" in await world.content(manifest, 2)


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (b"From: a@b\r\n\r\nHello", "message/rfc822"),
        (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "text/vcard"),
        (b"\xef\xbb\xbfbegin:vcalendar\nEND:VCALENDAR\n", "text/calendar"),
        (b"BEGIN:VCARDS\r\n", "message/rfc822"),
        (b"", "message/rfc822"),
    ],
)
async def test_the_type_of_an_item_is_that_of_its_bytes(world: World, content: bytes, type_: str) -> None:
    """Graph's list says `null`."""
    world.mailbox.add(MESSAGE, mail((attachment(1, "item", name="Re: 2.5"), content)))

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    (file,) = manifest.files[1:]
    assert (file.attached_as, file.type, file.name, file.kind) == ("item", type_, "Re: 2.5", "file")
    assert await world.content(manifest, 1) == content


async def test_an_item_that_is_refused_otherwise_is_tried_some_times_and_then_left_within_the_message(
    world: World,
) -> None:
    """No refusal of an item but 405 is documented: another may be of the moment."""
    world.mailbox.add(MESSAGE, mail((attachment(1, "item"), Refused(400, "ErrorInvalidRequest", ""))))

    await world.stage()
    assert (await world.row()).attempt == 1
    await world.pipeline.run_for(hours=1)

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.left_out == (LeftOut(1, "item", "1.pdf"),)
    assert world.mailbox.calls["attachment_bytes"] == REFUSED_FOR_GOOD_AFTER + 1


async def test_content_that_is_still_scanned_is_waited_for_and_that_is_no_attempt(world: World) -> None:
    """Exchange says how large it is, and gives nothing: Dynamic Delivery."""
    scanned = attachment(2, size=50_000)
    world.mailbox.add(MESSAGE, mail((attachment(1), b"one"), (scanned, b"")))
    await world.stage()
    row = await world.row()
    assert (row.state, row.attempt, row.due) == ("arrived", 0, NOON + timedelta(seconds=15))
    assert await world.stores.blob_names() == [], "what has come so far must not pile up"
    assert world.mailbox.calls["mime"] == 0, "what may be large is not fetched at each look"
    await world.pipeline.run_for(minutes=4)
    assert (await world.row()).state == "arrived"
    world.mailbox.add(MESSAGE, mail((attachment(1), b"one"), (scanned, b"clean")))

    await world.pipeline.run_for(minutes=5)

    manifest = await world.manifest()
    assert manifest is not None
    assert [(file.size, file.note) for file in manifest.files[1:]] == [(3, ""), (5, "")]
    assert (await world.row()).state == "staged"


async def test_content_that_does_not_come_within_half_an_hour_is_staged_as_it_is_with_a_note(
    world: World,
) -> None:
    placeholder = attachment(1, "item", name="ATP Scan In Progress", size=50_000)
    world.mailbox.add(MESSAGE, mail((placeholder, b"Subject: wait"), (attachment(2, size=50_000), b"")))
    await world.stage()
    await world.pipeline.run_for(seconds=SCANNED_WITHIN.total_seconds() - 1)
    assert (await world.row()).state == "arrived"

    await world.pipeline.run_for(seconds=LATEST.total_seconds() + 1)

    manifest = await world.manifest()
    assert manifest is not None
    assert [(file.size, file.note) for file in manifest.files[1:]] == [(13, "placeholder"), (0, "empty")]
    assert world.mailbox.calls["message"] <= 12


async def test_a_small_file_without_bytes_is_empty_after_half_a_minute(world: World) -> None:
    """Exchange counts its properties, too: an empty file has a size above nothing."""
    world.mailbox.add(MESSAGE, mail((attachment(1, size=160), b"")))

    await world.stage()
    assert await world.manifest() is None
    await world.pipeline.run_for(seconds=SMALL_WITHIN.total_seconds())

    manifest = await world.manifest()
    assert manifest is not None
    assert [(file.size, file.note) for file in manifest.files[1:]] == [(0, "empty")]


async def test_a_mail_of_more_files_than_a_row_holds_fails_before_any_byte_is_fetched(world: World) -> None:
    world.mailbox.add(MESSAGE, mail(*[(attachment(number), b"x") for number in range(MOST_FILES)]))

    await world.stage()

    row = await world.row()
    assert (row.state, row.reason, row.remedy) == ("failed", *TOO_MANY_FILES)
    assert world.mailbox.calls["mime"] == world.mailbox.calls["attachment_bytes"] == 0


async def test_a_row_holds_as_many_files_as_a_mail_may_have(world: World) -> None:
    files = (staged_file("message.eml", b""), *[staged_file(attachment_path(1), b"x")] * (MOST_FILES - 1))
    row = await world.put_row()

    await world.stores.journal.update(staged_row(row, manifest("invoices", *files), NOON))

    assert len((await world.row()).digests) == MOST_FILES


async def test_an_attachment_without_an_id_is_no_answer(world: World) -> None:
    """None may be lost because Graph's list is damaged."""
    world.mailbox.add(MESSAGE, mail((attachment(1, id=""), b"one")))

    await world.stage()

    row = await world.row()
    assert (row.state, row.attempt) == ("arrived", 1)
    assert "without an id" in row.reason


async def test_an_id_that_the_answer_does_not_confirm_begins_anew_under_the_true_one(world: World) -> None:
    """Until Graph has answered, a mail stands under the key of the announced id: in both tables."""
    world.mailbox.add(ANNOUNCED, world.mailbox.mails[MESSAGE])
    announced = arrived("invoices", ANNOUNCED)

    await world.pipeline.take(world.staging, announced)

    assert await world.row_or_none(ANNOUNCED) is None
    assert await world.row_or_none() is None
    assert await world.pipeline.open_mails() == []
    assert await world.stores.blob_names() == []
    (again,) = world.announced()
    assert (again.source, again.message) == ("invoices", MESSAGE)
    assert (again.cause, again.noticed) == (announced.cause, announced.noticed)
    assert again.traceparent.split("-")[1] == announced.traceparent.split("-")[1]
    assert world.orders() == []


async def test_a_worker_that_dies_before_a_renamed_mail_is_struck_off_leaves_nothing_for_ever(
    world: World,
) -> None:
    """The journal's row is gone, that of `unfinished` is not: the watch must not fetch it every minute."""
    world.mailbox.add(ANNOUNCED, world.mailbox.mails[MESSAGE])
    key = filing_key("invoices", ANNOUNCED)
    await world.stores.unfinished.add(OpenMail("invoices", NOON, key, ANNOUNCED))
    watch = Watch(
        world.stores.journal,
        world.stores.unfinished,
        world.queues,
        world.pipeline.receiver.hand_over,
        world.stores.area,
        world.clock,
        timedelta(days=15),
        nothing,
    )

    for _ in range(20):
        await world.pipeline.run_for(minutes=1)
        await watch.run()

    assert [one.key for one in await world.pipeline.open_mails()] == [KEY]
    assert world.mailbox.calls["message"] <= 3


async def test_ids_that_change_at_each_answer_do_not_spin(world: World) -> None:
    world.mailbox.add(ANNOUNCED, world.mailbox.mails[MESSAGE])

    await world.stage(ANNOUNCED)

    assert world.delays() == [RENAMED_AFTER]
    assert RENAMED_AFTER > 0


async def test_of_both_ids_of_a_mail_one_order_comes(world: World) -> None:
    world.mailbox.add(ANNOUNCED, world.mailbox.mails[MESSAGE])
    await world.stage(ANNOUNCED)
    await world.stage()

    await world.pipeline.run_for(minutes=1)

    assert [order.key for order in world.orders()] == [KEY]
    assert [one.key for one in await world.pipeline.open_mails()] == [KEY]
    assert world.announced() == []


async def test_an_answer_without_an_id_is_tried_again(world: World) -> None:
    world.mailbox.add(MESSAGE, mail(id=""))

    await world.stage()

    row = await world.row()
    assert (row.state, row.attempt) == ("arrived", 1)
    assert "has no id" in row.reason
    assert [one.message for one in world.announced()] == [MESSAGE]


async def test_a_message_of_a_mail_that_another_worker_stages_waits_and_finds_the_work_done(
    world: World,
) -> None:
    """It is not dropped: that worker may die."""
    came_again = asyncio.Event()

    async def twin(call: str) -> None:
        if call == "mime":
            await world.stage()
            came_again.set()

    world.mailbox.before = twin

    await world.stage()

    assert came_again.is_set()
    assert world.mailbox.calls["mime"] == 1
    assert world.delays() == [90]
    world.mailbox.before = None
    await world.pipeline.run_for(seconds=90)
    assert world.announced() == []
    assert len(world.orders()) == 1


async def test_a_worker_that_was_taken_over_writes_nothing_and_takes_its_run_away(world: World) -> None:
    """It wakes up late: its claim has run out, and another worker has staged the mail meanwhile."""

    async def overtaken(call: str) -> None:
        if call == "mime":
            world.mailbox.before = None
            world.clock.advance(seconds=90)
            await world.stage()

    world.mailbox.before = overtaken

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    runs = {name.split("/")[2] for name in await world.stores.blob_names()}
    assert runs == {manifest.run, "manifest.json"}
    assert (await world.row()).state == "staged"
    assert len(world.orders()) == 1


async def test_twins_that_both_are_the_first_make_one_row_and_fetch_once(world: World) -> None:
    await asyncio.gather(*(world.stage() for _ in range(4)))

    await world.pipeline.run_for(minutes=2)

    assert world.mailbox.calls["mime"] == 1
    runs = {name.split("/")[2] for name in await world.stores.blob_names()}
    assert len(runs) == 2
    assert len(world.orders()) == 1
    assert len(await world.pipeline.open_mails()) == 1
    assert world.announced() == []


async def test_a_manifest_whose_answer_was_lost_is_not_taken_for_anothers(world: World) -> None:
    """The SDK sends it again, and hears that one is there: ours, whose files must stay."""

    class LostAnswer(StagingArea):
        async def put_manifest(self, manifest: Manifest) -> bool:
            await super().put_manifest(manifest)
            return False

    staging = replace(world.staging, area=LostAnswer(world.stores.blobs))

    await world.pipeline.take(staging, arrived("invoices"))

    assert (await world.row()).state == "staged"
    manifest = await world.manifest()
    assert manifest is not None
    names = await world.stores.blob_names()
    for file in manifest.files:
        assert file_name("invoices", KEY, manifest.run, file.path) in names


async def test_a_mail_that_is_not_readable_yet_waits_and_that_is_no_attempt(world: World) -> None:
    """A notification can be earlier than the mail: a 404 soon after arrival is no failure."""
    world.mailbox.mails.clear()

    await world.stage()

    row = await world.row()
    assert (row.state, row.missing_since, row.attempt) == ("arrived", NOON, 0)
    assert row.due == NOON + timedelta(seconds=LOOK_AGAIN_AFTER)
    assert world.delays() == [LOOK_AGAIN_AFTER]
    world.mailbox.add(MESSAGE, mail())

    await world.pipeline.run_for(seconds=LOOK_AGAIN_AFTER)

    row = await world.row()
    assert (row.state, row.missing_since, row.due) == ("staged", None, None)


async def test_a_mail_that_stays_unreadable_fails_ten_minutes_after_the_first_404(world: World) -> None:
    """Not after its arrival: it may have waited for Graph long before anybody could ask."""
    arrival = NOON - timedelta(days=2)
    await world.put_row(arrived=arrival, opened=arrival)
    world.mailbox.mails.clear()
    await world.stage()

    await world.pipeline.run_for(seconds=UNREADABLE_FOR.total_seconds() - 1)
    assert (await world.row()).state == "arrived"
    await world.pipeline.run_for(seconds=LOOK_AGAIN_AFTER)

    row = await world.row()
    assert (row.state, row.missing_since, row.handed) == ("failed", None, row.ended)
    assert row.ended is not None
    assert row.ended >= NOON + UNREADABLE_FOR
    assert row.reason == "The mail was gone before it could be read."
    assert "replay" in row.remedy
    assert world.pipeline.waiting() == {"mail-filed": 1}


@pytest.mark.parametrize("code", ["ErrorInvalidUser", "ResourceNotFound", ""])
async def test_soon_after_arrival_any_404_may_be_of_a_mail_that_is_not_readable_yet(
    world: World, code: str
) -> None:
    world.mailbox.faults["message"] = NotFound(code)

    with pytest.raises(NotYet, match=r"invoices@example\.com") as caught:
        await world.run()

    assert caught.value.after == LOOK_AGAIN_AFTER
    assert (await world.row()).missing_since == NOON


async def test_a_message_that_comes_before_its_mail_is_due_waits_until_then(world: World) -> None:
    """Copies of a message must not multiply the work."""
    await world.put_row(due=NOON + timedelta(seconds=90))
    world.clock.advance(seconds=30)

    await world.stage()

    assert world.delays() == [60]
    assert not world.mailbox.calls
    await world.pipeline.run_for(seconds=60)
    row = await world.row()
    assert (row.state, row.due) == ("staged", None)


async def test_a_mail_that_goes_while_it_is_fetched_leaves_no_manifest(world: World) -> None:
    world.mailbox.faults["attachment_bytes"] = NotFound("ErrorItemNotFound")

    await world.stage()

    row = await world.row()
    assert (row.state, row.missing_since, row.attempt) == ("arrived", None, 1)
    assert await world.manifest() is None


async def test_a_mail_that_could_be_read_is_not_called_missing_for_an_earlier_404(world: World) -> None:
    world.mailbox.faults["message"] = NotFound("ErrorItemNotFound")
    await world.stage()
    assert (await world.row()).missing_since == NOON
    del world.mailbox.faults["message"]
    world.mailbox.faults["mime"] = Unavailable("Graph answered 503", origin="graph")
    await world.pipeline.run_for(minutes=30)
    assert (await world.row()).missing_since is None

    del world.mailbox.faults["mime"]
    world.mailbox.faults["message"] = NotFound("ErrorItemNotFound")
    await world.pipeline.run_for(minutes=5)

    assert (await world.row()).state == "arrived"


REFUSALS = [
    Refused(400, "ErrorInvalidRequest", ""),
    Refused(400, "ErrorInvalidIdMalformed", ""),
    NotFound("ErrorInvalidUser"),
    NotFound("ErrorItemNotFound"),
]
FORBIDDEN = ConfigurationFault(
    "mailbox invoices@example.com: Graph answered 403.", "Grant the app Mail.Read."
)


@pytest.mark.parametrize(
    ("call", "fault"),
    [(call, fault) for call in ("attachments", "mime", "attachment_bytes") for fault in REFUSALS]
    + [("attachments", FORBIDDEN)],
    ids=str,
)
async def test_what_is_refused_of_a_mail_that_could_be_read_is_no_fault_of_its_mailbox(
    world: World, call: str, fault: Exception
) -> None:
    """Nobody's mail waits for it: that one mail is tried again, and given up in the end."""
    world.mailbox.add(MESSAGE, many())
    world.mailbox.faults[call] = fault

    await world.stage()

    row = await world.row()
    assert (row.state, row.attempt, row.missing_since) == ("arrived", 1, None)
    assert "content of a mail" in row.reason
    breakers = await world.pipeline.receiver.gate.breakers.all(fresh=True)
    assert not any(one.is_shut for one in breakers.values())


@pytest.mark.parametrize("code", ["ErrorInvalidUser", "ResourceNotFound", "MailboxNotEnabledForRESTAPI"])
async def test_an_unknown_mailbox_holds_its_source_and_fails_no_mail(world: World, code: str) -> None:
    """However long it lasts: reason and remedy name mailbox and what to look at."""
    world.mailbox.faults["message"] = NotFound(code)
    await world.stage()
    world.clock.advance(seconds=UNREADABLE_FOR.total_seconds())

    for _ in range(3):
        await world.pipeline.run_for(minutes=1)
        world.clock.advance(days=2)

    row = await world.row()
    assert (row.state, row.attempt, row.first_tried) == ("arrived", 0, None)
    assert "invoices@example.com" in row.reason
    assert code in row.reason
    assert "address" in row.remedy
    breakers = await world.pipeline.receiver.gate.breakers.all(fresh=True)
    assert breakers[BreakerKey("source", "invoices", "staging")].state == "held"
    world.mailbox.faults.clear()
    await world.pipeline.run_for(minutes=5)
    assert (await world.row()).state == "staged"


async def test_a_message_that_graph_refuses_is_tried_again_and_holds_nobody(world: World) -> None:
    """One mail of a mailbox that works, whatever Graph has against it."""
    world.mailbox.faults["message"] = Refused(400, "ErrorInvalidRequest", "text of Graph")

    await world.stage()

    row = await world.row()
    assert (row.state, row.attempt) == ("arrived", 1)
    assert "invoices@example.com" in row.reason
    assert "text of Graph" not in row.reason
    breakers = await world.pipeline.receiver.gate.breakers.all(fresh=True)
    assert not any(one.is_shut for one in breakers.values())


async def test_a_mail_that_is_staged_goes_on_though_journal_and_mailbox_have_lost_it(world: World) -> None:
    """Of a mail that nobody has tried nothing is looked for, unless its mailbox does not have it."""
    await world.stage()
    row, staged = await world.row(), await world.manifest()
    await world.stores.journal.delete(row)
    world.mailbox.faults["message"] = NotFound("ErrorItemNotFound")

    await world.stage()

    again = await world.row()
    assert (again.state, again.sizes, again.missing_since) == ("staged", row.sizes, None)
    assert await world.manifest() == staged


async def test_a_mail_whose_journal_is_lost_keeps_what_was_staged_first(world: World) -> None:
    await world.stage()
    row, staged = await world.row(), await world.manifest()
    names = await world.stores.blob_names()
    await world.stores.journal.delete(row)

    await world.stage()

    assert (await world.row()).state == "staged"
    assert (await world.manifest(), await world.stores.blob_names()) == (staged, names)


@pytest.mark.parametrize("code", ["ErrorInvalidIdMalformed", "errorinvalididmalformed"])
async def test_an_id_that_graph_calls_malformed_fails_at_once(world: World, code: str) -> None:
    world.mailbox.faults["message"] = Refused(400, code, "Id is malformed.")

    await world.stage()

    row = await world.row()
    assert row.state == "failed"
    assert row.reason
    assert row.remedy
    assert world.pipeline.waiting() == {"mail-filed": 1}


@pytest.mark.parametrize("call", ["message", "attachments", "mime", "attachment_bytes"])
async def test_an_outage_at_any_call_is_an_attempt_and_leaves_no_manifest(world: World, call: str) -> None:
    world.mailbox.add(MESSAGE, many())
    world.mailbox.faults[call] = Unavailable("Graph answered 503")

    await world.stage()

    row = await world.row()
    assert (row.state, row.attempt, row.first_tried) == ("arrived", 1, NOON)
    assert row.reason == "Graph answered 503"
    assert await world.manifest() is None
    world.mailbox.faults.clear()
    await world.pipeline.run_for(minutes=1)
    row = await world.row()
    assert (row.state, row.attempt, row.reason) == ("staged", 0, "")


async def test_a_stream_that_breaks_in_the_middle_leaves_no_manifest(world: World) -> None:
    """MIME is made anew at each call: the next attempt fetches it from its start."""
    world.mailbox.breaks_after, world.mailbox.faults["stream"] = 10, Unavailable("cut short")
    await world.stage()
    assert (await world.row()).reason == "cut short"
    assert await world.manifest() is None
    assert world.orders() == []
    world.mailbox.breaks_after = None

    await world.pipeline.run_for(minutes=1)

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.files[0].size == len(WHOLE)


@pytest.mark.parametrize("state", ["filed", "skipped", "failed"])
async def test_a_mail_that_has_ended_is_left_alone(world: World, state: State) -> None:
    before = await world.put_row(state)

    await world.stage()

    assert await world.row() == before
    assert not world.mailbox.calls
    assert world.pipeline.waiting() == {}


async def test_a_draft_is_skipped_before_any_byte_is_fetched(world: World) -> None:
    world.mailbox.add(MESSAGE, mail((attachment(1), b"one"), is_draft=True))

    await world.stage()

    row = await world.row()
    assert (row.state, row.rule, row.reason, row.ended) == ("skipped", "draft", "It is a draft.", NOON)
    assert world.mailbox.calls == {"message": 1}
    assert await world.stores.blob_names() == []
    assert world.orders() == []


async def test_a_draft_that_came_before_mail_is_to_be_filed_is_a_draft_all_the_same(world: World) -> None:
    """Sent, it is another mail: what was passed over would not always begin anew."""
    world.mailbox.add(MESSAGE, mail(is_draft=True))
    sources = {"invoices": source("invoices", since=date(2027, 1, 1))}

    await world.pipeline.take(replace(world.staging, sources=sources), arrived("invoices"))

    assert (await world.row()).rule == "draft"


@pytest.mark.parametrize("cause", ["notification", "backfill", "sweep", "replay"])
async def test_a_draft_that_has_been_sent_begins_anew_when_it_is_announced(
    world: World, cause: Cause
) -> None:
    """A sweep sees for itself that it is none any more, and reopens its row."""
    world.mailbox.add(MESSAGE, mail(is_draft=True))
    await world.stage()
    world.mailbox.add(MESSAGE, mail())

    await world.pipeline.take(world.staging, msgspec.structs.replace(arrived("invoices"), cause=cause))

    expected = "staged" if cause in ("notification", "backfill") else "skipped"
    assert (await world.row()).state == expected


async def test_a_draft_that_is_announced_again_and_again_stays_skipped(world: World) -> None:
    world.mailbox.add(MESSAGE, mail(is_draft=True))

    for _ in range(3):
        await world.stage()

    assert (await world.row()).rule == "draft"
    assert (world.announced(), world.orders()) == ([], [])


SIGNED = b'Content-Type: multipart/signed;\r\n protocol="application/pkcs7-signature"\r\n\r\n'


@pytest.mark.parametrize(
    ("headers", "mime", "signed"),
    [
        ([], SIGNED, True),
        ([InternetMessageHeader("Content-Type", "multipart/signed")], WHOLE, True),
        ([InternetMessageHeader("Content-Type", "multipart/mixed")], WHOLE, False),
    ],
)
async def test_what_graph_makes_of_a_signed_mail_is_marked(
    world: World, headers: list[InternetMessageHeader], mime: bytes, signed: bool
) -> None:
    """The message is the truth; that its attachments are filed all the same changes nothing of it."""
    made = mail((attachment(1), b"one"), (attachment(2), b"two"), internet_message_headers=headers)
    world.mailbox.add(MESSAGE, replace(made, mime=mime))

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.mail.signed is signed
    assert [file.derived for file in manifest.files] == [False, signed, signed]
    assert await world.content(manifest, 1) == b"one"


async def test_of_a_long_message_no_more_than_its_head_is_looked_at(world: World) -> None:
    filler = b"X-Filler: " + b"x" * HEAD_SIZE + b"\r\n"
    made = replace(mail(), mime=b"Auto-Submitted: auto-replied\r\n" + filler + SIGNED)
    world.mailbox.add(MESSAGE, made)

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert (manifest.mail.kind, manifest.mail.signed) == ("auto-reply", False)
    assert await world.content(manifest, 0) == made.mime


async def test_mail_of_a_configured_mailbox_is_known_as_its_own(world: World) -> None:
    author = Recipient(EmailAddress("Orders", "Orders@Example.com"))
    world.mailbox.add(MESSAGE, mail(from_=author))
    sources = {**world.staging.sources, "orders": source("orders")}

    await world.pipeline.take(replace(world.staging, sources=sources), arrived("invoices"))

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.mail.kind == "own-mail"


async def test_the_manifest_has_the_name_of_the_folder_and_what_opens_the_mail(world: World) -> None:
    world.mailbox.folders["F1"] = "Größe"
    world.mailbox.add(MESSAGE, mail(parent_folder_id="F1", web_link="https://outlook.example/A"))

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert (manifest.mail.folder, manifest.mail.link) == ("Größe", "https://outlook.example/A")


@pytest.mark.parametrize(
    "fault",
    [
        NotFound("ErrorItemNotFound"),
        Refused(400, "ErrorInvalidIdMalformed", ""),
        Unavailable("down"),
        ConfigurationFault("refused", "grant it"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_folder_that_cannot_be_named_keeps_no_mail_waiting(
    world: World, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    world.mailbox.faults["folder_name"] = fault
    world.mailbox.add(MESSAGE, mail(parent_folder_id="F1"))

    await world.stage()

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.mail.folder == ""
    assert [record.getMessage().split()[0] for record in caplog.records] == ["folder-unnamed"]


@pytest.mark.parametrize("cause", ["notification", "backfill", "sweep", "replay"])
async def test_a_mail_that_the_first_sweep_has_passed_over_begins_anew_when_it_is_announced(
    world: World, cause: Cause
) -> None:
    """It has been moved in. A sweep that meets it again is no such sign."""
    await world.put_row("skipped", rule=PASSED_OVER, ended=NOON, settled=NOON)
    message = msgspec.structs.replace(arrived("invoices"), cause=cause)

    await world.pipeline.take(world.staging, message)

    expected = "staged" if cause in ("notification", "backfill") else "skipped"
    assert (await world.row()).state == expected


async def test_a_mail_that_is_staged_and_handed_over_is_left_alone(world: World) -> None:
    before = await world.put_row("staged")

    await world.stage()

    assert await world.row() == before
    assert not world.mailbox.calls
    assert world.pipeline.waiting() == {}


async def test_a_mail_that_is_staged_but_not_handed_over_is_only_handed_over(world: World) -> None:
    """Who finds a state that was not handed over repeats that, and nothing else."""
    before = await world.put_row("staged", handed=None)

    await world.stage()

    row = await world.row()
    assert replace(row, etag="") == replace(before, handed=NOON, etag="")
    assert not world.mailbox.calls
    assert [order.key for order in world.orders()] == [KEY]


async def test_after_a_crash_behind_the_manifest_nothing_is_fetched_again(world: World) -> None:
    """The manifest is the commit mark; the mail may be gone from its mailbox by now."""

    class Crash(BaseException):
        """The worker dies: nothing of it runs any more."""

    class Crashing(JournalTable):
        async def update(self, row: Row) -> Row:
            raise Crash

    message = arrived("invoices")
    row = claimed(await world.staging.unknown(message), "run-1", NOON)
    row = await open_row(world.stores.journal, world.stores.unfinished, replace(row, handed=NOON))
    with pytest.raises(Crash):
        await world.staging.run(message, Claim(Crashing(world.stores.tables), world.clock, row))
    manifest = await world.manifest()
    assert manifest is not None
    world.mailbox.mails.clear()
    world.mailbox.calls.clear()
    await world.stage()
    assert world.orders() == [], "the claim of the dead has not run out"

    await world.pipeline.run_for(seconds=90)

    assert not world.mailbox.calls
    assert await world.manifest() == manifest
    row = await world.row()
    assert (row.state, row.deaths) == ("staged", 0)
    assert row.sizes == tuple(file.size for file in manifest.files)
    assert len(world.orders()) == 1


async def test_a_crash_before_the_hand_over_is_mended_by_the_next_message(world: World) -> None:
    class Crash(BaseException):
        """The worker dies: nothing of it runs any more."""

    class Crashing(InMemoryQueues):
        async def send(self, *_: object, **__: object) -> None:
            raise Crash

    crashing = Pipeline.of(world.stores, world.clock, Crashing(world.clock))
    with pytest.raises(Crash):
        await crashing.take(world.staging, arrived("invoices"))
    assert (await world.row()).handed is None

    await world.stage()

    assert len(world.orders()) == 1
    assert (await world.row()).handed == NOON


async def test_mail_of_a_source_that_is_not_configured_waits(world: World) -> None:
    await world.pipeline.take(world.staging, arrived("vanished"))

    row = await world.pipeline.row("vanished", filing_key("vanished", MESSAGE))
    assert row.state == "arrived"
    assert '"vanished"' in row.reason
    assert "mail-sources.toml" in row.remedy
    assert len(world.announced()) == 1


async def test_storage_that_does_not_answer_fetches_nothing_and_loses_no_message(
    world: World, down: Stores
) -> None:
    without_journal = Pipeline.of(replace(world.stores, journal=down.journal), world.clock, world.queues)

    await without_journal.take(world.staging, arrived("invoices"))

    assert not world.mailbox.calls
    assert [one.message for one in world.announced()] == [MESSAGE]


async def test_nothing_out_of_the_mail_is_in_log_or_row(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vaultpost")
    world.mailbox.add(MESSAGE, mail((attachment(1, name="private.pdf"), b"bytes"), subject="very private"))

    await world.stage()

    assert [getattr(one, "event", "") for one in caplog.records if one.name.startswith("vaultpost")] == [
        "staging-ended"
    ]
    for private in ("very private", "ada@example.com", "private.pdf", MESSAGE):
        assert private not in caplog.text
    assert "private" not in repr(replace(await world.row(), message=""))
