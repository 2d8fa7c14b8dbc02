"""Templates over a mail: what it lacks is empty, and nothing in it is ever more than data."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.conditions import Condition
from shared.mail import EXAMPLE, Address, Header, Mail, vocabulary
from shared.templates import EXAMPLE_VOCABULARY, TemplateFault, TextTemplate

from .generated import any_text

OF_EVERY_MAIL = {
    "body",
    "time_zone",
    "header",
    "source",
    "mailbox",
    "attachment_count",
    "has_attachments",
    "kind",
    "signed",
    "encrypted",
    "tnef",
}


def rendered(template: str, mail: Mail = EXAMPLE, attachments: tuple[str, ...] = ("invoice.pdf",)) -> str:
    values = vocabulary(mail, attachments, "invoices", "invoices@example.com")
    values |= {"body": "The text of it.", "time_zone": "Europe/Helsinki"}
    return TextTemplate(template).render(values)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("fixed", "fixed"),
        ("fixed\n", "fixed\n"),
        ("{{ subject }}", "Invoice 4711"),
        ("{{ importance }}", "normal"),
        ("{{ message_id }}", "<1@example.com>"),
        ("{{ conversation_id }}", "AAQkADOUpag6yWs="),
        ("{{ from }}", "Ada Lovelace <ada@example.com>"),
        ("{{ from.name }}|{{ from.address }}|{{ from.domain }}", "Ada Lovelace|ada@example.com|example.com"),
        ("{{ sender.address }}", "ada@example.com"),
        ("{{ to }}", "Invoices <invoices@example.com>"),
        ("{{ to[0].address }}", "invoices@example.com"),
        ("{{ to | map(attribute='domain') | join(', ') }}", "example.com"),
        ("{{ cc }}", "Charles Babbage <charles@example.com>"),
        ("{{ bcc[0].name }}", "Archive"),
        ("{{ reply_to }}", "Ada Lovelace <ada@example.com>"),
        ("{{ received }}", "2026-11-24T16:37:44Z"),
        ("{{ received.strftime('%Y') }}", "2026"),
        ("{{ sent }}", "2026-11-24T16:37:41Z"),
        ("{{ sent.year }}", "2026"),
        ("{{ date }}", "2026-11-24T16:37:41Z"),
        ("{{ sensitivity }}", "Private"),
        ("{{ in_reply_to }}", "<0@example.com>"),
        ("{{ references }}", "<00@example.com> <0@example.com>"),
        ("{{ categories }}", "Blue category"),
        ("{{ 'Blue category' in categories }}", "True"),
        ("{{ attachments }}", "invoice.pdf"),
        ("{{ attachments | length }}", "1"),
        ("{{ attachment_count }}", "1"),
        ("{% if has_attachments %}{{ has_attachments }}{% endif %}", "True"),
        ("{{ kind }}", "letter"),
        ("{% if signed and encrypted and tnef %}wrapped{% endif %}", "wrapped"),
        ("{{ signed }} {{ encrypted }} {{ tnef }}", "True True True"),
        ("{{ size }}", ""),
        ("{{ folder }}", "Inbox"),
        ("{{ link }}", "https://outlook.office365.com/owa/?ItemID=AAkALgAA"),
        ("{{ header('x-TICKET') }}", "T-1"),
        ("{{ header('X-Other') }}", ""),
        ("{{ source }}", "invoices"),
        ("{{ mailbox }}", "invoices@example.com"),
        ("{{ body }}", "The text of it."),
        ("{{ time_zone }}", "Europe/Helsinki"),
        ("{{ subject | group('([0-9]+)') }}", "4711"),
        ("{{ subject | group('\\b(\\d+)$') }}", "4711"),
        ("{% if subject is matching(\"^\\w+ \\d+\") %}{{ '}}\\'' }}{% endif %} 'C:\\new'", "}}' 'C:\\new'"),
        ("{{ subject | group('(?P<number>[0-9]+)', 'number') }}", "4711"),
        ("{{ subject | group('^PO-([0-9]+)') | default('none') }}", "none"),
        ("{{ subject | group('([0-9]+)') | int + 1 }} {{ '4.5' | float }}", "4712 4.5"),
        ("{{ 'x' | int }} {{ '42.23' | int }} {{ '0x1F' | int(base=16) }} {{ 'x' | float(7) }}", "0 42 31 7"),
        ("{{ received | date }} {{ received | date('%H:%M') }}", "2026-11-24 18:37"),
        ("{{ received | date(zone='America/New_York', form='%H') }}", "11"),
        ("{{ received | local }}", "2026-11-24 18:37:44+02:00"),
        ("{{ cc | addresses }}|{{ from | addresses }}", "charles@example.com|ada@example.com"),
        ("{{ from | domain }}|{{ from.address | domain }}", "example.com|example.com"),
        ("{{ subject | cut(9) }}", "Invoice…"),
        ("{{ header('X-Other') | default('none') }}|{{ 0 | default(1) }}", "none|0"),
        ("{{ subject | upper }} & <b>", "INVOICE 4711 & <b>"),
        ("{% if subject is matching('[0-9]{4}$') %}number{% endif %}", "number"),
        ("{% if subject is not matching('^PO-') %}no order{% endif %}", "no order"),
    ],
)
def test_what_a_template_says_of_a_mail_that_has_everything(template: str, text: str) -> None:
    assert rendered(template) == text


def test_each_name_of_the_vocabulary_is_in_the_table_above() -> None:
    (mark,) = [
        mark
        for mark in getattr(test_what_a_template_says_of_a_mail_that_has_everything, "pytestmark", [])
        if mark.name == "parametrize"
    ]
    templates = " ".join(template for template, _ in mark.args[1])

    assert [name for name in EXAMPLE_VOCABULARY if f"{{{{ {name}" not in templates] == []


@pytest.mark.parametrize(
    "template",
    [
        *(f"{{{{ {name} }}}}" for name in EXAMPLE_VOCABULARY if name not in OF_EVERY_MAIL),
        "{{ from.address }}{{ from.name }}{{ from.domain }}",
        "{{ sender.address.lower() }}",
        "{{ to[0].address }}",
        "{{ to[0].address.lower().strip() }}",
        "{{ (to | first).name }}",
        "{{ cc[3].domain | upper }}",
        "{{ received.strftime('%Y') }}",
        "{{ received.date().isoformat() }}",
        "{{ sent.year }}",
        "{{ attachments[0] | title }}",
        "{{ attachments[7] }}",
        "{{ received ~ sent }}",
        "{{ categories | join(', ') }}",
        "{{ header('X-Ticket') }}",
        "{{ header('X-Ticket').split('-')[1] }}",
        "{{ subject.split(' ')[7].nothing[0]() }}",
        "{% for address in to %}{{ address }}{% endfor %}",
        "{% if to[0] %}x{% endif %}",
        "{{ header('X-Ticket') | int }}{{ subject | float }}{{ to[0].address | group('([0-9]+)') | int }}",
        "{% if subject is matching('.') %}x{% endif %}",
        "{% if to[0].address is matching('.') %}x{% endif %}",
    ],
)
def test_what_an_empty_mail_lacks_is_empty_all_the_way_down(template: str) -> None:
    assert rendered(template, Mail(), ()) == ""


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{{ from_address }}", "from_address"),
        ("{% if false %}{{ zeta }}{% endif %}", "zeta"),
        ("{{ subject | default(corpus) }}", "corpus"),
        ("{{ zeta }}{{ alpha.address }}", "alpha, zeta"),
        ("{{ zeta }}{{ subjekt }}", "subjekt, zeta"),
    ],
)
def test_a_name_that_no_mail_has_is_refused_when_the_file_is_read(template: str, names: str) -> None:
    with pytest.raises(
        TemplateFault,
        match=f"^no mail has {names}. Known names: attachment_count, attachments, bcc, body, .*, to.$",
    ):
        TextTemplate(template)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ From.address }}", 'no mail has From. Did you mean "from"?'),
        ("{{ SUBJEKT }}", 'no mail has SUBJEKT. Did you mean "subject"?'),
        ("{{ recieved | date }}{{ frm }}", 'no mail has frm, recieved. Did you mean "from", "received"?'),
        ("{% if false %}{{ nobody }}{% endif %}", 'no mail has nobody. Did you mean "body"?'),
        ("{{ subject | defualt }}", "No filter named 'defualt' (did you mean \"default\"?)"),
        ("{{ subject | Upper }}", "No filter named 'Upper' (did you mean \"upper\"?)"),
        ("{{ subject is matchin('x') }}", "No test named 'matchin' (did you mean \"matching\"?)"),
        ("{{ subject is quux }}", "No test named 'quux' (beside Jinja2's own tests there are: matching)"),
        ("{% if false %}{{ subject | uper }}{% endif %}", "No filter named 'uper' (did you mean \"upper\"?)"),
        (
            "{{ 1 if true or subject is matches('x') }}",
            "No test named 'matches' (did you mean \"matching\"?)",
        ),
    ],
)
def test_what_was_meant_is_said(template: str, said: str) -> None:
    """Also where no mail takes the branch in which it stands."""
    with pytest.raises(TemplateFault) as fault:
        TextTemplate(template)

    assert str(fault.value) in (said, f"not a template that works: {said}.")


def test_of_a_filter_that_is_like_none_those_are_named_that_jinja_does_not_have() -> None:
    with pytest.raises(TemplateFault) as fault:
        TextTemplate("{{ subject | zzz }}")

    own = (
        str(fault.value)
        .partition(" (beside Jinja2's own filters there are: ")[2]
        .removesuffix(").")
        .split(", ")
    )
    assert own == sorted(own)
    assert {"addresses", "cut", "date", "default", "domain", "group", "local"} <= set(own)
    assert not {"upper", "join", "replace"} & set(own)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("From.address == 'x'", 'no mail has From. Did you mean "from"?'),
        ("subject is matches('x')", "No test named 'matches' (did you mean \"matching\"?)"),
        ("(subject | uper) == 'x'", "No filter named 'uper' (did you mean \"upper\"?)"),
        ("signed or ((subject | uper) if tnef else 1)", "No filter named 'uper' (did you mean \"upper\"?)"),
    ],
)
def test_what_was_meant_is_said_of_a_condition_too(text: str, said: str) -> None:
    with pytest.raises(TemplateFault) as fault:
        Condition(text)

    assert str(fault.value) in (said, f"not a condition that works: {said}.")


@pytest.mark.parametrize(
    "template",
    [
        "{{",
        "{{ subject",
        "{% if subject %}",
        "{{ subject | no_such_filter }}",
        "{{ subject is no_such_test }}",
        "{{ from.adress }}",
        "{{ to[0].adres }}",
        "{{ subject.nothing }}",
        "{{ subject.nothing | int }}",
        "{{ subject.nothing | float(1.5) }}",
        "{{ received.strftime }}{{ received.strftim('%Y') }}",
        "{{ subject + 1 }}",
        "{{ 1 / 0 }}",
        "{% include 'x' %}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{{ subject is matching('(') }}",
        "{{ subject is matching('(?=x)') }}",
        "{{ subject is matching(r'x\\1') }}",
        "{{ subject is matching(7) }}",
        "{% set subject.x = 1 %}",
        "{{ '%d' % subject }}",
        "{{ '{0.nothing}'.format(subject) }}",
    ],
)
def test_what_is_no_template_that_works_is_refused_when_the_file_is_read(template: str) -> None:
    with pytest.raises(TemplateFault, match=r"^not a template that works: .*\.$"):
        TextTemplate(template)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ '' | attr('__class__') }}",
        "{{ header.__globals__ }}",
        "{{ header.__func__.__globals__['__builtins__'] }}",
        "{{ from.__init__.__globals__ }}",
        "{{ '{0.__class__.__mro__}'.format(subject) }}",
        "{{ '%s'.__class__ }}",
        "{{ received.__reduce__() }}",
        "{{ lipsum.__globals__ }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{% for x in range(999999999) %}{% endfor %}",
        "{{ to.append(1) }}",
        "{% set _ = from.__setattr__('name', 'x') %}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(template: str) -> None:
    with pytest.raises(TemplateFault):
        TextTemplate(template)


HOSTILE = (
    "{{ 7 * 7 }}",
    "{% for x in range(9) %}x{% endfor %}",
    "<script>alert(1)</script> & 'quotes' \"",
    "{{ ''.__class__ }}",
    "%s %(x)s {0} $x \\1",
    "\x00\x1b[31m\u202e\u2028\r\n",
    "\ud800",
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_mail_is_only_ever_data(hostile: str) -> None:
    mail = Mail(subject=hostile, from_=Address(hostile, hostile), headers=(Header("X", hostile),))

    assert rendered("{{ subject }}{{ from.name }}{{ header('X') }}", mail) == hostile * 3


@given(any_text)
def test_any_subject_comes_through_as_it_is(subject: str) -> None:
    assert rendered("{{ subject }}", Mail(subject=subject)) == subject


@pytest.mark.parametrize(
    ("pattern", "subject"),
    [
        ("(a+)+$", "a" * 200_000 + "!"),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 200_000),
        ("(x+x+)+y", "x" * 200_000),
        ("(.*)*[^z]$", "z" * 200_000),
    ],
)
def test_a_hostile_subject_takes_no_time(pattern: str, subject: str) -> None:
    """Python's own expressions would take years: their time grows with two to the power of the length."""
    template = f"{{% if subject is matching('{pattern}') %}}yes{{% else %}}no{{% endif %}}"
    begun = time.process_time()

    assert rendered(template, Mail(subject=subject)) == "no"
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("pattern", "subject", "found"),
    [
        ("^PO-[0-9]+", "PO-17", True),
        ("^PO-[0-9]+", "Re: PO-17", False),
        ("po", "PO", False),
        ("(?i)po", "PO", True),
        ("Größe", "die Größe", True),
        ("^.$", "\N{PILE OF POO}", True),
        ("", "", True),
    ],
)
def test_matching_searches_with_a_regular_expression(pattern: str, subject: str, found: bool) -> None:
    assert rendered(f"{{{{ subject is matching('{pattern}') }}}}", Mail(subject=subject)) == str(found)


