"""Attachments of every kind: from Graph, over TLS, through the staging area into a vault, byte for byte."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, compat32
from pathlib import Path

import pytest

from sandbox.box import Sandbox
from sandbox.faults.fault import Cut
from sandbox.tenant.graph import Delivered, Manner, Scan
from shared.filing import Filing
from shared.graph.mailbox import MailboxReader
from shared.identities import filing_key
from shared.journal_row import Row
from shared.manifest import Manifest
from shared.planning import Planner
from shared.queue_messages import VAULT_IMPORT
from shared.services import Services
from shared.staging import Staging
from shared.testing.queues import InMemoryQueues

from .accounts import Stores, duplicates_of
from .clock import FakeClock
from .made import arrived, source, unique_name
from .pipeline import Pipeline
from .vault.fake import FakeVault

pytestmark = [
    pytest.mark.anyio,
    # The warning is about the event loop; a piece of a blob is sent in a few milliseconds.
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]
CORPUS = Path(__file__).parents[3] / "shared" / "mail-corpus"
VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nEND:VCARD\r\n"
EVENT = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


@dataclass
class Way:
    """The way of the mail of one mailbox: the sandbox's Graph, a storage account, a vault in memory."""

    box: Sandbox
    address: str
    name: str
    stores: Stores
    vault: FakeVault
    staging: Staging
    pipeline: Pipeline

    def deliver(self, mail: EmailMessage | bytes | Path) -> Delivered:
        mime = mail.as_bytes(policy=SMTP) if isinstance(mail, EmailMessage) else mail
        return self.box.tenant.deliver(self.address, mime)

    async def stage(self, mail: Delivered) -> Row:
        await self.pipeline.take(self.staging, arrived(self.name, mail.immutable_id))
        return await self.row(mail)

    async def file(self, mail: Delivered) -> dict[str, bytes]:
        """The files of its document, by their names in the vault."""
        await self.stage(mail)
        await self.pipeline.run()
        assert (await self.row(mail)).state == "filed"
        kept = self.vault.objects[-1]
        assert len(set(kept.names)) == len(kept.contents)
        return dict(zip(kept.names, kept.contents, strict=True))

    async def row(self, mail: Delivered) -> Row:
        return await self.pipeline.row(self.name, filing_key(self.name, mail.immutable_id))

    async def manifest(self, mail: Delivered) -> Manifest:
        found = await self.stores.area.manifest(self.name, filing_key(self.name, mail.immutable_id))
        assert found is not None
        return found

    def held(self, mail: Delivered) -> list[str]:
        """The digests of what Graph answers: of the MIME, then of each attachment with bytes."""
        (message,) = [
            one for one in self.box.tenant.messages(self.address) if one.immutable_id == mail.immutable_id
        ]
        return [message.mime.sha256, *(one.file.sha256 for one in message.files)]


@pytest.fixture
async def way(box: Sandbox, services: Services, stores: Stores, clock: FakeClock) -> AsyncIterator[Way]:
    name = unique_name("attached")
    served = source(name)
    box.tenant.add_mailbox(served.mailbox)
    queues, vault = InMemoryQueues(clock), FakeVault(clock=clock)
    staging = Staging({name: served}, MailboxReader(services.graph), stores.area, queues, clock)
    filing = Filing({name: served}, Planner("PD.FilingKey"), vault, stores.area, duplicates_of(stores), clock)
    pipeline = Pipeline.of(stores, clock, queues)
    pipeline.serve(staging, filing)
    yield Way(box, served.mailbox, name, stores, vault, staging, pipeline)
    box.faults.graph.clear()


def mail(subject: str, *attached: EmailMessage | tuple[str, bytes]) -> EmailMessage:
    """A mail with other mails, or files by their names, attached."""
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "ada@contoso.com", subject, f"<{subject}@contoso.com>"
    made.set_content("See below.")
    for one in attached:
        if isinstance(one, EmailMessage):
            made.add_attachment(one)
        else:
            name, content = one
            made.add_attachment(content, "application", "pdf", filename=name)
    return made


def innermost(raw: bytes, depth: int) -> str:
    """The subject of the mail that is so many times nested in another."""
    message = message_from_bytes(raw, policy=SMTP)
    for _ in range(depth):
        message = next(iter(message.iter_attachments())).get_content()
    return str(message["Subject"])


