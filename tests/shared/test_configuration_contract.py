"""The whole contract of `mail-sources.toml`, also of what is not built yet."""

from __future__ import annotations

import pathlib
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.configuration import (
    After,
    AttachmentDocument,
    Attachments,
    Configuration,
    Document,
    OnFailure,
    PropertyValue,
    Source,
    VaultSection,
    size,
)
from shared.configuration_built import NOT_BUILT
from shared.configuration_file import configuration_in, configuration_of, read_configuration
from shared.configuration_lines import lines_of
from shared.configuration_places import Path
from shared.errors import StartRefused

from .generated import json_values

EXAMPLE = pathlib.Path(__file__).with_name("everything.toml")
VAULT = """
[vault]
url = "https://mfiles.example.com"
guid = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
filing-key = "PD.FilingKey"
"""
LEAST = f"""{VAULT}
[[source]]
name = "invoices"
mailbox = "invoices@example.com"
document.class = "CL.Invoice"
"""
HERE = 'source 1 "invoices"'


def read(text: str) -> Configuration:
    return configuration_of(tomllib.loads(text), "x.toml", text, not_built={})


def faults(text: str) -> list[str]:
    """What is wrong, each with its line before it."""
    with pytest.raises(StartRefused) as refused:
        read(text)
    return [fault.removeprefix("x.toml:") for fault in refused.value.faults]


def fault(text: str) -> str:
    """The only thing that is wrong, without its line."""
    (said,) = faults(text)
    return said.partition(": ")[2]


def second(name: str, more: str = "") -> str:
    return f'\n[[source]]\nname = "{name}"\nmailbox = "{name}@example.com"\ndocument.class = 1\n{more}\n'


def rule(name: str, more: str = "") -> str:
    return f'\n[[source.rule]]\nname = "{name}"\n{more}\n'


WHEN = 'when = "subject"\n'


def test_everything_that_there_is_to_say_can_be_said() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    configuration = read(text)
    first, last = configuration.source

    assert configuration.time_zone == "Europe/Helsinki"
    assert configuration.allow_delete
    assert configuration.vault == VaultSection(
        "https://mfiles.example.com",
        "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}",
        "PD.FilingKey",
        domain="EXAMPLE",
        at_once=8,
        chunked_upload=True,
    )
    assert (first.name, first.formerly, first.key_name) == ("invoices", "bills", "bills")
    assert (first.enabled, first.mode, first.max_age_days) == (True, "observe", 30)
    assert first.after == After(read=True, category="Filed in M-Files", move_to="inbox/Filed")
    assert first.on_failure == OnFailure(category="Not filed", move_to="inbox/Faulty")
    assert first.attachments == Attachments("skip", ("*.exe", "video/*"), ("*.pdf",), "25MB")
    assert first.document == Document(
        "CL.Invoice",
        content="linked-attachments",
        message_format="html",
        title="{{ subject }} of {{ from.name }}",
        duplicates="skip",
        properties={
            "PD.Archive": "main",
            "PD.From": "{{ from.address }}",
            "PD.Customer": PropertyValue("{{ from.domain }}", optional=True, match="PD.Domain"),
            "PD.Project": PropertyValue(
                "{{ subject }}", add_missing=True, by="name", owner="{{ from.domain }}"
            ),
            "1101": 17,
        },
        object_type="OT.Letter",
        additional_classes=("CL.Record", 22),
        workflow="WF.Invoices",
        state="WFS.New",
        version_comment="From {{ mailbox }}",
        attachment=AttachmentDocument(
            "CL.Attachment", "{{ attachment.name }}", {"PD.Archive": "main"}, relation="PD.Letter"
        ),
    )
    assert [one.name for one in first.rule] == ["orders", "newsletters", "rest"]
    assert last == Source("orders", "orders@example.com", last.document, max_age_days=30)
    assert last.document == Document("CL.Order", properties={"PD.Archive": "main"})


