"""What is filed from a mail, from its manifest and the configuration."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.configuration import Source
from shared.errors import ConfigurationFault, MailFault
from shared.mail import EXAMPLE, Address, Header, Mail
from shared.manifest import LeftOut, Manifest
from shared.plan import Plan, PlannedFile
from shared.planning import Planner
from shared.property_values import NO_SUBJECT
from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    CLASS,
    COMMENT,
    CONVERSATION_ID,
    IN_REPLY_TO,
    IN_REPLY_TO_REFERENCE,
    MESSAGE_ID,
    SINGLE_FILE,
    STATE,
    WORKFLOW,
    ClassDef,
    DataType,
    PropertyDef,
)
from tests.shared import memory_structure as vault
from tests.shared.made import NoContent, manifest, source, staged
from tests.shared.memory_structure import MemoryStructure

pytestmark = pytest.mark.anyio

MIME = staged("message.eml", b"a whole message", content_type="message/rfc822")


def filed_with(title: str = "{{ subject }}", **properties: Any) -> Source:
    """A source whose document has this title and these properties, `PD_X` for `PD.X`."""
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return source(document={"class": "CL.Invoice", "title": title, "properties": named})


async def plan_of(
    configured: Source, *, of: Manifest | None = None, structure: MemoryStructure | None = None
) -> Plan:
    """The plan for a mail that has everything, or for the mail of that manifest."""
    made_of = of or manifest()
    planner, structure = Planner("PD.FilingKey"), structure or MemoryStructure()
    plan = await planner.plan(made_of, configured, structure, NoContent())
    assert isinstance(plan, Plan)
    return plan


async def value_of(setting: Any, property_: str, mail: Mail = EXAMPLE) -> Any:
    """What one property gets; None where it is left out."""
    plan = await plan_of(filed_with(**{property_.replace(".", "_"): setting}), of=manifest(mail=mail))
    values = {value.id: value.value for value in plan.document.properties}
    return values.get(vault.PROPERTIES[property_].id)


def required(*ids: int) -> MemoryStructure:
    """A structure whose class requires these properties, too."""
    return MemoryStructure(classes={"CL.Invoice": ClassDef(1, "Invoice", vault.TITLE, frozenset(ids))})


async def test_a_plan_has_class_title_filing_key_and_the_configured_properties() -> None:
    plan = await plan_of(filed_with(PD_From="{{ from.address }}"))
    assert plan.key_property == vault.KEY
    assert plan.document.class_id == 1
    assert [(one.id, one.data_type, one.value) for one in plan.document.properties] == [
        (vault.TITLE, DataType.TEXT, "Invoice 4711"),
        (vault.KEY, DataType.TEXT, manifest().key),
        (vault.FROM, DataType.TEXT, "ada@example.com"),
    ]
    assert plan.warnings == ()


async def test_the_same_manifest_gives_the_same_plan() -> None:
    configured = filed_with(PD_From="{{ from }}", PD_Received="{{ received }}")
    assert await plan_of(configured) == await plan_of(configured)


async def test_a_plan_comes_back_from_its_json_as_it_was() -> None:
    """It is kept beside the manifest: what a retry reads is what was decided."""
    plan = await plan_of(
        filed_with(PD_Paid=True, PD_Amount=1.5, PD_Count=2, PD_Customer="Contoso", PD_Labels="Contoso;2")
    )
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


async def test_the_message_is_named_by_the_title_and_attachments_by_themselves() -> None:
    files = (MIME, staged("attachments/0001", b"%PDF", "invoice.pdf", "application/pdf"))
    plan = await plan_of(filed_with(), of=manifest("invoices", *files))
    assert plan.files == (
        PlannedFile("message.eml", "Invoice 4711", "eml", len(b"a whole message"), MIME.sha256),
        PlannedFile("attachments/0001", "invoice", "pdf", 4, files[1].sha256),
    )


async def test_a_slash_of_a_subject_stays_a_part_of_the_name() -> None:
    mail = Mail(subject="Invoice 4711/2026 \\ copy")
    plan = await plan_of(filed_with(), of=manifest("invoices", MIME, mail=mail))
    assert (plan.files[0].title, plan.files[0].extension) == ("Invoice 4711_2026 _ copy", "eml")
    assert plan.document.properties[0].value == "Invoice 4711/2026 \\ copy"


async def test_an_attachment_that_is_called_as_the_message_gets_another_name() -> None:
    files = (MIME, staged("attachments/0001", b"x", "invoice 4711.EML"))
    plan = await plan_of(filed_with(), of=manifest("invoices", *files))
    names = {f"{file.title}.{file.extension}".casefold() for file in plan.files}
    assert len(names) == 2


@pytest.mark.parametrize("subject", ["", " ", "\r\n\t"])
async def test_without_a_subject_the_title_says_so(subject: str) -> None:
    plan = await plan_of(filed_with(), of=manifest(mail=Mail(subject=subject)))
    assert plan.document.properties[0].value == NO_SUBJECT
    assert plan.files[0].title == NO_SUBJECT


async def test_a_long_title_is_cut() -> None:
    plan = await plan_of(filed_with(), of=manifest(mail=Mail(subject="word " * 60)))
    title = str(plan.document.properties[0].value)
    assert len(title) <= 100
    assert title.endswith("word…")


@pytest.mark.parametrize(
    ("name", "content_type", "attached_as", "title", "extension"),
    [
        ("Re: Order 1/2, v2.5", "message/rfc822", "item", "Re_ Order 1_2, v2.5", "eml"),
        ("", "message/rfc822", "item", "attachment 2", "eml"),
        ("Ada", "text/vcard", "item", "Ada", "vcf"),
        ("Meeting.ics", "text/calendar", "item", "Meeting", "ics"),
        ("Budget.xlsx", "application/internet-shortcut", "reference", "Budget.xlsx", "url"),
        ("Budget", "text/calendar", "of a later version", "Budget", "ics"),
    ],
)
async def test_items_and_links_are_called_by_their_text(
    name: str, content_type: str, attached_as: str, title: str, extension: str
) -> None:
    """A subject is no file name: what stands after its last dot is no extension."""
    file = staged("attachments/0001", b"x", name, content_type)
    file = msgspec.structs.replace(file, attached_as=attached_as)

    plan = await plan_of(filed_with(), of=manifest("invoices", MIME, file))

    assert (plan.files[1].title, plan.files[1].extension) == (title, extension)


async def test_what_is_to_be_known_of_a_file_is_a_warning_by_number() -> None:
    notes = ("", "empty", "placeholder", "no-address", "of a later version")
    files = [
        msgspec.structs.replace(staged(f"attachments/{number:04}", b"x", "private.pdf"), note=note)
        for number, note in enumerate(notes, 1)
    ]

    warnings = (await plan_of(filed_with(), of=manifest("invoices", MIME, *files))).warnings

    assert [warning.split()[1] for warning in warnings] == ["2", "3", "4"]
    assert "private" not in "".join(warnings)


async def test_what_stands_within_the_message_only_is_a_warning_by_number() -> None:
    of = manifest(left_out=(LeftOut(2, "item"), LeftOut(5, "reference")))
    assert (await plan_of(filed_with(), of=of)).warnings == (
        "attachment 2 (item) is within the message only",
        "attachment 5 (reference) is within the message only",
    )


async def test_a_text_that_was_cut_is_a_warning_without_the_text() -> None:
    of = manifest(mail=Mail(subject="Invoice", headers=(Header("X-Long", "secret " * 40),)))
    plan = await plan_of(filed_with(PD_From="{{ header('x-long') }}"), of=of)
    assert plan.warnings == ('property "PD.From" was cut to what a Text property holds',)
    assert len(str(plan.document.properties[2].value)) <= 100


@pytest.mark.parametrize(
    ("property_", "setting", "value"),
    [
        ("PD.From", "{{ from }}", "Ada Lovelace <ada@example.com>"),
        ("PD.From", "{{ from.domain }}", "example.com"),
        ("PD.From", 4711, "4711"),
        ("PD.From", True, "true"),
        ("PD.Body", "a\nb", "a\r\nb"),
        ("PD.Received", "{{ received }}", "2026-11-24T16:37:44Z"),
        ("PD.Day", "{{ received }}", "2026-11-24"),
        ("PD.Day", "{{ received.strftime('%Y-%m-01') }}", "2026-11-01"),
        ("PD.Paid", True, True),
        ("PD.Paid", "{{ 'invoice' in subject | lower }}", True),
        ("PD.Paid", "no", False),
        ("PD.Amount", 12.5, 12.5),
        ("PD.Amount", "12.5", 12.5),
        ("PD.Count", "{{ attachments | length }}", 0),
        ("PD.Count", 7, 7),
        ("PD.Customer", "contoso", 1),
        ("PD.Customer", "{{ 'Fabrikam' }}", 2),
        ("PD.Customer", "2", 2),
        ("PD.Customer", 2, 2),
        ("PD.Labels", "contoso", (1,)),
        ("PD.Labels", " Fabrikam ;contoso;; FABRIKAM; 3 ", (2, 1, 3)),
        ("PD.Labels", "{{ 'Contoso; Fabrikam' }}", (1, 2)),
        ("PD.Labels", 2, (2,)),
    ],
)
async def test_each_data_type_gets_its_form(property_: str, setting: Any, value: Any) -> None:
    assert await value_of(setting, property_) == value


@pytest.mark.parametrize("value", ["", " ", "\r\n", "\x1b", "\x00 \x7f\u2028"])
@pytest.mark.parametrize("property_", ["PD.Count", "PD.From", "PD.Body"])
async def test_an_empty_value_leaves_the_property_out(property_: str, value: str) -> None:
    """What has control characters only is empty, too: nobody could see it."""
    mail = Mail(headers=(Header("X-Odd", value),))

    assert await value_of("{{ header('X-Odd') }}", property_, mail) is None


@pytest.mark.parametrize("value", ["", ";", " ; ;\r\n"])
async def test_a_list_of_nothing_leaves_the_property_out(value: str) -> None:
    mail = Mail(headers=(Header("X-Odd", value),))

    assert await value_of("{{ header('X-Odd') }}", "PD.Labels", mail) is None


@pytest.mark.parametrize(
    ("property_", "text"),
    [
        ("PD.Count", "many"),
        ("PD.Day", "soon"),
        ("PD.Paid", "perhaps"),
        ("PD.Customer", "Nobody"),
        ("PD.Labels", "Contoso; Twin"),
    ],
)
async def test_an_optional_value_that_does_not_fit_is_left_out_with_a_warning(
    property_: str, text: str
) -> None:
    of = manifest(mail=Mail(subject=text))
    named: dict[str, Any] = {property_.replace(".", "_"): {"value": "{{ subject }}", "optional": True}}
    plan = await plan_of(filed_with(**named), of=of)
    assert len(plan.document.properties) == 2
    assert len(plan.warnings) == 1
    assert plan.warnings[0].startswith(f'property "{property_}" is left out: ')
    assert text not in plan.warnings[0]


@pytest.mark.parametrize("text", ["Nobody", "Twin"])
async def test_a_mail_whose_value_does_not_fit_fails_with_a_remedy(text: str) -> None:
    of = manifest(mail=Mail(subject=text))
    with pytest.raises(MailFault) as caught:
        await plan_of(filed_with(PD_Customer="{{ subject }}"), of=of)
    assert 'source "invoices", property "PD.Customer"' in caught.value.reason
    assert text not in str(caught.value)
    assert "replay" in caught.value.remedy


@pytest.mark.parametrize(
    ("property_", "setting"),
    [("PD_Customer", "Nobody"), ("PD_Count", "many"), ("PD_Paid", 2), ("PD_Day", {"value": "soon"})],
)
async def test_a_constant_that_does_not_fit_fails_no_mail(property_: str, setting: Any) -> None:
    """It fits no mail, so it is for the operator to mend; meanwhile mail waits (design, promise 4)."""
    with pytest.raises(ConfigurationFault):
        await plan_of(filed_with(**{property_: setting}))


async def test_a_template_that_cannot_be_worked_out_fails_the_mail_without_a_word_of_it() -> None:
    of = manifest(mail=Mail(subject="confidential"))
    with pytest.raises(MailFault) as caught:
        await plan_of(filed_with(PD_Count="{{ 1 // (0 if 'conf' in subject else 1) }}"), of=of)
    assert "confidential" not in str(caught.value)
    assert "ZeroDivisionError" in caught.value.reason


async def test_a_mail_without_a_value_that_its_class_requires_fails_with_a_remedy() -> None:
    with pytest.raises(MailFault) as caught:
        await plan_of(
            filed_with(PD_From="{{ from.address }}"),
            of=manifest(mail=Mail(subject="no sender")),
            structure=required(vault.TITLE, vault.FROM),
        )
    assert caught.value.reason == 'This mail has no value for "PD.From", which class "Invoice" requires.'
    assert "default" in caught.value.remedy


async def test_a_required_property_that_nothing_fills_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigurationFault, match='requires "From", without'):
        await plan_of(filed_with(), structure=required(vault.TITLE, 100, 1000, vault.KEY, vault.FROM))


@pytest.mark.parametrize(
    "properties",
    [
        {"PD_Title": "again"},
        {"PD_FilingKey": "forged"},
        {"PD_From": "one", "From": "the same by its name"},
    ],
)
async def test_a_property_has_one_value(properties: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationFault, match="has a value already"):
        await plan_of(filed_with(**properties))


async def test_a_data_type_that_cannot_be_filled_is_a_fault_of_the_configuration() -> None:
    """Else every mail would fail, and stay failed after it is mended."""
    with pytest.raises(ConfigurationFault, match="data type 11"):
        await plan_of(filed_with(PD_Large={"value": "{{ subject }}", "optional": True}))


async def test_the_filing_key_must_be_a_text() -> None:
    with pytest.raises(ConfigurationFault, match="not of data type Text"):
        await Planner("PD.Count").plan(manifest(), filed_with(), MemoryStructure(), NoContent())


@pytest.mark.parametrize("configured", [filed_with(PD_Unknown="x"), source(document={"class": "CL.Unknown"})])
async def test_a_name_that_the_vault_has_not_fails_no_mail(configured: Source) -> None:
    with pytest.raises(ConfigurationFault):
        await plan_of(configured)


addresses = st.builds(Address, st.text(max_size=150), st.text(max_size=150))
mails = st.builds(
    Mail,
    subject=st.text(max_size=300),
    from_=addresses,
    to=st.lists(addresses, max_size=3).map(tuple),
    categories=st.lists(st.text(), max_size=3).map(tuple),
    received=st.text(max_size=30) | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
)


@given(mails, st.lists(st.tuples(st.text(max_size=300), st.text(max_size=40)), max_size=4))
async def test_any_mail_fits_texts_and_times(mail: Mail, attached: list[tuple[str, str]]) -> None:
    """What hostile mail says ends as data: cut, in one line, or left out, never as a fault."""
    configured = filed_with(
        PD_From="{{ from }}{{ to }}{{ categories }}",
        PD_Body="{{ attachments }}",
        PD_Received={"value": "{{ received }}", "optional": True},  # there is mail of the year 1
    )
    files = [staged(f"attachments/{n:04d}", b"x", *names) for n, names in enumerate(attached, 1)]
    plan = await plan_of(configured, of=manifest("invoices", MIME, *files, mail=mail))
    texts = [one.value for one in plan.document.properties if one.data_type is DataType.TEXT]
    assert all(0 < len(str(text)) <= 100 and len(str(text).splitlines()) == 1 for text in texts)
    assert len(plan.files) == 1 + len(attached)
    assert len({f"{file.title}.{file.extension}".casefold() for file in plan.files}) == len(plan.files)


def with_classes(class_: str, *more: str, **changed: Any) -> Source:
    """A source whose documents are of several classes."""
    return source(document={"class": class_, "additional-classes": list(more), **changed})


async def test_what_an_additional_class_requires_and_nothing_fills_fails_no_mail() -> None:
    """The vault would refuse every mail."""
    with pytest.raises(ConfigurationFault, match='class "Confidential" requires "Department", without'):
        await plan_of(with_classes("CL.Invoice", "CL.Confidential"))


async def test_a_mail_without_a_value_that_an_additional_class_requires_fails() -> None:
    configured = with_classes(
        "CL.Invoice", "CL.Confidential", properties={"PD.Department": "{{ header('X-Department') }}"}
    )
    with pytest.raises(MailFault, match='which class "Confidential" requires'):
        await plan_of(configured)


async def test_an_additional_class_has_the_title_where_the_main_one_makes_its_own() -> None:
    plan = await plan_of(with_classes("CL.Ticket", "CL.Attachment"))

    values = {one.id: one.value for one in plan.document.properties}
    assert values[vault.TITLE] == "Invoice 4711"
    assert vault.NUMBER not in values


async def test_a_version_comment_is_such_as_the_vault_takes() -> None:
    configured = source(document={"class": "CL.Invoice", "version-comment": "{{ subject }}\nfiled"})
    plan = await plan_of(configured, of=manifest(mail=Mail(subject="a\x00b\ud800")))

    assert {one.id: one.value for one in plan.document.properties}[COMMENT] == "a b\ufffd\r\nfiled"


async def test_a_class_that_is_named_twice_is_added_once() -> None:
    plan = await plan_of(with_classes("CL.Invoice", "CL.Attachment", "CL.Invoice", "CL.Attachment"))
    alone = await plan_of(with_classes("CL.Invoice", "CL.Invoice"))

    assert {one.id: one.value for one in plan.document.properties}[ADDITIONAL_CLASSES] == (4,)
    assert ADDITIONAL_CLASSES not in [one.id for one in alone.document.properties]


async def test_an_object_type_without_files_fails_no_mail() -> None:
    """Every document that is filed has a file: the vault would refuse each."""
    document = {"class": "CL.Company", "object-type": "OT.Company"}
    with pytest.raises(ConfigurationFault, match=r'document\.object-type: objects of type "Company"'):
        await plan_of(source(document=document))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (SINGLE_FILE, "the app fills it"),
        (ADDITIONAL_CLASSES, "Write document.additional-classes in its place."),
        (WORKFLOW, "Write document.workflow in its place."),
        (STATE, "Write document.state in its place."),
        (CLASS, "Write document.class in its place."),
    ],
)
async def test_a_property_that_has_a_key_of_its_own_cannot_be_set_otherwise(number: int, remedy: str) -> None:
    """By id or name; what fills it would come second to it, or the vault refuse the document."""
    defined = PropertyDef(number, "As it is called", DataType.MULTI_LINE_TEXT)
    structure = MemoryStructure(properties={**vault.PROPERTIES, str(number): defined, defined.name: defined})
    for reference in (str(number), defined.name):
        properties = {reference: {"value": "{{ subject }}", "optional": True}}
        configured = source(document={"class": "CL.Invoice", "properties": properties})
        with pytest.raises(ConfigurationFault, match=f'property "{reference}": cannot stand') as caught:
            await plan_of(configured, structure=structure)
        assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("property_", "template"),
    [
        ("PD.Day", "{{ received | date('%d.%m.%Y') }}"),
        ("PD.Count", "{{ received }}"),
        ("PD.Paid", "{{ mailbox }}"),
    ],
)
async def test_a_template_that_is_of_another_type_fails_no_mail(property_: str, template: str) -> None:
    with pytest.raises(ConfigurationFault, match=f'property "{property_}"'):
        await value_of(template, property_)


@pytest.mark.parametrize(
    "template",
    [
        "{{ header('X-Count') }}",
        "{{ header('X-Rate') }}{{ subject }}",
        "{{ subject | group('Invoice (.*)') }}",
    ],
)
async def test_a_mail_whose_number_is_none_fails_alone(template: str) -> None:
    """Whatever the example says: over what a sender writes freely, one mail must not stop all others."""
    mail = Mail(subject="Invoice no", headers=(Header("X-Count", "no"),))
    with pytest.raises(MailFault, match=r'property "PD\.Count": the value is not a whole number'):
        await value_of(template, "PD.Count", mail)


OF_MAIL = frozenset({MESSAGE_ID, IN_REPLY_TO, IN_REPLY_TO_REFERENCE, CONVERSATION_ID})
LONG_ID = f"<{'0' * 100}@example.com>"


def for_mail(filed: dict[int, str], data_type: DataType = DataType.MULTI_SELECT_LOOKUP) -> MemoryStructure:
    """A structure with M-Files' own properties of e-mail; `filed` are the ids of mail by those of objects."""
    reference = PropertyDef(IN_REPLY_TO_REFERENCE, "In-Reply-To reference", data_type, 0, object_type=0)
    return MemoryStructure(
        classes={"CL.Invoice": ClassDef(1, "Invoice", vault.TITLE, frozenset(), properties=OF_MAIL)},
        objects={0: {number: {MESSAGE_ID: text} for number, text in filed.items()}},
        built_ins={**vault.BUILT_IN, reference.id: reference},
    )


