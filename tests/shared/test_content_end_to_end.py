"""Each kind of content and each data type: from a mailbox into a vault, and read back by another client.

Graph, M-Files, Key Vault and storage are the sandbox's, over TLS; the parts are the app's own composition.
The configuration is text, as a user writes it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from sandbox.box import Sandbox
from sandbox.pki import Authority
from sandbox.tenant.graph import Delivered
from sandbox.vault import ExampleVault, add_example_customers
from shared.configuration_file import configuration_in
from shared.identities import filing_key, linked_key
from shared.journal_row import Row
from shared.plan import OBSERVED
from shared.planning import WITHOUT_ATTACHMENTS
from shared.services import Services
from shared.settings import StorageSettings
from shared.skip import BY_RULE
from shared.testing.queues import InMemoryQueues
from tests.sandbox.vault.conftest import serving

from .accounts import Stores
from .clock import FakeClock
from .content_sources import FILES, LOOKS, content_sources
from .made import arrived, unique_name
from .pipeline import Pipeline
from .second_opinion import SecondOpinion, Seen

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]
MAIL, ATTACHMENT, TICKET_CLASS, EMAIL, EMAIL_CLASS = 207, 212, 218, 20, -109
MESSAGE_ID, IN_REPLY_TO, CONVERSATION, REFERENCE, COMMENT, MORE_CLASSES = 83, 84, 112, 76, 33, 36
WORKFLOW, STATE, TITLE = 38, 39, 0
FROM, TO, BODY, COUNT, SIZE, DAY, TIME, SENT, HAS = 1302, 1303, 1328, 1316, 1317, 1310, 1311, 1308, 1312
IMPORTANCE, CATEGORIES, CUSTOMER, DEPARTMENT, AREA, RECORD, CONTACTS = (
    1313,
    1315,
    1320,
    1324,
    1325,
    1322,
    1323,
)
TICKET, OURS, YOURS = 1321, 1330, 1331
PDF, PICTURE = b"%PDF-1.7 an offer", b"\x89PNG\r\n\x1a\n" + b"pixels" * 10


@dataclass
class Way:
    """The way of mail from the mailboxes of two sources into one vault."""

    box: Sandbox
    vault: ExampleVault
    other: SecondOpinion
    pipeline: Pipeline
    services: Services
    mailboxes: dict[str, str]

    async def file(self, mail: EmailMessage, source: str = FILES) -> tuple[Delivered, Row]:
        """The mail comes and takes its way; what the journal says of it then."""
        delivered = self.box.tenant.deliver(self.mailboxes[source], mail.as_bytes(policy=SMTP))
        await self.pipeline.take(self.services.staging, arrived(source, delivered.immutable_id))
        await self.pipeline.run()
        return delivered, await self.pipeline.row(source, filing_key(source, delivered.immutable_id))

    async def filed(self, mail: EmailMessage, object_type: int = 0) -> tuple[Delivered, Row, Seen]:
        """The same with the one object of it that the other client finds."""
        delivered, row = await self.file(mail)
        assert (row.state, row.reason) == ("filed", "")
        (seen,) = await self.other.found(row.key, object_type)
        assert seen.id == row.object_id
        return delivered, row, seen

    def sha256(self, delivered: Delivered) -> str:
        """Of the MIME that Graph has."""
        held = self.box.tenant.messages(self.mailboxes[FILES])
        return next(one.mime.sha256 for one in held if one.immutable_id == delivered.immutable_id)


def vault_with_mail_properties(directory: Path, password: str) -> ExampleVault:
    """One whose class of mail has the built-in properties of e-mail."""
    vault = ExampleVault(directory, password=password, email_types=True)
    add_example_customers(vault)
    classes = dict(vault.structure.classes)
    mail = classes[MAIL]
    of_mail = (*mail.optional, MESSAGE_ID, IN_REPLY_TO, CONVERSATION)
    classes[MAIL] = dataclasses.replace(mail, optional=of_mail)
    vault.structure = dataclasses.replace(vault.structure, classes=classes)
    return vault


@pytest.fixture
async def way(
    box: Sandbox,
    authority: Authority,
    services: Services,
    stores: Stores,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> AsyncIterator[Way]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    monkeypatch.setattr(box.tenant, "now", clock.now)
    mailboxes = {name: f"{unique_name(name)}@example.com" for name in (FILES, LOOKS)}
    for mailbox in mailboxes.values():
        box.tenant.add_mailbox(mailbox)
    vault = vault_with_mail_properties(tmp_path / "vault", box.vault.password)
    settings = dataclasses.replace(services.settings, storage=StorageSettings(stores.connection_string))
    async with serving(vault, authority) as site:
        text = content_sources(site.origin, vault.guid, mailboxes[FILES], mailboxes[LOOKS])
        made = Services(settings, configuration_in(text.encode(), "mail-sources.toml"), clock)
        queues = made.__dict__["queues"] = InMemoryQueues(clock)
        pipeline = Pipeline(stores, clock, queues, made.receiver)
        pipeline.serve(made.staging, made.filing)
        other = await SecondOpinion.of(site.origin, vault, tmp_path)
        yield Way(box, vault, other, pipeline, made, mailboxes)
        other.client.session.close()
        await made.close()


def mail(
    subject: str, *attached: tuple[str, bytes, str], sender: str = "ada@contoso.com", **headers: str
) -> EmailMessage:
    """A mail with these files by name, bytes and type; `X_Form` is for `X-Form`."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = f"Ada <{sender}>", "a@example.com, b@example.com", subject
    made["Message-ID"] = f"<{unique_name('mail')}@contoso.com>"
    made["Date"] = "Tue, 24 Nov 2026 10:30:05 +0100"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content("First line.\nSecond line.\n")
    for name, content, kind in attached:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, main, sub, filename=name)
    return made