def test_a_rule_has_what_it_does_not_say_from_its_source() -> None:
    source = read(EXAMPLE.read_text(encoding="utf-8")).source[0]
    orders, newsletters, rest = source.rule
    assert orders.document is not None

    assert orders.document.class_ == "CL.PurchaseOrder"
    assert orders.document.properties["PD.From"] == "{{ sender.address }}"
    assert orders.document.properties["PD.Archive"] == "main"
    assert orders.document.content == "attachments"
    assert orders.document.without_attachments == "skip"
    assert orders.after == After(category="Order")
    assert orders.attachments == Attachments(deny=("*.zip",))
    assert orders.on_failure == source.on_failure
    assert newsletters.skip
    assert newsletters.document is None
    assert rest.when is None
    assert rest.document == source.document
    assert rest.after == source.after


def test_what_is_not_built_yet_is_refused_at_every_place_that_the_table_names() -> None:
    """Whoever builds something takes it out of the table; then the whole example is read."""
    data = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    refused: tuple[str, ...] = ()
    try:
        read_configuration(EXAMPLE)
    except StartRefused as error:
        refused = error.faults

    assert all("is not built yet" in said or "in this version" in said for said in refused)
    for place, accepted in NOT_BUILT.items():
        with pytest.raises(StartRefused):
            configuration_of(data, "x.toml", not_built={place: accepted})
    assert bool(refused) == bool(NOT_BUILT)


@pytest.mark.parametrize(
    ("line", "not_built", "said"),
    [
        ("mode = 'observe'", {"source.mode": ("file",)}, f'{HERE}.mode: must be "file" in this version.'),
        ("mode = 'x'", {"source.mode": ("file",)}, f'{HERE}.mode: must be "file" or "observe".'),
        ("enabled = true", {"source.enabled": ()}, f"{HERE}.enabled: is not built yet. Leave it out."),
        (
            "attachments.deny = ['x']",
            {"source.attachments.deny": ([],)},
            f"{HERE}.attachments.deny: must be [] in this version.",
        ),
        (
            "document.properties.PD = { value = 1, add-missing = true }",
            {"source.document.properties.*.add-missing": (False,)},
            f'{HERE}.document.properties."PD".add-missing: must be false in this version.',
        ),
        (
            "document.properties.PD = { value = 1, optional = true }",
            {"source.document.properties.*.optional": (1,)},
            f'{HERE}.document.properties."PD".optional: must be 1 in this version.',
        ),
    ],
)
def test_what_is_not_built_yet_is_refused_with_what_is_accepted_today(
    line: str, not_built: dict[str, tuple[object, ...]], said: str
) -> None:
    with pytest.raises(StartRefused) as refused:
        configuration_of(tomllib.loads(LEAST + line), "x.toml", not_built=not_built)

    assert refused.value.faults == (f"x.toml: {said}",)


@pytest.mark.parametrize(
    ("line", "not_built"),
    [
        ("mode = 'file'", {"source.mode": ("file",)}),
        ("", {"source.enabled": ()}),
        ("attachments.deny = []", {"source.attachments.deny": ([],)}),
        (
            "document.properties.PD = { value = 1, add-missing = false }",
            {"source.document.properties.*.add-missing": (False,)},
        ),
    ],
)
def test_what_is_done_today_is_accepted(line: str, not_built: dict[str, tuple[object, ...]]) -> None:
    assert configuration_of(tomllib.loads(LEAST + line), "x.toml", not_built=not_built).source


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("[defaults]\nenabled = false\n", "defaults.enabled"),
        (LEAST + rule("a", "document.content = 'message'"), f'{HERE}.rule 1 "a".document.content'),
    ],
)
def test_a_place_of_a_source_is_meant_in_defaults_and_rules_too(where: str, place: str) -> None:
    text = where if LEAST in where else where + LEAST
    refused = {"source.enabled": (), "source.document.content": ("attachments",)}
    with pytest.raises(StartRefused) as caught:
        configuration_of(tomllib.loads(text), "x.toml", not_built=refused)

    assert [said.split(": ")[1] for said in caught.value.faults] == [place]


