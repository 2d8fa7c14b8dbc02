"""What becomes of message and attachments, by `content`, `message-format` and `[source.attachments]`."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import msgspec
import pytest

from shared.configuration_places import Faults
from shared.configuration_within import note_within_sources
from shared.errors import ConfigurationFault
from shared.identities import linked_key
from shared.mail import EXAMPLE
from shared.manifest import LeftOut, Manifest, StagedFile
from shared.plan import Plan, PlannedFile
from shared.planning import AS_IT_IS, NO_TEXT, WITHOUT_ATTACHMENTS, Planner
from shared.skip import Skip
from shared.vault.protocol import ClassDef, DataType, PropertyDef
from tests.shared import memory_structure as vault
from tests.shared.made import NoContent, manifest, source, staged
from tests.shared.memory_structure import MemoryStructure

pytestmark = pytest.mark.anyio
REFERENCE = 76
MIME = staged("message.eml", b"a whole message", content_type="message/rfc822")
OFFER = staged("attachments/0001", b"%PDF", "offer.pdf", "application/pdf")
SCRIPT = staged("attachments/0002", b"MZ", "run.exe", "application/octet-stream")
LOGO = StagedFile("attachments/0003", "file", 900, "a" * 64, "logo.png", "image/png", inline=True)
PLAIN = msgspec.structs.replace(EXAMPLE, signed=False, encrypted=False, tnef=False)
WHOLE = manifest("invoices", MIME, OFFER, SCRIPT, LOGO, mail=PLAIN)


def structure() -> MemoryStructure:
    """One with a relation to documents, and a class for attachments."""
    relation = PropertyDef(REFERENCE, "Reference", DataType.MULTI_SELECT_LOOKUP, 0, object_type=0)
    one = PropertyDef(1060, "Mail", DataType.LOOKUP, 0, object_type=0)
    classes: dict[str | int, ClassDef] = {
        "CL.Invoice": vault.INVOICE,
        "CL.Part": ClassDef(2, "Part", vault.TITLE, frozenset()),
        "CL.Letter": ClassDef(6, "Letter", vault.TITLE, frozenset(), object_type=vault.LETTERS),
    }
    letter = PropertyDef(1070, "Letter", DataType.LOOKUP, vault.LETTERS, object_type=vault.LETTERS)
    properties = {**vault.PROPERTIES, "PD.Reference": relation, "PD.Mail": one, "PD.Letter": letter}
    return MemoryStructure(properties=properties, classes=classes)


async def planned(
    of: Manifest = WHOLE, *, says: NoContent | None = None, attachments: Any = None, **document: Any
) -> Plan | Skip:
    """What is planned for a mail; `message_format` is for `message-format`, and so on."""
    document = {key.replace("_", "-"): value for key, value in document.items()}
    configured = source(document={"class": "CL.Invoice", **document}, attachments=attachments or {})
    return await Planner("PD.FilingKey").plan(of, configured, structure(), says or NoContent())


async def plan_of(of: Manifest = WHOLE, **settings: Any) -> Plan:
    plan = await planned(of, **settings)
    assert isinstance(plan, Plan)
    return plan


def paths(plan: Plan) -> list[str]:
    return [file.path for file in plan.files]


async def test_the_message_alone() -> None:
    plan = await plan_of(content="message")

    assert (paths(plan), plan.linked, plan.v) == (["message.eml"], (), 1)


async def test_the_attachments_alone() -> None:
    plan = await plan_of(content="attachments")

    assert paths(plan) == [OFFER.path, SCRIPT.path, LOGO.path]


@pytest.mark.parametrize("attachments", [{}, {"deny": ["*"]}])
async def test_a_mail_whose_attachments_are_all_passed_over_is_filed_as_a_message(attachments: Any) -> None:
    """Never as a document without a file."""
    of = WHOLE if attachments else manifest("invoices", MIME)
    plan = await plan_of(of, content="attachments", attachments=attachments)

    assert paths(plan) == ["message.eml"]


async def test_or_it_is_skipped_as_set() -> None:
    skip = await planned(content="attachments", attachments={"deny": ["*"]}, without_attachments="skip")

    assert isinstance(skip, Skip)
    assert skip.rule == WITHOUT_ATTACHMENTS


async def test_the_journal_says_by_number_what_was_passed_over_and_no_name() -> None:
    plan = await plan_of(attachments={"deny": ["*.exe"], "inline": "skip"})

    assert paths(plan) == ["message.eml", OFFER.path]
    assert plan.warnings == (
        "attachment 2 is not filed: its name or type is denied",
        "attachment 3 is not filed: a picture within the text",
    )


async def test_a_picture_that_the_text_shows_is_known_by_its_digest() -> None:
    large = dataclasses.replace(NoContent(), shows=frozenset({"b" * 64}))
    shown = StagedFile("attachments/0001", "file", 90_000, "b" * 64, "photo.jpg", "image/jpeg")
    other = StagedFile("attachments/0002", "file", 90_000, "c" * 64, "scan.jpg", "image/jpeg", inline=True)

    plan = await plan_of(manifest("invoices", MIME, shown, other), says=large, attachments={"inline": "skip"})

    assert paths(plan) == ["message.eml", other.path]


@pytest.mark.parametrize("flag", ["signed", "encrypted", "tnef"])
async def test_a_message_that_is_signed_or_wrapped_stays_whole(flag: str) -> None:
    """Its text alone would prove nothing, or is only a wrapper."""
    mail = msgspec.structs.replace(
        EXAMPLE, **{"signed": False, "encrypted": False, "tnef": False, flag: True}
    )
    plan = await plan_of(
        manifest("invoices", MIME, mail=mail), says=NoContent("hello"), message_format="html"
    )

    assert paths(plan) == ["message.eml"]
    assert plan.warnings == (AS_IT_IS,)


async def test_a_message_without_text_is_named_beside_an_attachment_of_its_name() -> None:
    same = staged("attachments/0001", b"x", "Invoice 4711.eml", "message/rfc822")
    plan = await plan_of(manifest("invoices", MIME, same, mail=PLAIN), message_format="text")

    names = {f"{file.title}.{file.extension}" for file in plan.files}
    assert len(names) == 2


@pytest.mark.parametrize("files", [(MIME, OFFER), (MIME,)], ids=["beside others", "alone"])
async def test_what_is_within_the_message_only_needs_the_message(files: tuple[StagedFile, ...]) -> None:
    """Also where attachments alone are filed: else it would be nowhere."""
    of = manifest("invoices", *files, left_out=(LeftOut(2, "item"),))
    plan = await plan_of(of, content="attachments", without_attachments="skip")

    assert paths(plan) == [file.path for file in files]


@pytest.mark.parametrize(("form", "extension"), [("text", "txt"), ("html", "html")])
async def test_the_message_as_text_or_html(form: str, extension: str) -> None:
    plan = await plan_of(says=NoContent("hello"), message_format=form)

    body = (b"\xef\xbb\xbf" if form == "text" else b"") + f"{form}: hello".encode()
    path, digest = f"rendered/message.{extension}", hashlib.sha256(body).hexdigest()
    assert plan.files[0] == PlannedFile(path, "Invoice 4711", extension, len(body), digest)
    assert paths(plan)[1:] == [OFFER.path, SCRIPT.path, LOGO.path]
    assert plan.v == 2


async def test_a_message_that_shows_no_text_is_filed_as_it_is() -> None:
    plan = await plan_of(message_format="html")

    assert plan.files[0] == PlannedFile("message.eml", "Invoice 4711", "eml", MIME.size, MIME.sha256)
    assert (plan.warnings, plan.v) == ((NO_TEXT,), 1)


async def test_linked_attachments_are_documents_of_their_own_that_name_the_mail() -> None:
    plan = await plan_of(
        content="linked-attachments",
        attachments={"deny": ["*.exe"]},
        attachment={
            "class": "CL.Part",
            "title": "{{ attachment.name }} ({{ attachment.extension }}) of {{ subject }}",
            "properties": {"PD.Count": "{{ attachment.number }}", "PD.From": "{{ from.address }}"},
        },
    )

    assert (paths(plan), plan.v) == (["message.eml"], 2)
    offer, logo = plan.linked
    assert [(one.number, one.key) for one in plan.linked] == [
        (1, linked_key(WHOLE.key, 1)),
        (3, linked_key(WHOLE.key, 3)),
    ]
    assert offer.files == (PlannedFile(OFFER.path, "offer", "pdf", OFFER.size, OFFER.sha256),)
    assert logo.files[0].path == LOGO.path
    new = offer.related_to(1102)
    assert new.class_id == 2
    assert {one.id: one.value for one in new.properties} == {
        vault.TITLE: "offer (pdf) of Invoice 4711",
        vault.KEY: offer.key,
        vault.COUNT: 1,
        vault.FROM: "ada@example.com",
        REFERENCE: (1102,),
    }


async def test_the_relation_may_be_a_choice_of_one() -> None:
    plan = await plan_of(content="linked-attachments", attachment={"relation": "PD.Mail"})

    last = plan.linked[0].related_to(7).properties[-1]
    assert (last.id, last.data_type, last.value) == (1060, DataType.LOOKUP, 7)


async def test_their_class_is_that_of_the_mail_where_none_is_set() -> None:
    plan = await plan_of(content="linked-attachments")

    assert {one.document.class_id for one in plan.linked} == {vault.INVOICE.id}


@pytest.mark.parametrize("relation", ["PD.From", "PD.Customer", "PD.Company"])
async def test_a_relation_that_is_no_choice_of_documents_is_a_fault_of_the_configuration(
    relation: str,
) -> None:
    """The id of the mail's document would name some other item or object."""
    with pytest.raises(ConfigurationFault, match=r"document\.attachment\.relation.*\"Document\""):
        await plan_of(content="linked-attachments", attachment={"relation": relation})