OFFER = ("offer.pdf", PDF, "application/pdf")
SCRIPT = ("run.exe", b"MZ", "application/pdf")


async def test_each_data_type_comes_to_the_vault_as_it_is_meant(way: Way) -> None:
    """Day and time are those of Auckland, a day later. Of two areas the department's is meant."""
    headers = {
        "X_Megabytes": "0.25",
        "X_Categories": "blue category; Brand new;; Projects",
        "X_Department": "D-SUPPORT",
        "X_Area": "general",
        "X_Owner": "Support",
        "In_Reply_To": "<first@contoso.com>",
        "References": "x" * 90 + " " + "y" * 90,
    }
    sent = mail("Offer", OFFER, sender="ada@CONTOSO.com", **headers)
    delivered, row, seen = await way.filed(sent)

    assert (seen.type, seen.class_id, seen.title) == (0, MAIL, "Offer (25.11.2026)")
    expected = {
        TITLE: "Offer (25.11.2026)",
        FROM: "ada@CONTOSO.com",
        TO: "a@example.com\r\nb@example.com",
        COUNT: 1,
        SIZE: 0.25,
        DAY: "2026-11-25T00:00:00Z",
        TIME: "01:00:00",
        SENT: "2026-11-24T09:30:05Z",
        HAS: True,
        IMPORTANCE: "High",
        CATEGORIES: ["Blue category", "Brand new", "Projects"],
        CUSTOMER: "contoso.com",
        DEPARTMENT: "Support",
        AREA: "General",
        RECORD: "Contoso",
        CONTACTS: ["Ada Lovelace"],
        OURS: "x" * 90 + "…",
        YOURS: "4711",
        WORKFLOW: "Mail processing",
        STATE: "New",
        MORE_CLASSES: ["Confidential"],
        COMMENT: "From Ada: Offer",
        MESSAGE_ID: str(sent["Message-ID"]),
        IN_REPLY_TO: "<first@contoso.com>",
    }
    assert {number: seen.values.get(number) for number in expected} == expected
    assert seen.values[BODY].splitlines() == ["First line.", "Second line."]
    assert seen.values[CONVERSATION]
    assert TICKET not in seen.values
    (object_,) = way.vault.objects()
    assert way.vault.store[0, object_.id].values[AREA] == 49
    assert seen.files["offer.pdf"] == PDF
    message = seen.files["Offer (25.11.2026).eml"]
    assert hashlib.sha256(message).hexdigest() == way.sha256(delivered)
    assert row.warnings == ('property "Our reference" was cut to what a Text property holds',)


