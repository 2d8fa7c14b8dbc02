"""Whatever a mail says, a property gets a value that the vault takes, or the mail has a fault with a name.

The vault of the sandbox judges what is sent. A fault of the configuration would hold the source: no mail has
such a one, else a single mail could stop all others.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.configuration import Source
from shared.errors import MailFault
from shared.mail import Address, Header, Mail
from shared.plan import Plan
from shared.planning import Planner
from shared.skip import Skip
from shared.vault.protocol import (
    CONVERSATION_ID,
    IN_REPLY_TO,
    MESSAGE_ID,
    ClassDef,
    DataType,
    PropertyDef,
)
from shared.vault.typed_values import one_line
from tests.mail import shapes

from . import memory_structure as memory
from .generated import any_text
from .judging import values_taken
from .made import NoContent, manifest, source, staged
from .memory_structure import MemoryStructure

SHORT, LONG = 60, 20_000
PROPERTIES: dict[str, Any] = {
    "PD.From": "{{ from }}",
    "PD.Body": "{{ body }} {{ header('X-Area') }} {{ to | addresses }} {{ references }} {{ attachments }}",
    "PD.Received": {"value": "{{ header('X-Moment') }}"},
    "PD.Day": {"value": "{{ received | date }}"},
    "PD.Time": {"value": "{{ header('X-Time') }}"},
    "PD.Paid": {"value": "{{ header('X-Truth') }}"},
    "PD.Amount": {"value": "{{ header('X-Number') }}"},
    "PD.Count": {"value": "{{ header('X-Number') | default(attachment_count) }}"},
    "PD.Customer": {"value": "{{ header('X-Customer') }}", "by": "name"},
    "PD.Labels": {"value": "{{ subject }}; {{ header('X-Customer') }}", "add-missing": True},
    "PD.Department": {"value": "{{ header('X-Owner') }}"},
    "PD.Area": {"value": "{{ header('X-Area') }}", "owner": "{{ header('X-Owner') }}", "add-missing": True},
    "PD.Company": {"value": "{{ from.domain }}", "match": "PD.Domain"},
    "PD.Domain": "{{ subject | group('@([^@]*)$') | domain | default(header('X-Area') | cut(30)) }}",
}
FITTING = {
    "X-Moment": (
        "2026-11-24T16:37:44Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "20261124",
    ),
    "X-Time": (
        "16:37",
        "16:37:44",
        "24:00",
        "2026-11-24",
        "16:37:44.9999999",
        "2026-11-24T16:37:44.9+05:30:07",
    ),
    "X-Truth": ("true", "NO", "1", "0", "On "),
    "X-Number": ("17", "-1", "2147483648", "9" * 5000, "1e999", "1,5", ".5", "١٢", "²", "NaN", "Infinity"),
    "X-Customer": ("Contoso", "fabrikam", " Twin", "a;;b; Contoso;contoso", "; ;", "2"),
    "X-Area": ("Offers", "general", "46", "New", "😀" * 60),
    "X-Owner": ("Sales", "34", "D-SALES"),
    "In-Reply-To": ("<0@contoso.com>\r\n <1@contoso.com>",),
    "References": ("<0@contoso.com>",),
}
"""What may fit what is made of these headers, or nearly does."""
RULES = (
    {
        "name": "none",
        "when": "subject is matching('^(a+)+$') and header('X-Area') | domain == from.name",
        "skip": True,
    },
    {"name": "dated", "when": "received and received.year < 1601 and size > attachment_count", "skip": True},
)
CLASS = ClassDef(
    6,
    "Anything",
    memory.TITLE,
    frozenset({memory.TITLE, 100, memory.FROM}),
    properties=frozenset({MESSAGE_ID, IN_REPLY_TO, CONVERSATION_ID}),
)
IN_LINES = PropertyDef(IN_REPLY_TO, "In-Reply-To", DataType.MULTI_LINE_TEXT)
SAID = (
    *(
        "a@b@c.example",
        "<ada@contoso.com>",
        "{{ 1 }}",
        "%PROPERTY_0%",
        "\ud800",
        "a\x00b",
        "\u2028",
        "x" * 101,
    ),
    *("2026-11-24T16:37:44Z", "2026-W48-2", "1600-12-31T23:59:59Z", "Contoso; Twin"),
)
texts = st.sampled_from(SAID) | shapes.texts | any_text
fitting_addresses = st.sampled_from(["ada@contoso.com", "bob@shared.example", "eve@CONTOSO.COM"])
addresses = st.builds(Address, texts, fitting_addresses | texts)
times = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | texts
headers = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) | texts for name, values in FITTING.items()}
).map(lambda values: tuple(Header(name.lower(), value) for name, value in values.items()))
mails = st.builds(
    Mail,
    subject=texts,
    sender=addresses,
    from_=addresses,
    to=st.lists(addresses, max_size=2).map(tuple),
    received=times,
    sent=times,
    importance=texts,
    message_id=texts,
    conversation_id=texts,
    categories=st.lists(texts, max_size=2).map(tuple),
    headers=headers,
)


def a_vault() -> MemoryStructure:
    built_ins = {**memory.BUILT_IN, IN_REPLY_TO: IN_LINES}
    return MemoryStructure(classes={**memory.CLASSES, "CL.Any": CLASS}, built_ins=built_ins)


def over(properties: dict[str, Any], *, optional: bool = False) -> Source:
    """A source that fills these properties."""
    settings = {
        name: {**setting, "optional": optional} if isinstance(setting, dict) else setting
        for name, setting in properties.items()
    }
    document = {
        "class": "CL.Any",
        "title": "{{ subject }} {{ from.name }} {{ received | local }}",
        "version-comment": "{{ subject }}\n{{ header('X-Area') }}",
        "additional-classes": ["CL.Attachment"],
        "properties": settings,
    }
    rules = [{**rule, "document": document} for rule in RULES]
    return source(document=document, rule=rules, attachments={"deny": ["*[!a]*.exe"], "allow": ["*"]})


async def planned(configured: Source, mail: Mail, vault: MemoryStructure, body: str = "") -> Plan | Skip:
    message = staged("message.eml", b"MIME", content_type="message/rfc822")
    file = staged("attachments/0001", b"x", mail.subject, mail.message_id)
    made = manifest("invoices", message, file, mail=mail)
    return await Planner("PD.FilingKey", "Pacific/Auckland").plan(made, configured, vault, NoContent(body))


def said_by(mail: Mail) -> set[str]:
    """What a fault must not repeat of a mail; a short word may stand in one by chance."""
    told = {mail.subject, mail.message_id, mail.from_.name, mail.from_.address}
    told |= {header.value for header in mail.headers}
    return {text.strip() for text in told if len(text.strip()) > 12}


def faults_of(plan: Plan, vault: MemoryStructure) -> list[int]:
    """The properties of which the vault keeps something else than what is planned."""
    kept = values_taken(plan.document, plan.files, vault)
    return [
        one.id
        for one in plan.document.properties
        if isinstance(one.value, str | tuple)
        and one.data_type not in (DataType.DATE, DataType.TIME, DataType.TIMESTAMP)
        and kept[one.id] != one.value
    ]


def look_at_choices(plan: Plan, vault: MemoryStructure, mail: Mail) -> None:
    """What a lookup has chosen has the name or id that the mail says."""
    items = {one.id: one for several in vault.items.values() for one in several}
    values: dict[int, Any] = {one.id: one.value for one in plan.document.properties}

    def is_said(number: int | None, header: str) -> bool:
        said = one_line(mail.header(header)).casefold()
        return number is not None and said in (items[number].name.casefold(), str(number))

    if memory.CUSTOMER in values:
        assert is_said(values[memory.CUSTOMER], "X-Customer")
    if memory.DEPARTMENT in values:
        assert is_said(values[memory.DEPARTMENT], "X-Owner")
    if memory.AREA in values:
        assert is_said(values[memory.AREA], "X-Area")
        assert is_said(items[values[memory.AREA]].owner, "X-Owner")
    if memory.COMPANY in values:
        company = memory.OBJECTS[memory.COMPANIES][values[memory.COMPANY]]
        assert company[memory.DOMAIN] == mail.from_.domain


def test_any_mail_gives_values_that_the_vault_takes_or_has_a_named_fault(pytestconfig: pytest.Config) -> None:
    """Each property has the value that it has alone: none depends on what the others do."""
    configured = {optional: over(PROPERTIES, optional=optional) for optional in (True, False)}
    alone = {
        (name, optional): over({"PD.From": "x", name: setting}, optional=optional)
        for name, setting in PROPERTIES.items()
        for optional in (True, False)
    }
    with asyncio.Runner() as runner:

        @settings(
            max_examples=LONG if pytestconfig.getoption("--long") else SHORT,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
        @given(mails, texts, st.sampled_from(sorted(PROPERTIES)), st.booleans())
        def holds(mail: Mail, body: str, name: str, optional: bool) -> None:
            vault = a_vault()
            one = outcome(alone[name, optional], mail, body, vault)
            whole = outcome(configured[optional], mail, body, vault)
            if isinstance(whole, Plan):
                look_at_choices(whole, vault, mail)
                assert isinstance(one, Plan)
                assert value_of(name, one) == value_of(name, whole)
            elif isinstance(one, str):
                assert f'"{name}"' in one

        def outcome(configured: Source, mail: Mail, body: str, vault: MemoryStructure) -> Plan | Skip | str:
            try:
                made = runner.run(planned(configured, mail, vault, body))
            except MailFault as fault:
                told = f"{fault.reason} {fault.remedy}"
                assert not [text for text in said_by(mail) if text in told]
                assert "invoices" in told or "This mail has no value" in told
                return told
            if isinstance(made, Plan):
                assert faults_of(made, vault) == []
                assert not [text for text in said_by(mail) if text in " ".join(made.warnings)]
            return made

        holds()


def value_of(name: str, plan: Plan) -> object:
    number = memory.PROPERTIES[name].id
    return {one.id: one.value for one in plan.document.properties}.get(number)


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "a" * 100_000 + "!", "@" * 100_000, "; " * 50_000, "(" * 100_000, " " * 200_000 + "x"],
)
def test_no_text_of_a_mail_takes_long(text: str) -> None:
    """The time of templates, conditions, patterns and conversions grows with a text, and no faster."""
    person = Address(text, text)
    mail = Mail(
        subject=text,
        from_=person,
        to=(person,) * 3,
        received=text,
        message_id=text,
        headers=tuple(Header(name, text) for name in FITTING),
    )
    configured = over(PROPERTIES, optional=True)
    begun = time.process_time()

    plan = asyncio.run(planned(configured, mail, a_vault(), text))

    assert time.process_time() - begun < 5
    assert isinstance(plan, Plan | Skip)


def test_a_mail_cannot_hold_its_source_by_naming_an_owner_that_is_none() -> None:
    setting = {"value": "General", "owner": "{{ header('X-Owner') }}"}
    mail = Mail(headers=(Header("X-Owner", "Nobody"),))

    with pytest.raises(MailFault, match=r'property "PD\.Area"'):
        asyncio.run(planned(over({"PD.From": "x", "PD.Area": setting}), mail, a_vault()))
