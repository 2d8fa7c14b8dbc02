"""From the mailbox to the staging area: each step can run again, at any time, beside a twin of itself."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.errors import ConfigurationFault, NotYet, Stale, Transient, Unavailable
from shared.graph.answers import Attachment, EmailAddress, Message, Recipient
from shared.graph.faults import NotFound, Refused
from shared.identities import filing_key
from shared.journal import Journal, Row, State
from shared.mail import Address
from shared.manifest import LeftOut, Manifest
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT
from shared.staging import RENAMED_AFTER, UNREADABLE_FOR, Staged, Staging
from shared.staging_area import StagingArea, file_name

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import MESSAGE, arrived, source
from .mailbox import FakeMailbox, Mail

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


def mail(*attachments: tuple[Attachment, bytes], **changed: object) -> Mail:
    message = Message(id=MESSAGE, subject="Invoice", from_=Recipient(EmailAddress("Ada", "ada@example.com")))
    for name, value in changed.items():
        setattr(message, name, value)
    return Mail(message, attachments=list(attachments))


@dataclass
class World:
    """Staging with a mailbox that has one mail, on a storage account of its own."""

    stores: Stores
    clock: FakeClock
    mailbox: FakeMailbox
    staging: Staging

    async def row(self, message: str = MESSAGE) -> Row | None:
        return await self.stores.journal.read("invoices", filing_key("invoices", message))

    async def manifest(self) -> Manifest | None:
        return await self.stores.area.manifest("invoices", KEY)

    async def put_row(self, state: State = "arrived") -> Row:
        """The row that an earlier run has left."""
        return await self.stores.journal.insert(Row("invoices", KEY, state, MESSAGE, self.clock.now()))


@pytest.fixture
def world(stores: Stores, clock: FakeClock) -> World:
    mailbox = FakeMailbox(SOURCE.mailbox)
    mailbox.add(MESSAGE, mail((attachment(1), b"one"), (attachment(2), b"")))
    staging = Staging({"invoices": SOURCE}, mailbox, stores.journal, stores.area, stores.queues, clock)
    return World(stores, clock, mailbox, staging)


async def test_a_mail_is_staged_with_all_its_bytes_and_handed_over(world: World) -> None:
    assert await world.staging.stage(arrived("invoices")) is Staged.STAGED

    manifest = await world.manifest()
    assert manifest is not None
    assert (manifest.source, manifest.key, manifest.message) == ("invoices", KEY, MESSAGE)
    assert manifest.mail.subject == "Invoice"
    assert manifest.mail.from_ == Address("Ada", "ada@example.com")
    expected = {
        "message.eml": b"Subject: Hello\r\n\r\nHello",
        "attachments/0001": b"one",
        "attachments/0002": b"",
    }
    assert {file.path: (file.size, file.sha256) for file in manifest.files} == {
        path: (len(content), hashlib.sha256(content).hexdigest()) for path, content in expected.items()
    }
    for file in manifest.files:
        name = file_name("invoices", KEY, manifest.run, file.path)
        found = b"".join([piece async for piece in world.stores.area.read(name, file.size)])
        assert found == expected[file.path]
    row = await world.row()
    assert row is not None
    assert (row.state, row.arrived, row.staged, row.ended) == ("staged", NOON, NOON, None)
    assert row.sizes == tuple(file.size for file in manifest.files)
    assert row.digests == tuple(bytes.fromhex(file.sha256) for file in manifest.files)
    (order,) = await world.stores.visible(VAULT_IMPORT)
    assert (order["source"], order["key"]) == ("invoices", KEY)
    assert await world.stores.number(MAIL_ARRIVED) == 0


async def test_the_trace_goes_on_to_filing(world: World) -> None:
    message = arrived("invoices")

    await world.staging.stage(message)

    (order,) = await world.stores.visible(VAULT_IMPORT)
    assert order["traceparent"].split("-")[1] == message.traceparent.split("-")[1]


async def test_the_manifest_keeps_what_the_mail_says_of_its_files(world: World) -> None:
    """Names stand in the manifest only: no blob is called by one."""
    world.mailbox.add(
        MESSAGE,
        mail(
            (attachment(1, name="../ä/b.pdf", content_type="application/pdf", is_inline=True), b"x"),
            (attachment(2, name=None, content_type=None, is_inline=None), b"y"),
        ),
    )

    await world.staging.stage(arrived("invoices"))

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


async def test_attachments_that_are_no_files_are_named_by_number(world: World) -> None:
    """Their bytes are within the message; the numbers of the others do not move."""
    world.mailbox.add(
        MESSAGE,
        mail(
            (attachment(1, "item"), b"not asked for"),
            (attachment(2), b"two"),
            (attachment(3, "reference"), b""),
            (attachment(4, "new"), b""),
            (attachment(5), b"five"),
        ),
    )

    await world.staging.stage(arrived("invoices"))

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.left_out == (LeftOut(1, "item"), LeftOut(3, "reference"), LeftOut(4, "new"))
    assert [file.path for file in manifest.files] == ["message.eml", "attachments/0002", "attachments/0005"]
    assert world.mailbox.calls["attachment_bytes"] == 2


async def test_an_id_that_the_answer_does_not_confirm_begins_anew_under_the_true_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until Graph has answered, a mail stands under the key of the announced id."""
    monkeypatch.setattr("shared.staging.RENAMED_AFTER", 0)
    world.mailbox.add("AAMkAnnounced=", world.mailbox.mails[MESSAGE])
    announced = arrived("invoices", "AAMkAnnounced=")

    assert await world.staging.stage(announced) is Staged.RENAMED

    assert await world.row("AAMkAnnounced=") is None
    assert await world.row() is None
    assert await world.stores.blob_names() == []
    (again,) = await world.stores.visible(MAIL_ARRIVED)
    assert (again["source"], again["message"]) == ("invoices", MESSAGE)
    assert (again["cause"], again["noticed"]) == (announced.cause, announced.noticed)
    assert again["traceparent"].split("-")[1] == announced.traceparent.split("-")[1]
    assert await world.stores.number(VAULT_IMPORT) == 0