async def of_mail(structure: MemoryStructure, mail: Mail = EXAMPLE, **properties: Any) -> dict[int, Any]:
    """What the properties of e-mail get."""
    plan = await plan_of(filed_with(**properties), of=manifest(mail=mail), structure=structure)
    assert plan.warnings == ()
    return {one.id: one.value for one in plan.document.properties if one.id in OF_MAIL}


async def test_a_reply_names_the_document_of_the_mail_to_which_it_is_one() -> None:
    filed = {1101: "<other@example.com>", 1102: "<0@example.com>"}
    several, one = await of_mail(for_mail(filed)), await of_mail(for_mail(filed, DataType.LOOKUP))

    assert several[IN_REPLY_TO_REFERENCE] == (1102,)
    assert one[IN_REPLY_TO_REFERENCE] == 1102
    assert several.keys() == OF_MAIL


@pytest.mark.parametrize(
    "filed", [{}, {1: "<other@example.com>"}, {1: "<0@example.com>", 2: "<0@example.com>"}]
)
async def test_a_reply_to_what_is_not_filed_or_twice_names_no_document(filed: dict[int, str]) -> None:
    """That is no fault, and nothing to be told of: most mail is an answer to what nobody has filed."""
    assert (await of_mail(for_mail(filed))).keys() == OF_MAIL - {IN_REPLY_TO_REFERENCE}


async def test_a_mail_that_is_no_reply_names_no_document() -> None:
    assert await of_mail(for_mail({1: ""}), Mail(message_id="<1@example.com>")) == {
        MESSAGE_ID: "<1@example.com>"
    }


async def test_without_a_text_property_for_ids_no_document_is_searched() -> None:
    structure = for_mail({1102: "<0@example.com>"})
    lines = PropertyDef(MESSAGE_ID, "Message-ID", DataType.MULTI_LINE_TEXT)
    structure = dataclasses.replace(structure, built_ins={**structure.built_ins, MESSAGE_ID: lines})

    assert (await of_mail(structure)).keys() == OF_MAIL - {IN_REPLY_TO_REFERENCE}


async def test_an_id_that_is_longer_than_its_property_is_left_out_with_a_warning() -> None:
    of = manifest(mail=Mail(message_id=LONG_ID, conversation_id="AAQk"))
    plan = await plan_of(filed_with(), of=of, structure=for_mail({}))

    assert plan.warnings == ('property "Message-ID" is left out: a Text property does not hold the id',)
    assert {one.id for one in plan.document.properties} & OF_MAIL == {CONVERSATION_ID}