@pytest.mark.parametrize(
    "text",
    [
        LEAST + second("orders", 'formerly = "bills"'),
        LEAST + "document.workflow = 1\ndocument.state = 2",
        LEAST + 'document.content = "attachments"\ndocument.without-attachments = "skip"',
        LEAST
        + 'document.content = "linked-attachments"\ndocument.attachment.title = "{{ attachment.name }}"',
        LEAST + rule("a", WHEN) + rule("b", "skip = true"),
        LEAST + rule("a", f"{WHEN}document.title = 'x'") + rule("b"),
        LEAST.replace("document.class", "document.title") + rule("a", "document.class = 1"),
        LEAST.replace('document.class = "CL.Invoice"', "")
        + rule("a", f"{WHEN}document.class = 1")
        + rule("b", "skip = true"),
        "allow-delete = true\n" + LEAST + "after.delete = true",
        LEAST + 'after.move-to = "archive"\non-failure.move-to = "AAMkAGIwNTZm="',
        f'[defaults.document]\nclass = 1\nwithout-attachments = "skip"\n{LEAST}',
        LEAST
        + 'document.without-attachments = "skip"\n'
        + rule("a", f'{WHEN}document.content = "attachments"'),
        'time-zone = "America/Argentina/Buenos_Aires"\n' + LEAST,
        LEAST + 'attachments.largest = "512KB"',
        LEAST + "max-age-days = 36500",
    ],
)
def test_what_makes_sense_is_read(text: str) -> None:
    assert read(text).source[0].name == "invoices"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'time-zone = "Europe/Helsinky"\n{LEAST}', "time-zone: is not a known time zone. Did you mean"),
        (f'time-zone = "Europe"\n{LEAST}', "time-zone: is not a known time zone."),
        (f'time-zone = "../UTC"\n{LEAST}', "time-zone: is not a known time zone."),
        (f"allow-delete = 1\n{LEAST}", "allow-delete: must be true or false."),
        (
            LEAST.replace("[vault]", "[vault]\nat-once = 65"),
            "vault.at-once: must be a whole number, 1 to 64.",
        ),
        (f"{LEAST}mode = 'watch'", f'{HERE}.mode: must be "file" or "observe".'),
        (f"{LEAST}max-age-days = 0", f"{HERE}.max-age-days: must be a whole number of days, 1 to 36500."),
        (f"{LEAST}formerly = 'X'", f"{HERE}.formerly: must be 1 to 63 lower-case letters"),
        (f"{LEAST}formerly = 'invoices'", f"{HERE}.formerly: is the present name. Leave it out."),
        (
            f"{LEAST}formerly = 'orders'{second('orders')}",
            f'{HERE}.formerly: is the name of source 2 "orders".',
        ),
        (
            f"{LEAST}formerly = 'bills'" + second("orders", "formerly = 'bills'"),
            'source 2 "orders".formerly: is the former name of source 1 "invoices" already.',
        ),
        (
            f"{LEAST}document.object-type = 1.5",
            f"{HERE}.document.object-type: must be an alias, a name or an id.",
        ),
        (f"{LEAST}document.additional-classes = 3", f"{HERE}.document.additional-classes: must be a list of"),
        (
            f"{LEAST}document.additional-classes = ['']",
            f"{HERE}.document.additional-classes: must be a list of",
        ),
        (f"{LEAST}document.state = 2", f"{HERE}.document.state: needs a workflow beside it."),
        (f"{LEAST}document.content = 'mail'", f'{HERE}.document.content: must be "message" or "message-and-'),
        (
            f"{LEAST}document.without-attachments = 'skip'",
            f'{HERE}.document.without-attachments: goes with content = "attachments" alone.',
        ),
        (
            f"{LEAST}{rule('a', 'document.attachment.class = 1')}",
            f'{HERE}.rule 1 "a".document.attachment: goes with content = "linked-attachments" alone.',
        ),
        (
            f"{LEAST}document.version-comment = '{{{{ nobody }}}}'",
            f"{HERE}.document.version-comment: no mail has",
        ),
        (
            (
                f"{LEAST}document.content = 'linked-attachments'\n"
                "document.attachment.title = '{{ attachment.nam }}'"
            ),
            f"{HERE}.document.attachment.title: ",
        ),
        (
            f"{LEAST}document.title = '{{{{ attachment.name }}}}'",
            f"{HERE}.document.title: no mail has attachment.",
        ),
        (
            f"{LEAST}document.properties.PD = {{ value = 'x', by = 'alias' }}",
            f'{HERE}.document.properties."PD".by: must be "name-or-id" or "id" or "name" or "external-id".',
        ),
        (
            f"{LEAST}document.properties.PD = {{ value = 'x', by = 'id', add-missing = true }}",
            f'{HERE}.document.properties."PD".add-missing: needs names: it does not go with by = "id".',
        ),
        (
            f"{LEAST}document.properties.PD = {{ value = 'x', match = 3, by = 'id' }}",
            f'{HERE}.document.properties."PD".match: does not go with by, owner or add-missing.',
        ),
        (f'{LEAST}document.properties."" = 1', f'{HERE}.document.properties."": has no name.'),
        (
            f"{LEAST}attachments.largest = '25 MB'",
            f"{HERE}.attachments.largest: must be a whole number of KB",
        ),
        (f"{LEAST}attachments.deny = '*.exe'", f"{HERE}.attachments.deny: must be a list of texts"),
        (f"{LEAST}attachments.deny = ['']", f"{HERE}.attachments.deny: must be a list of texts"),
        (f"{LEAST}after.delete = true", f"{HERE}.after.delete: needs allow-delete = true above all tables."),
        (f"{LEAST}after.move-to = 'inbox//x'", f"{HERE}.after.move-to: must be a folder: "),
        (
            f"{LEAST}after.move-to = 'Outbox'",
            f"{HERE}.after.move-to: is a folder that mail cannot be moved to.",
        ),
        (f"{LEAST}on-failure.move-to = 'Inbox'", f"{HERE}.on-failure.move-to: is a folder that this source"),
        (
            f"{LEAST}on-failure.delete = true",
            f"{HERE}.on-failure.delete: is unknown. Known: category, move-to.",
        ),
        (f"{LEAST}rule = 3", f"{HERE}.rule: must be tables, each headed [[source.rule]]."),
        (LEAST + rule("A"), f'{HERE}.rule 1 "A".name: must be 1 to 63 lower-case letters'),
        (LEAST + rule("duplicate"), f'{HERE}.rule 1 "duplicate".name: is a rule of the app itself.'),
        (LEAST + rule("a", WHEN) + rule("a"), f'{HERE}.rule 2 "a".name: another rule of this source has it.'),
        (
            LEAST + rule("a") + rule("b"),
            f'{HERE}.rule 1 "a": takes everything: no rule below it comes to it.',
        ),
        (
            LEAST + rule("a", "skip = true\ndocument.title = 'x'"),
            f'{HERE}.rule 1 "a".skip: does not go with document: what is skipped is not filed.',
        ),
        (
            LEAST + rule("a", "skip = true\nafter.read = true\non-failure.category = 'x'"),
            f'{HERE}.rule 1 "a".skip: does not go with after and on-failure: what is skipped is not filed.',
        ),
        (
            LEAST.replace("document.class", "document.title") + rule("a", f"{WHEN}document.class = 1"),
            f"{HERE}.document.class: is missing.",
        ),
        (f"[defaults]\nname = 'x'\n{LEAST}", "defaults.name: is a matter of each [[source]]."),
        (f"[defaults]\nrules = []\n{LEAST}", "defaults.rules: is unknown."),
        (f"defaults = 3\n{LEAST}", "defaults: must be a table."),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(text: str, said: str) -> None:
    assert fault(text).startswith(said)