async def test_ids_that_change_at_each_answer_do_not_spin(world: World) -> None:
    world.mailbox.add("AAMkAnnounced=", world.mailbox.mails[MESSAGE])

    await world.staging.stage(arrived("invoices", "AAMkAnnounced="))

    assert world.stores.queues.delays == [RENAMED_AFTER]
    assert RENAMED_AFTER > 0


async def test_of_both_ids_of_a_mail_one_document_comes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.staging.RENAMED_AFTER", 0)
    world.mailbox.add("AAMkAnnounced=", world.mailbox.mails[MESSAGE])
    for message in (arrived("invoices", "AAMkAnnounced="), arrived("invoices")):
        await world.staging.stage(message)
    (again,) = await world.stores.visible(MAIL_ARRIVED)

    assert await world.staging.stage(arrived("invoices", again["message"])) is Staged.ALREADY

    keys = {order["key"] for order in await world.stores.visible(VAULT_IMPORT)}
    assert keys == {KEY}


async def test_an_answer_without_an_id_is_tried_again(world: World) -> None:
    world.mailbox.add(MESSAGE, mail(id=""))

    with pytest.raises(Transient):
        await world.staging.stage(arrived("invoices"))

    assert await world.stores.number(MAIL_ARRIVED) == 0


async def test_twins_at_once_make_one_manifest_and_the_loser_takes_its_run_away(world: World) -> None:
    """Both are at work on the same row when the first one comes to its end."""
    await world.put_row()
    both_fetch = asyncio.Barrier(2)

    async def meet(call: str) -> None:
        if call == "mime":
            await both_fetch.wait()

    world.mailbox.before = meet

    outcomes = await asyncio.gather(
        *(world.staging.stage(arrived("invoices")) for _ in range(2)), return_exceptions=True
    )

    assert [type(one) for one in outcomes if one is not Staged.STAGED] == [Stale]
    manifest = await world.manifest()
    assert manifest is not None
    runs = {name.split("/")[2] for name in await world.stores.blob_names()}
    assert runs == {manifest.run, "manifest.json"}
    row = await world.row()
    assert row is not None
    assert row.state == "staged"
    assert await world.stores.number(VAULT_IMPORT) == 1
    # The twin's message comes again, and finds the work done.
    world.mailbox.before = None
    assert await world.staging.stage(arrived("invoices")) is Staged.ALREADY


async def test_twins_that_both_are_the_first_make_one_row(world: World) -> None:
    outcomes = await asyncio.gather(
        *(world.staging.stage(arrived("invoices")) for _ in range(4)), return_exceptions=True
    )

    assert Staged.STAGED in outcomes
    assert all(isinstance(one, Stale) or one in (Staged.STAGED, Staged.ALREADY) for one in outcomes)
    runs = {name.split("/")[2] for name in await world.stores.blob_names()}
    assert len(runs) == 2


async def test_a_manifest_whose_answer_was_lost_is_not_taken_for_anothers(world: World) -> None:
    """The SDK sends it again, and hears that one is there: ours, whose files must stay."""

    class LostAnswer(StagingArea):
        async def put_manifest(self, manifest: Manifest) -> bool:
            await super().put_manifest(manifest)
            return False

    staging = replace(world.staging, area=LostAnswer(world.stores.blobs))

    assert await staging.stage(arrived("invoices")) is Staged.STAGED

    manifest = await world.manifest()
    assert manifest is not None
    names = await world.stores.blob_names()
    for file in manifest.files:
        assert file_name("invoices", KEY, manifest.run, file.path) in names