@pytest.mark.parametrize(
    ("template", "subject"),
    [
        ("{{ 100 // (subject | length - 5) }}", "Top 5"),
        ("{{ {'Invoice 4711': 1}[subject] + 1 }}", "Top secret"),
        ("{{ subject is matching(subject) }}", "Top ("),
        ("{{ received.strftime(subject ~ '%') }}", "Top \ud800"),
        ("{{ subject.encode('ascii').decode() }}", "Top Größe"),
        ("{{ subject.index('Invoice') }}", "Top secret"),
        ("{{ subject.split(' ')[2] + 1 if subject != 'Invoice 4711' }}", "Top secret"),
    ],
)
def test_no_word_of_the_mail_is_in_a_fault(template: str, subject: str) -> None:
    """It works for the example and not for this mail: that is told by the kind of fault only."""
    compiled = TextTemplate(template)
    with pytest.raises(TemplateFault) as fault:
        compiled.render(vocabulary(Mail(subject=subject, received=EXAMPLE.received), (), "s", "m"))

    assert str(fault.value).startswith("could not be worked out for this mail (")
    assert not any(word in str(fault.value) for word in ("Top", "secret", "Größe"))
    assert fault.value.__cause__ is None


_pieces: list[Callable[[str], str]] = [
    "{{{{ {} }}}}".format,
    "{{{{ {}.address }}}}".format,
    "{{{{ {}[0] }}}}".format,
    "{{{{ {} | upper }}}}".format,
    "{{% if {} %}}x{{% endif %}}".format,
    "{{% for x in {} %}}{{{{ x }}}}{{% endfor %}}".format,
]


@given(
    some.lists(some.tuples(some.sampled_from(_pieces), some.sampled_from([*EXAMPLE_VOCABULARY, "x", "("])))
)
def test_what_works_for_the_example_works_for_an_empty_mail(
    parts: list[tuple[Callable[[str], str], str]],
) -> None:
    try:
        template = TextTemplate("".join(piece(name) for piece, name in parts))
    except TemplateFault:
        return
    assert template.render(EXAMPLE_VOCABULARY) == template.render({**EXAMPLE_VOCABULARY})
    assert not parts or template.render(vocabulary(Mail(), (), "s", "m")) != template.text