def test_a_fault_in_defaults_is_told_once_however_many_inherit_it() -> None:
    text = f"[defaults]\n\nmode = 'x'\n{LEAST}{second('a')}{second('b')}"

    assert faults(text) == ['3: defaults.mode: must be "file" or "observe".']


def test_a_fault_in_defaults_is_told_although_every_source_says_otherwise() -> None:
    text = f"[defaults]\nmode = 'x'\n{LEAST}mode = 'file'"

    assert faults(text) == ['2: defaults.mode: must be "file" or "observe".']


def test_a_fault_of_a_source_is_told_although_its_rules_say_otherwise() -> None:
    text = LEAST + "document.duplicates = 'x'" + rule("a", "document.duplicates = 'file'\ndocument.class = 2")

    assert [
        said.partition(": ")[2] for said in faults(text.replace("document.class =", "document.title =", 1))
    ] == [f'{HERE}.document.duplicates: must be "file" or "skip".']


def test_an_inherited_value_that_is_wrong_here_is_told_where_it_was_written() -> None:
    """The workflow is missing where a source has replaced nothing: the state stands in [defaults]."""
    text = f"[defaults.document]\nstate = 3\n{LEAST}"

    assert faults(text) == ["2: defaults.document.state: needs a workflow beside it."]


def test_a_missing_key_is_told_on_the_line_of_its_table() -> None:
    text = f"{LEAST}\n[[source]]\nname = 'a'\ndocument.class = 1\n"

    assert faults(text) == [f'{text.count(chr(10)) - 2}: source 2 "a".mailbox: is missing.']