async def test_a_mail_that_is_not_readable_yet_waits(world: World) -> None:
    """A notification can be earlier than the mail: a 404 soon after arrival is no failure."""
    world.mailbox.mails.clear()
    for _ in range(2):
        with pytest.raises(NotYet):
            await world.staging.stage(arrived("invoices"))
        world.clock.advance(seconds=(UNREADABLE_FOR - timedelta(seconds=1)).total_seconds())
    row = await world.row()
    assert row is not None
    assert (row.state, row.arrived) == ("arrived", NOON)
    world.clock.advance(hours=-1)
    world.mailbox.add(MESSAGE, mail())

    assert await world.staging.stage(arrived("invoices")) is Staged.STAGED


@pytest.mark.parametrize("code", ["ErrorInvalidUser", "ResourceNotFound", ""])
async def test_soon_after_arrival_any_404_may_be_of_a_mail_that_is_not_readable_yet(
    world: World, code: str
) -> None:
    world.mailbox.faults["message"] = NotFound(code)

    with pytest.raises(NotYet, match=r"invoices@example\.com") as caught:
        await world.staging.stage(arrived("invoices"))

    assert caught.value.after
    assert caught.value.after <= 60


async def test_a_message_that_comes_before_its_mail_is_due_waits_until_then(world: World) -> None:
    """Copies of a message must not multiply the work."""
    before = await world.put_row()
    await world.stores.journal.update(replace(before, due=NOON + timedelta(seconds=90)))
    world.clock.advance(seconds=30)

    with pytest.raises(NotYet) as caught:
        await world.staging.stage(arrived("invoices"))

    assert caught.value.after == 60
    assert not world.mailbox.calls
    world.clock.advance(seconds=60)
    assert await world.staging.stage(arrived("invoices")) is Staged.STAGED
    row = await world.row()
    assert row is not None
    assert row.due is None


async def test_a_mail_that_stays_unreadable_fails_with_reason_and_remedy(world: World) -> None:
    await world.put_row()
    world.mailbox.mails.clear()
    world.clock.advance(seconds=UNREADABLE_FOR.total_seconds())

    assert await world.staging.stage(arrived("invoices")) is Staged.FAILED

    row = await world.row()
    assert row is not None
    assert (row.state, row.ended) == ("failed", world.clock.now())
    assert row.reason == "The mail was gone before it could be read."
    assert "replay" in row.remedy
    assert await world.stores.number(VAULT_IMPORT) == 0


async def test_a_mail_that_goes_while_it_is_fetched_leaves_no_manifest(world: World) -> None:
    world.mailbox.faults["attachment_bytes"] = NotFound("ErrorItemNotFound")

    with pytest.raises(NotYet):
        await world.staging.stage(arrived("invoices"))

    assert await world.manifest() is None


@pytest.mark.parametrize("code", ["ErrorInvalidUser", "ResourceNotFound", "MailboxNotEnabledForRESTAPI"])
async def test_an_unknown_mailbox_is_a_fault_of_the_configuration(world: World, code: str) -> None:
    """It names mailbox and file, and fails no mail, however long it lasts."""
    await world.put_row()
    world.clock.advance(days=10)
    world.mailbox.faults["message"] = NotFound(code)

    with pytest.raises(ConfigurationFault, match=f"invoices@example.com.*{code}") as caught:
        await world.staging.stage(arrived("invoices"))

    assert "address" in caught.value.remedy
    row = await world.row()
    assert row is not None
    assert row.state == "arrived"


async def test_a_request_that_graph_refuses_is_a_fault_of_the_configuration(world: World) -> None:
    world.mailbox.faults["message"] = Refused(400, "ErrorInvalidRequest", "text of Graph")

    with pytest.raises(ConfigurationFault, match=r"invoices@example\.com") as caught:
        await world.staging.stage(arrived("invoices"))

    assert "mail-sources.toml" in caught.value.remedy
    assert "text of Graph" not in str(caught.value)


@pytest.mark.parametrize("code", ["ErrorInvalidIdMalformed", "errorinvalididmalformed"])
async def test_an_id_that_graph_calls_malformed_fails_at_once(world: World, code: str) -> None:
    world.mailbox.faults["message"] = Refused(400, code, "Id is malformed.")

    assert await world.staging.stage(arrived("invoices")) is Staged.FAILED

    row = await world.row()
    assert row is not None
    assert row.state == "failed"
    assert row.reason
    assert row.remedy