async def test_a_forwarded_mail_is_a_file_of_its_own_with_all_that_is_nested_in_it(way: Way) -> None:
    nested = mail("Re: Offer 1/2, v2.5", mail("second", mail("third", ("deep.pdf", b"%PDF-deep"))))
    delivered = way.deliver(mail("Forward", nested, ("a.pdf", b"%PDF-1")))

    files = await way.file(delivered)

    assert list(files) == ["Forward.eml", "Re_ Offer 1_2, v2.5.eml", "a.pdf"]
    inner = files["Re_ Offer 1_2, v2.5.eml"]
    assert inner.splitlines() == nested.as_bytes(policy=SMTP).splitlines(), "it is made anew, line by line"
    assert [file.sha256 for file in (await way.manifest(delivered)).files] == way.held(delivered)
    assert innermost(inner, 2) == "third"
    assert b"JVBERi1kZWVw" in inner
    assert (await way.row(delivered)).warnings == ()


async def test_a_contact_and_an_event_are_files_of_their_own(way: Way) -> None:
    delivered = way.deliver(mail("Contacts"))
    for name, content in (("Ada Lovelace", VCARD), ("Review", EVENT)):
        way.box.tenant.add_item_attachment(way.address, delivered.id, name, content)

    files = await way.file(delivered)

    assert list(files) == ["Contacts.eml", "Ada Lovelace.vcf", "Review.ics"]
    assert list(files.values())[1:] == [VCARD, EVENT]


async def test_a_link_is_a_shortcut_and_an_item_without_bytes_stays_within_the_mail(way: Way) -> None:
    """Version 1.0 of Graph says of a link only what it is called; the journal says what was made of it."""
    delivered = way.deliver(mail("Links", ("a.pdf", b"%PDF-1")))
    way.box.tenant.add_reference_attachment(way.address, delivered.id, "Budget.xlsx", "application/x")
    way.box.tenant.add_item_attachment(way.address, delivered.id, "A task", None)

    files = await way.file(delivered)

    assert list(files) == ["Links.eml", "a.pdf", "Budget.xlsx.url"]
    assert files["Budget.xlsx.url"].startswith(
        b"[InternetShortcut]\r\nURL=https://outlook.office365.com/owa/"
    )
    assert (await way.row(delivered)).warnings == (
        "attachment 3 (item) is within the message only",
        "attachment 2 is a link, and Graph does not say where to: it leads to the mail",
    )


async def test_attachments_come_over_all_pages(way: Way) -> None:
    contents = [f"file {number}".encode() for number in range(45)]
    delivered = way.deliver(mail("Many", *(("twin.pdf", content) for content in contents)))

    files = await way.file(delivered)

    assert list(files.values())[1:] == contents


async def test_a_list_is_read_whatever_the_mail_says_of_its_attachments(way: Way) -> None:
    """`hasAttachments` is false where all of them stand in the text."""
    made = mail("Inline")
    made.add_alternative("<img src='cid:a'>", subtype="html")
    made.add_attachment(b"picture", "image", "png", cid="<a>", disposition="inline")

    files = await way.file(way.deliver(made))

    assert list(files.values())[1:] == [b"picture"]


@pytest.mark.parametrize(
    "names",
    [
        ("../../etc/passwd", "..\\..\\cmd.exe", "C:\\a.pdf"),
        ("CON.pdf", "con", "nul.tar.gz"),
        ("x" * 300 + ".pdf", "x" * 300 + ".pdf"),
        ("a.pdf", "A.PDF", "a.pdf"),
        ("invoice\u202efdp.exe", "\u200b", "dots..."),
    ],
)
async def test_hostile_names_are_made_safe_and_stay_in_the_manifest(way: Way, names: Iterable[str]) -> None:
    delivered = way.deliver(mail("Names", *((name, name.encode()) for name in names)))

    files = await way.file(delivered)

    assert list(files.values())[1:] == [name.encode() for name in names]
    assert (await way.manifest(delivered)).attachment_names == tuple(names)


async def test_what_is_scanned_is_filed_once_it_is_there(way: Way) -> None:
    delivered = way.deliver(mail("Scanned", ("large.pdf", b"%PDF-" + bytes(5000))))
    way.box.tenant.withhold_content(way.address, delivered.id)
    assert (await way.stage(delivered)).state == "arrived"
    await way.pipeline.run_for(minutes=5)
    row = await way.row(delivered)
    assert (row.state, row.rule) == ("arrived", "")
    way.box.tenant.withhold_content(way.address, delivered.id, False)

    await way.pipeline.run_for(minutes=5)

    assert way.vault.objects[-1].contents[1] == b"%PDF-" + bytes(5000)
    row = await way.row(delivered)
    assert (row.state, row.warnings, row.attempt) == ("filed", (), 0)


async def test_what_never_comes_is_filed_without_its_bytes_and_the_journal_says_so(way: Way) -> None:
    delivered = way.deliver(mail("Scanned", ("large.pdf", b"%PDF-" + bytes(5000))))
    way.box.tenant.withhold_content(way.address, delivered.id)
    await way.stage(delivered)

    await way.pipeline.run_for(minutes=40)

    row = await way.row(delivered)
    assert (row.state, row.warnings) == ("filed", ("attachment 1 is empty",))


