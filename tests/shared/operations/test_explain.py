"""What would become of a mail: decided as filing decides it, told for a person and for a program."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import anyio.from_thread
import anyio.to_thread
import pytest
from hypothesis import HealthCheck, given, settings

from shared.configuration import Source
from shared.operations.explain import (
    BEFORE_SINCE,
    GRAPH_KNOWS,
    MAY_BE_DUPLICATE,
    MAY_MATCH_OTHERWISE,
    NO_MESSAGE_ID,
    NO_RECEIPT,
    NOT_ENABLED,
    OBSERVES,
    Explainer,
    Explanation,
)
from shared.operations.explain_text import LONGEST, OF_GRAPH, explanation_json, explanation_lines
from shared.operations.mail_file import FileContent, read_mail_file
from shared.operations.text import as_json
from shared.planning import Planner
from tests.mail import shapes
from tests.shared.made import source
from tests.shared.memory_structure import CUSTOMER, CUSTOMERS, ITEMS, KEY, TITLE, MemoryStructure

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 25, tzinfo=UTC)
Explain = Callable[..., Coroutine[Any, Any, Explanation]]
EVERYTHING = {
    "PD.From": "{{ from.address }}",
    "PD.Body": "{{ body }}",
    "PD.Received": "{{ received }}",
    "PD.Customer": {"value": "{{ from.domain }}", "add-missing": True},
    "PD.Labels": "Contoso; Fabrikam",
}


def letter(subject: str = "Invoice 4711", **more: str) -> bytes:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ada <ada@acme.example>", "invoices@example.com", subject
    for name, value in more.items():
        made[name.replace("_", "-")] = value
    made.set_content("Hello")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="offer.pdf")
    made.add_attachment(b"MZ", maintype="application", subtype="octet-stream", filename="run.exe")
    return made.as_bytes(policy=SMTP)


@pytest.fixture
def vault() -> MemoryStructure:
    return MemoryStructure()


@pytest.fixture
def explain(vault: MemoryStructure, tmp_path: Path) -> Explain:
    async def of(mime: bytes, configured: Source) -> Explanation:
        path = tmp_path / "mail.eml"
        path.write_bytes(mime)
        explainer = Explainer(Planner("PD.FilingKey"), vault, frozenset({"invoices@example.com"}), NOW)
        return await explainer.explain(read_mail_file(path), configured, FileContent(path))

    return of


def configured(*, properties: Any = None, document: Any = None, **more: Any) -> Source:
    return source(
        document={"class": "CL.Invoice", "properties": properties or {}, **(document or {})}, **more
    )


def text(told: Explanation) -> str:
    return "\n".join(explanation_lines(told))


async def test_every_property_with_its_converted_value(explain: Explain, vault: MemoryStructure) -> None:
    told = await explain(
        letter(Date="Tue, 24 Nov 2026 16:37:41 +0000"), configured(properties=EVERYTHING, document={})
    )

    (document,) = told.documents
    values = {value.name: value for value in document.properties}
    assert told.outcome == "filed"
    assert values["Name or title"].value == "Invoice 4711"
    assert values["From"].value == "ada@acme.example"
    assert str(values["Body"].value).strip() == "Hello"
    assert values["Received"].value == "2026-11-24T16:37:41Z"
    assert [(one.name, one.is_new) for one in values["Customer"].items] == [("acme.example", True)]
    assert [(one.name, one.is_new) for one in values["Labels"].items] == [
        ("Contoso", False),
        ("Fabrikam", False),
    ]
    assert vault.items[CUSTOMERS] == list(ITEMS[CUSTOMERS])


async def test_what_a_person_reads(explain: Explain) -> None:
    told = await explain(
        letter(Date="Tue, 24 Nov 2026 16:37:41 +0000"),
        configured(properties=EVERYTHING, attachments={"deny": ["*.exe"]}, after={"read": True}),
    )

    said = "\n".join(" ".join(line.split()) for line in text(told).splitlines())
    for part in (
        "subject Invoice 4711\n",
        "attachment 2: run.exe (application/octet-stream, 2 bytes)\n",
        "\nNo rule takes it.\nIt would be filed: documents: 1, files: 2.\n",
        'Document: class "Invoice" (1), object type "Document" (0)\n',
        f"Filing key ({KEY}) text {OF_GRAPH}\n",
        f"Customer ({CUSTOMER}) lookup acme.example (to be added)\n",
        "multi select lookup Contoso (1); Fabrikam (2)\n",
        "file Invoice 4711.eml (",
        "file offer.pdf (4 bytes, attachments/0001)\n",
        "\nThen, in its mailbox\nread: true\n",
        "\nThe journal would warn\nattachment 2 is not filed: its name or type is denied\n",
        GRAPH_KNOWS,
    ):
        assert part in said


async def test_the_rule_that_matches_is_named_and_its_document_counts(explain: Explain) -> None:
    rules = [
        {"name": "orders", "when": "'order' in subject", "skip": True},
        {"name": "bills", "when": "'Invoice' in subject", "document": {"class": "CL.Ticket"}},
    ]

    told = await explain(letter(), configured(rule=rules))

    assert (told.rule, told.documents[0].class_name) == ("bills", "Ticket")
    assert '\nRule "bills".\n' in text(told)


async def test_the_documents_of_attachments(explain: Explain) -> None:
    linked = {
        "content": "linked-attachments",
        "attachment": {"class": "CL.Attachment", "properties": {"PD.From": "{{ attachment.extension }}"}},
    }

    told = await explain(letter(), configured(document=linked))

    assert [(one.number, one.class_name, one.relation) for one in told.documents] == [
        (0, "Invoice", ""),
        (1, "Attachment", "Reference"),
        (2, "Attachment", "Reference"),
    ]
    first = {value.id: value.value for value in told.documents[1].properties}
    assert (first[TITLE], first[KEY]) == ("offer", None)
    assert '\nDocument of attachment 2: class "Attachment" (4), object type "Document" (0)\n' in text(told)


async def test_a_message_that_is_made_is_told(explain: Explain) -> None:
    told = await explain(letter(), configured(document={"content": "message", "message-format": "text"}))

    (file,) = told.documents[0].files
    assert (file.is_rendered, file.extension) == (True, "txt")
    assert "  file Invoice 4711.txt (" in text(told)
    assert "made of the message)" in text(told)


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"rule": [{"name": "noise", "skip": True}]}, "noise"),
        ({"max_age_days": 1}, "max-age"),
        ({"since": date(2027, 1, 1)}, "passed-over"),
    ],
)
async def test_a_mail_that_would_be_skipped(explain: Explain, more: Any, rule: str) -> None:
    more = {key.replace("_", "-"): value for key, value in more.items()}

    told = await explain(letter(Date="Sun, 1 Nov 2026 10:00:00 +0000"), configured(**more))

    assert (told.outcome, told.rule, told.documents) == ("skipped", rule, ())
    assert f'\nRule "{rule}". It would be skipped.\n  {told.reason}\n' in text(told)


async def test_a_template_that_fails_is_told_as_the_journal_would(explain: Explain) -> None:
    rules = [
        {
            "name": "bills",
            "document": {
                "class": "CL.Invoice",
                "title": "{{ subject.split('#')[0] | int // attachment_count }}",
            },
            "on-failure": {"category": "Not filed"},
        }
    ]
    mime = EmailMessage()
    mime["Subject"] = "x"
    mime.set_content("Hello")

    told = await explain(mime.as_bytes(policy=SMTP), configured(rule=rules))

    assert (told.outcome, told.rule, told.then) == ("failed", "bills", {"category": "Not filed"})
    assert 'rule "bills".document.title' in told.reason
    assert told.remedy.endswith("then replay the mail.")
    assert f'\nRule "bills". It would fail.\n  {told.reason}\n  {told.remedy}\n' in text(told)


async def test_a_condition_that_fails_is_told_too(explain: Explain) -> None:
    rules = [{"name": "odd", "when": "1 // (attachment_count - 2) > 0", "skip": True}]

    told = await explain(letter(), configured(rule=rules))

    assert (told.outcome, told.rule) == ("failed", "")
    assert 'rule "odd": the condition' in told.reason


async def test_a_configuration_that_the_vault_does_not_fit_would_hold_the_source(explain: Explain) -> None:
    told = await explain(letter(), configured(properties={"PD.Nothing": "x"}))

    assert (told.outcome, told.then) == ("held", {})
    assert "PD.Nothing" in told.reason
    assert "Its source would be held" in text(told)


async def test_what_is_to_be_known(explain: Explain) -> None:
    rules = [{"name": "scans", "when": "folder == 'Scans'", "skip": True}]
    odd = configured(rule=rules, enabled=False, mode="observe", document={"duplicates": "skip"})

    told = await explain(letter(), odd)
    late = await explain(
        letter(Date="Tue, 24 Nov 2026 16:37:41 +0000", Message_ID="<1@x>"),
        configured(since=date(2026, 11, 25)),
    )

    assert {MAY_MATCH_OTHERWISE, NO_RECEIPT, NO_MESSAGE_ID, NOT_ENABLED, OBSERVES} < set(told.notes)
    assert MAY_BE_DUPLICATE in told.notes
    assert (told.outcome, told.rule, len(told.documents)) == ("skipped", "", 1)
    assert told.reason.startswith("It would be filed: documents: 1, files: 3")
    assert BEFORE_SINCE in late.notes
    assert not {NO_RECEIPT, NO_MESSAGE_ID, NOT_ENABLED} & set(late.notes)


async def test_a_source_by_its_own_mail_is_known(explain: Explain) -> None:
    mime = letter().replace(b"ada@acme.example", b"Invoices@example.com")

    assert (await explain(mime, configured())).mail.kind == "own-mail"


async def test_a_long_value_is_shown_by_its_beginning_and_whole_as_json(explain: Explain) -> None:
    mime = letter().replace(b"Hello", b"Hello\x1b[2J " + b"word " * 200)

    told = await explain(mime, configured(properties={"PD.Body": "{{ body }}"}))

    (body,) = [one for one in explanation_json(told)["documents"][0]["properties"] if one["name"] == "Body"]
    assert len(body["value"]) > LONGEST
    assert f"({len(body['value'])} characters)" in text(told)
    assert "\x1b" not in text(told)


async def test_as_json(explain: Explain) -> None:
    told = await explain(letter(), configured(properties=EVERYTHING | {"PD.Received": "2026-11-24"}))

    said = json.loads(as_json(explanation_json(told)))

    assert said["mail"]["from"] == "Ada <ada@acme.example>"
    assert [one["name"] for one in said["attachments"]] == ["offer.pdf", "run.exe"]
    (document,) = said["documents"]
    assert document["object_type"] == {"id": 0, "name": "Document"}
    assert document["class"] == {"id": 1, "name": "Invoice"}
    values = {one["name"]: one for one in document["properties"]}
    assert values["Filing key"]["value"] is None
    assert values["Customer"]["items"] == [{"name": "acme.example", "is_new": True}]
    assert [one["name"] for one in document["files"]] == ["Invoice 4711.eml", "offer.pdf", "run.exe"]


async def test_any_mail_can_be_explained(explain: Explain) -> None:
    """Never a traceback, and what is printed moves no cursor."""
    rules = [
        {
            "name": "linked",
            "when": "attachment_count > 1 and 'a' in body",
            "document": {"class": "CL.Invoice"},
        }
    ]
    linked = configured(
        properties=EVERYTHING,
        document={"content": "linked-attachments", "message-format": "html"},
        rule=rules,
    )

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(shapes.mails)
    def holds(mime: bytes) -> None:
        told = anyio.from_thread.run(explain, mime, linked)
        assert told.outcome in ("filed", "skipped", "failed")
        assert all(line.isprintable() for line in explanation_lines(told))
        json.loads(as_json(explanation_json(told)))

    await anyio.to_thread.run_sync(holds)