@pytest.mark.parametrize("call", ["message", "attachments", "mime", "attachment_bytes"])
async def test_an_outage_at_any_call_leaves_the_mail_as_it_was(world: World, call: str) -> None:
    world.mailbox.faults[call] = Unavailable("Graph answered 503")
    with pytest.raises(Unavailable):
        await world.staging.stage(arrived("invoices"))
    row = await world.row()
    assert row is not None
    assert row.state == "arrived"
    assert await world.manifest() is None
    world.mailbox.faults.clear()

    assert await world.staging.stage(arrived("invoices")) is Staged.STAGED


async def test_a_stream_that_breaks_in_the_middle_leaves_no_manifest(world: World) -> None:
    """MIME is made anew at each call: the next attempt fetches it from its start."""
    world.mailbox.breaks_after, world.mailbox.faults["stream"] = 10, Unavailable("cut short")
    with pytest.raises(Unavailable, match="cut short"):
        await world.staging.stage(arrived("invoices"))
    assert await world.manifest() is None
    assert await world.stores.number(VAULT_IMPORT) == 0
    world.mailbox.breaks_after = None

    assert await world.staging.stage(arrived("invoices")) is Staged.STAGED

    manifest = await world.manifest()
    assert manifest is not None
    assert manifest.files[0].size == len(b"Subject: Hello\r\n\r\nHello")


@pytest.mark.parametrize("state", ["filed", "skipped", "failed"])
async def test_a_mail_that_has_ended_is_left_alone(world: World, state: State) -> None:
    before = await world.put_row(state)

    assert await world.staging.stage(arrived("invoices")) is Staged.ALREADY

    assert await world.row() == before
    assert not world.mailbox.calls
    assert await world.stores.number(VAULT_IMPORT) == 0


async def test_a_mail_that_is_staged_is_only_handed_over_again(world: World) -> None:
    """The first hand-over may have been lost: who finds the state repeats it."""
    before = await world.put_row("staged")

    assert await world.staging.stage(arrived("invoices")) is Staged.ALREADY

    assert await world.row() == before
    assert not world.mailbox.calls
    (order,) = await world.stores.visible(VAULT_IMPORT)
    assert order["key"] == KEY


async def test_after_a_crash_behind_the_manifest_nothing_is_fetched_again(world: World) -> None:
    """The manifest is the commit mark; the mail may be gone from its mailbox by now."""

    class Crash(Exception):
        pass

    class Crashing(Journal):
        async def update(self, row: Row) -> Row:
            raise Crash

    crashing = replace(world.staging, journal=Crashing(world.stores.tables))
    with pytest.raises(Crash):
        await crashing.stage(arrived("invoices"))
    manifest = await world.manifest()
    assert manifest is not None
    world.mailbox.mails.clear()
    world.mailbox.calls.clear()

    assert await world.staging.stage(arrived("invoices")) is Staged.STAGED

    assert not world.mailbox.calls
    assert await world.manifest() == manifest
    row = await world.row()
    assert row is not None
    assert (row.state, row.sizes) == ("staged", tuple(file.size for file in manifest.files))
    assert await world.stores.number(VAULT_IMPORT) == 1


async def test_a_crash_before_the_hand_over_is_mended_by_the_next_run(world: World) -> None:
    class Crash(Exception):
        pass

    class Crashing(type(world.stores.queues)):  # type: ignore[misc]
        async def send(self, *_: object, **__: object) -> None:
            raise Crash

    with pytest.raises(Crash):
        await replace(world.staging, queues=Crashing(world.stores.queue_service)).stage(arrived("invoices"))
    assert await world.stores.number(VAULT_IMPORT) == 0

    assert await world.staging.stage(arrived("invoices")) is Staged.ALREADY

    assert await world.stores.number(VAULT_IMPORT) == 1


async def test_mail_of_a_source_that_is_not_configured_waits(world: World) -> None:
    with pytest.raises(ConfigurationFault, match='"vanished"') as caught:
        await world.staging.stage(arrived("vanished"))

    assert "mail-sources.toml" in caught.value.remedy


async def test_storage_that_does_not_answer_fetches_nothing(world: World, down: Stores) -> None:
    with pytest.raises(Unavailable):
        await replace(world.staging, journal=down.journal).stage(arrived("invoices"))

    assert not world.mailbox.calls


async def test_nothing_out_of_the_mail_is_in_log_or_row(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vaultpost")
    world.mailbox.add(MESSAGE, mail((attachment(1, name="private.pdf"), b"bytes"), subject="very private"))

    await world.staging.stage(arrived("invoices"))

    assert [getattr(one, "event", "") for one in caplog.records if one.name.startswith("vaultpost")] == [
        "staging-ended"
    ]
    for private in ("very private", "ada@example.com", "private.pdf", MESSAGE):
        assert private not in caplog.text
    row = await world.row()
    assert "private" not in repr(replace(row, message="") if row else None)