@pytest.mark.parametrize("at", [0, 1, 70_000, 299_999])
@pytest.mark.parametrize("route", ["/messages/[^/]+/\\$value$", "/attachments/[^/]+/\\$value$"])
async def test_a_stream_that_is_cut_begins_again(way: Way, route: str, at: int) -> None:
    content = hashlib.sha256(route.encode()).digest() * 9_375
    delivered = way.deliver(mail("Cut", ("large.pdf", content)))
    way.box.faults.graph.add(Cut(bytes=at, route=f"GET {route}", times=1))

    row = await way.stage(delivered)
    assert (row.state, row.attempt) == ("arrived", 1)
    await way.pipeline.run_for(minutes=1)

    assert way.vault.objects[-1].contents[1] == content
    assert [file.sha256 for file in (await way.manifest(delivered)).files] == way.held(delivered)


async def test_streams_that_are_cut_anywhere_never_leave_a_short_file(
    way: Way, pytestconfig: pytest.Config
) -> None:
    """Two hundred times with `--long`."""
    drawn = random.Random(5)
    for number in range(200 if pytestconfig.getoption("--long") else 5):
        content = drawn.randbytes(drawn.choice([100, 50_000, 300_000]))
        delivered = way.deliver(mail(f"Cut-{number}", ("a.pdf", content), ("b.pdf", content[::-1])))
        for _ in range(drawn.randint(1, 3)):
            route = drawn.choice(["messages", "attachments"])
            at = drawn.randrange(len(content))
            way.box.faults.graph.add(Cut(bytes=at, route=f"GET /{route}/[^/]+/\\$value$", times=1))

        assert (await way.stage(delivered)).state == "arrived"
        await way.pipeline.run_for(minutes=10)

        assert (await way.row(delivered)).state == "filed"
        assert way.vault.objects[-1].contents[1:] == [content, content[::-1]]
        assert [file.sha256 for file in (await way.manifest(delivered)).files] == way.held(delivered)
        way.box.faults.graph.clear()


@pytest.mark.skipif(not CORPUS.exists(), reason=f"there is no {CORPUS.name} beside this checkout")
async def test_every_attachment_of_the_corpus_is_staged_with_its_bytes(way: Way) -> None:
    """What Graph shows is staged, all of it; among it is what Python's own library finds attached."""
    mails = {path: way.deliver(path) for path in sorted(CORPUS.rglob("*.eml"))}
    mails = {path: one for path, one in mails.items() if way.held(one)[1:] or attached(path.read_bytes())}
    at_once = asyncio.Semaphore(6)

    async def stage(delivered: Delivered) -> Row:
        async with at_once:
            return await way.stage(delivered)

    await asyncio.gather(*map(stage, mails.values()))
    del way.pipeline.steps[VAULT_IMPORT]
    await way.pipeline.run_for(minutes=2)  # what is empty may have content yet

    assert {(await way.row(one)).state for one in mails.values()} == {"staged"}
    found_by_python = 0
    for path, delivered in mails.items():
        held = way.held(delivered)
        digests = [file.sha256 for file in (await way.manifest(delivered)).files]
        assert digests == held, path.name
        found = attached(path.read_bytes()) & set(held[1:])
        assert found <= set(digests[1:]), path.name
        found_by_python += len(found)
    assert found_by_python > 20


def attached(raw: bytes) -> set[str]:
    """The digests of what Python's library finds attached to a mail."""
    parts = message_from_bytes(raw, policy=compat32).walk()
    contents = [
        part.get_payload(decode=True) for part in parts if part.get_content_disposition() == "attachment"
    ]
    return {hashlib.sha256(content).hexdigest() for content in contents if isinstance(content, bytes)}


async def test_rules_see_what_is_attached_not_what_stands_for_it_while_it_is_scanned(way: Way) -> None:
    """Else a mail would be skipped for a name that it never had."""
    no_pdf = {"name": "no-pdf", "when": "not (attachments | select('matching', 'pdf$') | list)", "skip": True}
    served = source(way.name, rule=[no_pdf])
    way.pipeline.serve(replace(way.staging, sources={way.name: served}))
    scanned = Manner(scan=Scan.PLACEHOLDER)
    order = mail("Order", ("order.pdf", b"%PDF-1")).as_bytes(policy=SMTP)
    delivered = way.box.tenant.deliver(way.address, order, "inbox", manner=scanned)

    await way.pipeline.take(way.staging, arrived(way.name, delivered.immutable_id))
    row = await way.row(delivered)
    assert (row.state, row.rule) == ("arrived", "")
    way.box.tenant.end_scan(way.address, delivered.immutable_id)
    await way.pipeline.run_for(minutes=1)

    assert (await way.row(delivered)).state == "filed"