def test_a_class_that_no_table_names_is_missed_where_one_can_be_named() -> None:
    text = LEAST.replace("document.class", "document.title") + rule("a", "document.content = 'message'")

    assert [said.partition(": ")[2] for said in faults(text)] == [
        f"{HERE}.document.class: is missing.",
        f'{HERE}.rule 1 "a".document.class: is missing.',
    ]


def test_a_rule_of_a_source_without_a_document_needs_one() -> None:
    text = LEAST.replace('document.class = "CL.Invoice"', "") + rule("a", WHEN)

    assert [said.partition(": ")[2] for said in faults(text)] == [
        f"{HERE}.document: is missing.",
        f'{HERE}.rule 1 "a".document: is missing: its source has none.',
    ]


@pytest.mark.parametrize(("text", "bytes_"), [("1KB", 1024), ("25MB", 26_214_400), ("2GB", 2_147_483_648)])
def test_a_size_is_counted_as_mail_programs_do(text: str, bytes_: int) -> None:
    assert size(text) == bytes_


def test_nothing_to_do_afterwards_is_false() -> None:
    """Only with something to be done does the app need Mail.ReadWrite."""
    assert not After()
    assert not OnFailure()
    assert After(read=True)
    assert OnFailure(category="x")


DATA = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
PLACES = sorted(lines_of(EXAMPLE.read_text(encoding="utf-8")), key=str)


def replaced(data: Any, place: Path, value: object) -> Any:
    """`data` with another value at a place."""
    if not place:
        return value
    first, *rest = place
    copy: Any = [*data] if isinstance(data, list) else {**data}
    copy[first] = replaced(data[first], tuple(rest), value)
    return copy


def refusals(data: dict[str, Any]) -> tuple[str, ...]:
    try:
        configuration_of(data, "x.toml", not_built={})
    except StartRefused as refused:
        return refused.faults
    return ()


@given(some.sampled_from(PLACES), json_values | some.lists(json_values) | some.just("{{ x"))
def test_whatever_stands_anywhere_is_read_or_refused_with_its_place(place: Path, value: object) -> None:
    said = refusals(replaced(DATA, place, value))

    assert all(one.startswith("x.toml: ") and one.endswith((".", "?")) for one in said)


def test_tables_that_are_merged_at_any_depth_are_no_crash() -> None:
    deep = ".".join(["a"] * 1200)
    text = f"{LEAST}{deep} = 1\n[defaults]\n{deep} = 1\n"

    with pytest.raises(StartRefused) as refused:
        configuration_in(text.encode(), "x.toml")
    assert refused.value.faults == ("x.toml: is nested too deeply.",)