async def test_the_message_as_it_is_as_text_and_as_html(way: Way) -> None:
    alone, row, seen = await way.filed(mail("As it is", OFFER, X_Form="eml"))
    assert (row.rule, list(seen.files)) == ("message-alone", ["As it is (25.11.2026).eml"])
    assert hashlib.sha256(seen.files["As it is (25.11.2026).eml"]).hexdigest() == way.sha256(alone)

    _, row, seen = await way.filed(mail("Text", OFFER, X_Form="text"))
    assert (row.rule, list(seen.files)) == ("as-text", ["Text (25.11.2026).txt"])
    text = seen.files["Text (25.11.2026).txt"]
    assert text.startswith(b"\xef\xbb\xbf")
    assert text.split()[-2:] == [b"Second", b"line."]

    shown = mail("Page", X_Form="html")
    shown.add_alternative("<p>Look: <img src='cid:logo'></p>", subtype="html")
    page = shown.get_payload()[1]  # type: ignore[index]
    page.add_related(PICTURE, "image", "png", cid="<logo>", filename="logo.png")  # type: ignore[union-attr]
    shown.add_attachment(PDF, "application", "pdf", filename="offer.pdf")
    _, row, seen = await way.filed(shown)
    assert (row.rule, sorted(seen.files)) == ("as-html", ["Page (25.11.2026).html", "offer.pdf"])
    assert b"data:image/png;base64," in seen.files["Page (25.11.2026).html"]
    assert row.warnings == ("attachment 1 is not filed: a picture within the text",)


async def test_linked_attachments_are_documents_that_name_the_mail(way: Way) -> None:
    sent = mail("Order T-17", OFFER, ("plan.png", PICTURE, "image/png"), sender="bob@fabrikam.com")
    _, row, seen = await way.filed(sent)

    assert (row.rule, list(seen.files)) == ("orders", ["Order T-17 (25.11.2026).eml"])
    assert seen.values[RECORD] == "Fabrikam"
    linked = sorted(await way.other.naming(seen.id), key=lambda one: one.title)
    assert [(one.title, one.class_id) for one in linked] == [("1 offer", ATTACHMENT), ("2 plan", ATTACHMENT)]
    assert [one.files for one in linked] == [{"1 offer.pdf": PDF}, {"2 plan.png": PICTURE}]
    assert [one.values[COUNT] for one in linked] == [len(PDF), len(PICTURE)]
    for number, one in enumerate(linked, 1):
        assert (one.values[1301], one.values[TICKET]) == (linked_key(row.key, number), "T-17")
        assert one.values[REFERENCE] == [seen.title]
    assert row.linked == tuple((number, one.id) for number, one in enumerate(linked, 1))


async def test_attachments_alone_by_what_is_allowed_and_what_is_denied(way: Way) -> None:
    large = ("large.pdf", b"%PDF" + bytes(1024), "application/pdf")
    note = ("note.txt", b"no", "text/plain")
    _, row, seen = await way.filed(mail("Scan", OFFER, SCRIPT, large, note, ("a.png", PICTURE, "image/png")))
    assert (row.rule, seen.files) == ("scans", {"offer.pdf": PDF, "a.png": PICTURE})
    assert row.warnings == (
        "attachment 2 is not filed: its name or type is denied",
        "attachment 3 is not filed: it is larger than 1KB",
        "attachment 4 is not filed: its name or type is not among those allowed",
    )

    _, row = await way.file(mail("Scan of nothing", note))
    assert (row.state, row.rule) == ("skipped", WITHOUT_ATTACHMENTS)

    fax, row, seen = await way.filed(mail("Fax"))
    assert row.rule == "faxes"
    assert [hashlib.sha256(content).hexdigest() for content in seen.files.values()] == [way.sha256(fax)]


async def test_rules_choose_class_object_type_and_what_is_skipped(way: Way) -> None:
    """The class of tickets makes its titles itself."""
    _, row, seen = await way.filed(mail("About T-4711"))
    assert (row.rule, seen.class_id) == ("tickets", TICKET_CLASS)
    assert (seen.title, seen.values[TICKET]) == ("Ticket T-4711 from ada@contoso.com", "T-4711")

    _, row, seen = await way.filed(mail("Urgent", OFFER, Importance="high"), EMAIL)
    assert (row.rule, row.object_type, seen.class_id) == ("mails", EMAIL, EMAIL_CLASS)
    assert seen.files["offer.pdf"] == PDF

    _, row = await way.file(mail("News", List_Id="<news.contoso.com>"))
    assert (row.state, row.rule, row.reason) == ("skipped", "newsletters", BY_RULE)
    assert await way.other.found(row.key) == []


async def test_a_source_that_observes_files_nothing_and_says_what_it_would(way: Way) -> None:
    """Nor is what a value list lacks added to it."""
    lists = way.vault.structure.value_lists
    _, row = await way.file(mail("Order 1", OFFER, sender="ada@unknown.example"), LOOKS)

    assert (row.state, row.rule) == ("skipped", OBSERVED)
    assert row.reason == 'It would be filed: documents: 2, files: 2, by rule "orders".'
    assert way.vault.objects() == []
    assert way.vault.structure.value_lists == lists