LETTER: dict[str, Any] = {"object_type": "OT.Letter", "class": "CL.Letter", "content": "linked-attachments"}


async def test_attachments_of_what_is_no_document_are_documents_that_name_it() -> None:
    plan = await plan_of(**LETTER, attachment={"class": "CL.Part", "relation": "PD.Letter"})

    assert (plan.document.object_type, plan.document.class_id) == (vault.LETTERS, 6)
    assert [(one.document.object_type, one.document.class_id) for one in plan.linked] == [(0, 2)] * 3


@pytest.mark.parametrize(
    ("attachment", "key"),
    [
        ({"relation": "PD.Letter"}, r"attachment\.class is missing: attachments are filed as documents"),
        ({"class": "CL.Part"}, r"attachment\.relation: property \"76\" is no choice of objects of type"),
    ],
)
async def test_attachments_of_what_is_no_document_need_a_class_and_a_relation(
    attachment: dict[str, str], key: str
) -> None:
    with pytest.raises(ConfigurationFault, match=f"document\\.{key}"):
        await plan_of(**LETTER, attachment=attachment)


@pytest.mark.parametrize("kind", ["OT.Letter", 0, 137])
def test_an_object_type_by_id_tells_when_the_file_is_read_that_a_class_is_missing(kind: str | int) -> None:
    document = {"class": "CL.Letter", "content": "linked-attachments", "object-type": kind}
    data = {"source": [{"name": "letters", "document": document}]}
    faults = Faults(data)
    note_within_sources(data, faults)

    told = faults.texts("mail-sources.toml", {})
    assert [text for text in told if "needs attachment.class" in text] == (told if kind == 137 else [])
    assert bool(told) == (kind == 137)


async def test_a_warning_about_the_document_of_an_attachment_says_which() -> None:
    plan = await plan_of(content="linked-attachments", attachment={"title": "{{ subject * 30 }}"})

    assert "attachment 1: the title was cut to what a Text property holds" in plan.warnings


async def test_a_rule_that_skips_makes_no_plan() -> None:
    configured = source(rule=[{"name": "spam", "when": "body is matching('buy')", "skip": True}])
    skip = await Planner("PD.FilingKey").plan(WHOLE, configured, structure(), NoContent("buy now"))

    assert isinstance(skip, Skip)
    assert skip.rule == "spam"


async def test_a_rule_decides_on_the_document_and_is_named_by_the_plan() -> None:
    rule = {"name": "parts", "when": "size > 3", "document": {"class": "CL.Part", "title": "{{ body }}"}}
    plan = await Planner("PD.FilingKey").plan(WHOLE, source(rule=[rule]), structure(), NoContent("the text"))

    assert isinstance(plan, Plan)
    assert (plan.rule, plan.document.class_id) == ("parts", 2)
    assert plan.document.properties[0].value == "the text"


async def test_dates_are_those_of_the_time_zone() -> None:
    """It is late in the evening in London, and the next day in Auckland."""
    configured = source(
        document={
            "class": "CL.Invoice",
            "title": "{{ received | date }}",
            "properties": {"PD.Day": "{{ received }}", "PD.Received": "{{ received }}"},
        }
    )
    planner = Planner("PD.FilingKey", "Pacific/Auckland")
    plan = await planner.plan(WHOLE, configured, structure(), NoContent())

    assert isinstance(plan, Plan)
    values = {one.id: one.value for one in plan.document.properties}
    assert values[vault.TITLE] == values[vault.DAY] == "2026-11-25"
    assert values[vault.RECEIVED] == "2026-11-24T16:37:44Z"
