"""Reading `mail-sources.toml`: every fault at once, each with its exact place and what to do."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.configuration import Attachments, Configuration, PropertyValue
from shared.configuration_file import configuration_of, read_configuration
from shared.errors import StartRefused

from .generated import json_values

SHIPPED = Path(__file__).parents[2] / "mail-sources.toml"
VAULT = """
[vault]
url = "https://mfiles.example.com"
guid = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
filing-key = "PD.FilingKey"
"""
SOURCE = """
[[source]]
name = "invoices"
mailbox = "invoices@example.com"
"""
DOCUMENT = """
[source.document]
class = "CL.Invoice"
"""
LEAST = VAULT + SOURCE + DOCUMENT
NO_ADDRESS = "must be an address that begins with https:// (http:// is for loopback addresses only)."
NO_NAME = "must be 1 to 63 lower-case letters, digits and hyphens, no hyphen first."
NO_VALUE = "must be a text, a number, true or false."
HERE = 'source 1 "invoices"'
PD_X = f'{HERE}.document.properties."PD.X"'


def read(text: str) -> Configuration:
    return configuration_of(tomllib.loads(text), "mail-sources.toml")


def faults(text: str) -> list[str]:
    """What is wrong with `text`, without the name of the file before each fault."""
    with pytest.raises(StartRefused) as refused:
        read(text)
    assert all(fault.startswith("mail-sources.toml: ") for fault in refused.value.faults)
    return [fault.removeprefix("mail-sources.toml: ") for fault in refused.value.faults]


def without(line: str) -> str:
    assert f"\n{line}\n" in LEAST
    return LEAST.replace(f"\n{line}\n", "\n")


def changed(line: str, into: str) -> str:
    assert f"\n{line}\n" in LEAST
    return LEAST.replace(f"\n{line}\n", f"\n{into}\n")


def in_source(line: str) -> str:
    return VAULT + SOURCE + line + DOCUMENT


def in_properties(line: str) -> str:
    return f"{LEAST}\n[source.document.properties]\n{line}\n"


def test_the_shipped_file_is_read() -> None:
    (source,) = read_configuration(SHIPPED).source

    assert source.name == "invoices"
    assert source.folders == ("inbox",)
    assert source.document.class_ == "CL.Invoice"
    assert source.document.properties["PD.From"] == "{{ from.address }}"
    assert source.document.properties["PD.Ticket"] == PropertyValue("{{ header('X-Ticket') }}", optional=True)


def test_the_least_that_is_needed_gets_the_defaults() -> None:
    configuration = read(LEAST)
    (source,) = configuration.source

    assert configuration.give_up_after == "3d"
    assert configuration.staging_days == 30
    assert source.folders == ("inbox",)
    assert source.document.title == "{{ subject }}"
    assert source.document.content == "message-and-attachments"
    assert source.document.properties == {}
    assert source.attachments == Attachments(inline="keep", deny=())


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('"PD.Text" = "fixed"', "fixed"),
        ('"PD.Empty" = ""', ""),
        ('"PD.Number" = 17', 17),
        ('"PD.Real" = 1.5', 1.5),
        ('"PD.Truth" = false', False),
        ('1023 = "{{ subject }}"', "{{ subject }}"),
        ('"Ä \\"quoted\\"" = "x"', "x"),
        ('"PD.T" = { value = "x" }', PropertyValue("x")),
        ('"PD.T" = { value = 3, optional = true }', PropertyValue(3, optional=True)),
    ],
)
def test_a_property_can_be_fixed_a_template_or_a_table(line: str, value: object) -> None:
    (found,) = read(in_properties(line)).source[0].document.properties.values()

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("days", [2, 30, 365])
def test_staged_bytes_are_there_for_days_up_to_a_year(days: int) -> None:
    assert read(f"staging-days = {days}\n{LEAST}").staging_days == days


@pytest.mark.parametrize("days", ["1", "366", "0", "-3", "30.0", "true", '"30"', '"30d"', "[30]"])
def test_what_is_no_number_of_days_is_refused(days: str) -> None:
    """Half of one day is no time to keep what is still open."""
    assert faults(f"staging-days = {days}\n{LEAST}") == [
        "staging-days: must be a whole number of days, 2 to 365."
    ]


def test_references_can_be_ids() -> None:
    text = changed('filing-key = "PD.FilingKey"', "filing-key = 1023").replace('"CL.Invoice"', "17")
    configuration = read(text)

    assert configuration.vault.filing_key == 1023
    assert configuration.source[0].document.class_ == 17


@pytest.mark.parametrize(
    "text",
    [
        f'give-up-after = "12h"\n{LEAST}',
        f'give-up-after = "90m"\n{LEAST}',
        in_source("since = 2026-11-01"),
        in_source("since = 2026-11-01T00:00:00Z"),
        in_source('mode = "file"'),
        in_source("subfolders = false"),
        in_source("subfolders = true"),
        in_source('folders = ["Inbox", "AAMkAGIwNTZmLWExYzYtNDk4Ny1hMzk4AAA=", "inbox/Scans/2026"]'),
        in_source('[source.attachments]\ninline = "keep"\ndeny = []'),
        f'{LEAST}content = "message-and-attachments"\nmessage-format = "eml"\nduplicates = "file"\n',
        in_properties('"PD.X" = { value = "x", add-missing = false }'),
    ],
)
def test_what_can_be_said_is_accepted(text: str) -> None:
    assert len(read(text).source) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (f"give-up-after = 3\n{LEAST}", 'give-up-after: must be a number of days, hours or minutes: "3d".'),
        (
            f'give-up-after = "3w"\n{LEAST}',
            'give-up-after: must be a number of days, hours or minutes: "3d".',
        ),
        (
            f'give-up-after = "0d"\n{LEAST}',
            'give-up-after: must be a number of days, hours or minutes: "3d".',
        ),
        (in_source("subfolders = 0"), f"{HERE}.subfolders: must be true or false."),
        (in_source('subfolders = "yes"'), f"{HERE}.subfolders: must be true or false."),
        (
            in_source('since = "2026-11-01"'),
            f"{HERE}.since: must be a date, such as 2026-11-01, without quotation marks.",
        ),
        (
            in_source("since = 07:00:00"),
            f"{HERE}.since: must be a date, such as 2026-11-01, without quotation marks.",
        ),
        (
            f'{LEAST}duplicates = "keep"',
            f'{HERE}.document.duplicates: must be "file" or "skip".',
        ),
    ],
)
def test_a_value_of_another_form_is_refused_with_what_it_must_be(text: str, fault: str) -> None:
    assert faults(text) == [fault]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (SOURCE + DOCUMENT, "vault: is missing."),
        (VAULT, "source: is missing."),
        (f"source = []\n{VAULT}", "source: must be one or more tables, each headed [[source]]."),
        (f"source = 3\n{VAULT}", "source: must be one or more tables, each headed [[source]]."),
        (f'source = ["x"]\n{VAULT}', "source 1: must be a table."),
        (
            LEAST.replace("[[source]]", "[source]"),
            "source: must be one or more tables, each headed [[source]].",
        ),
        (f"vault = 3\n{SOURCE}{DOCUMENT}", "vault: must be a table."),
        (without('url = "https://mfiles.example.com"'), "vault.url: is missing."),
        (without('filing-key = "PD.FilingKey"'), "vault.filing-key: is missing."),
        (without('name = "invoices"'), "source 1.name: is missing."),
        (without('mailbox = "invoices@example.com"'), f"{HERE}.mailbox: is missing."),
        (VAULT + SOURCE, f"{HERE}.document: is missing."),
        (without('class = "CL.Invoice"'), f"{HERE}.document.class: is missing."),
        (
            changed('url = "https://mfiles.example.com"', 'url = "http://mfiles.example.com"'),
            f"vault.url: {NO_ADDRESS}",
        ),
        (
            changed('url = "https://mfiles.example.com"', 'url = "https://mfiles.example.com\\n"'),
            f"vault.url: {NO_ADDRESS}",
        ),
        (
            changed('url = "https://mfiles.example.com"', 'url = "http://localhost.example.com"'),
            f"vault.url: {NO_ADDRESS}",
        ),
        (
            changed('guid = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"', 'guid = "Sample Vault"'),
            "vault.guid: must be a GUID, as M-Files Admin shows it.",
        ),
        (changed('filing-key = "PD.FilingKey"', "filing-key = true"), "vault.filing-key: "),
        (changed('filing-key = "PD.FilingKey"', 'filing-key = ""'), "vault.filing-key: "),
        (changed('class = "CL.Invoice"', "class = 1.5"), f"{HERE}.document.class: "),
        (
            changed('name = "invoices"', 'name = "Invoices"'),
            f'source 1 "Invoices".name: {NO_NAME}',
        ),
        (
            changed('name = "invoices"', 'name = "invoices\\n"'),
            f'source 1 "invoices\n".name: {NO_NAME}',
        ),
        (
            changed('name = "invoices"', "name = 7"),
            f"source 1.name: {NO_NAME}",
        ),
        (
            changed('mailbox = "invoices@example.com"', 'mailbox = "o\'neill@example.com"'),
            f"{HERE}.mailbox: must be",
        ),
        (
            changed('mailbox = "invoices@example.com"', 'mailbox = "a@example.com/x"'),
            f"{HERE}.mailbox: must be",
        ),
        (
            changed('mailbox = "invoices@example.com"', 'mailbox = "a@example.com\\n"'),
            f"{HERE}.mailbox: must be",
        ),
        (changed('mailbox = "invoices@example.com"', 'mailbox = ""'), f"{HERE}.mailbox: must be"),
        (in_source('folders = "inbox"'), f'{HERE}.folders: must be a list of texts, such as ["inbox"].'),
        (in_source("folders = []"), f'{HERE}.folders: must be a list of texts, such as ["inbox"].'),
        (in_source('folders = ["inbox", 3]'), f'{HERE}.folders: must be a list of texts, such as ["inbox"].'),
        (in_source('attachments = "keep"'), f"{HERE}.attachments: must be a table."),
        (f"{LEAST}title = 3", f"{HERE}.document.title: must be a text."),
        (f'{LEAST}title = "{{{{ subject "', f"{HERE}.document.title: not a template that works: "),
        (
            f'{LEAST}title = "{{{{ subjekt }}}}"',
            f"{HERE}.document.title: no mail has subjekt. Did you mean ",
        ),
        (f'{LEAST}properties = "x"', f"{HERE}.document.properties: "),
        (in_properties('"PD.X" = [1]'), f'{PD_X}: {NO_VALUE} Write it as a text: "1".'),
        (in_properties('"PD.X" = ["A", "B"]'), f'{PD_X}: {NO_VALUE} Write it as a text: "A; B".'),
        (in_properties('"PD.X" = [true, 1.5]'), f'{PD_X}: {NO_VALUE} Write it as a text: "true; 1.5".'),
        (in_properties('"PD.X" = 2026-11-01'), f'{PD_X}: {NO_VALUE} Write it as a text: "2026-11-01".'),
        (in_properties('"PD.X" = 07:32:00'), f'{PD_X}: {NO_VALUE} Write it as a text: "07:32:00".'),
        (
            in_properties('"PD.X" = { value = 2026-11-01T07:32:00Z }'),
            f'{PD_X}.value: {NO_VALUE} Write it as a text: "2026-11-01T07:32:00+00:00".',
        ),
        (in_properties('"PD.X" = [["A"]]'), f"{PD_X}: {NO_VALUE}"),
        (in_properties('"PD.X" = {}'), f'{HERE}.document.properties."PD.X".value: is missing.'),
        (in_properties('"PD.X" = { value = [] }'), f'{HERE}.document.properties."PD.X".value: {NO_VALUE}'),
        (in_properties('"PD.X" = "{{ nobody }}"'), f'{HERE}.document.properties."PD.X": no mail has nobody.'),
        (
            in_properties('"PD.X" = { value = "{{ nobody }}" }'),
            f'{HERE}.document.properties."PD.X".value: no mail has nobody.',
        ),
        (
            in_properties('"PD.X" = { value = "x", optional = "yes" }'),
            f'{HERE}.document.properties."PD.X".optional: ',
        ),
        (in_source('mailbx = "x"'), f'{HERE}.mailbx: is unknown. Did you mean "mailbox"?'),
        (in_source('folder = ["inbox"]'), f'{HERE}.folder: is unknown. Did you mean "folders"?'),
        (in_source('FOLDER = ["inbox"]'), f'{HERE}.FOLDER: is unknown. Did you mean "folders"?'),
        (f"give_up_after = '3d'\n{LEAST}", 'give_up_after: is unknown. Did you mean "give-up-after"?'),
        (
            changed('filing-key = "PD.FilingKey"', 'filing-key = "x"\nwhatever = 1'),
            "vault.whatever: is unknown. Known: url, guid, filing-key, domain, at-once, chunked-upload.",
        ),
    ],
)
def test_one_fault_alone_is_named_with_its_exact_place(text: str, fault: str) -> None:
    (said,) = faults(text)

    assert said.startswith(fault)
    assert said.endswith((".", "?"))


def test_an_alias_without_quotation_marks_is_a_table_to_toml() -> None:
    assert faults(in_properties('PD.X = "x"')) == [
        (
            f'{HERE}.document.properties."PD".X: is unknown. '
            "Known: value, optional, add-missing, by, owner, match."
        ),
        f'{HERE}.document.properties."PD".value: is missing.',
    ]


def test_the_second_of_two_sources_is_told_by_its_number_and_name() -> None:
    second = SOURCE.replace("invoices", "orders") + "[source.document]\nclass = true\n"

    (said,) = faults(LEAST + second)

    assert said.startswith('source 2 "orders".document.class: ')


def test_names_are_unique() -> None:
    twin = SOURCE.replace("invoices@", "orders@") + DOCUMENT

    assert faults(LEAST + twin) == ['source 2 "invoices".name: another source has it. Names are unique.']


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("", 'folders = ["inbox"]'),
        ('folders = ["inbox"]', 'folders = ["drafts", "Inbox"]'),
        ('folders = ["AAMk="]', 'folders = ["AAMk="]'),
        ('folders = ["inbox/Scans"]', 'folders = ["INBOX/scans/"]'),
    ],
)
def test_two_sources_cannot_watch_one_folder(first: str, second: str) -> None:
    """Its mail would be filed twice. Addresses and well-known names are the same in any case."""
    other = SOURCE.replace('"invoices"', '"orders"').replace("invoices@", "Invoices@") + second + DOCUMENT

    (said,) = faults(in_source(first) + other)

    assert said.startswith('source 2 "orders".folders: "')
    assert said.endswith(f"of this mailbox is watched by {HERE} already.")


@pytest.mark.parametrize(
    ("first", "second", "below"),
    [
        ('folders = ["inbox"]\nsubfolders = true', 'folders = ["Inbox/Scans"]', 'source 2 "orders"'),
        ('folders = ["archive", "inbox/A/B"]', 'folders = ["INBOX/a"]\nsubfolders = true', HERE),
    ],
)
def test_what_is_below_a_folder_of_another_source_with_its_subfolders_is_not_watched_twice(
    first: str, second: str, below: str
) -> None:
    """Its mail would be filed by both."""
    other = SOURCE.replace('"invoices"', '"orders"') + second + DOCUMENT

    (said,) = faults(in_source(first) + other)

    assert said.startswith(f"{below}.folders: ")
    assert "with its subfolders" in said


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('folders = ["inbox"]', 'folders = ["inbox/Scans"]'),
        ('folders = ["inbox"]\nsubfolders = true', 'folders = ["archive"]'),
        ('folders = ["inbox/Scan"]\nsubfolders = true', 'folders = ["inbox/Scans"]'),
        ('folders = ["inbox/Scans"]', 'folders = ["inbox"]'),
    ],
)
def test_folders_that_are_apart_may_have_two_sources(first: str, second: str) -> None:
    other = SOURCE.replace('"invoices"', '"orders"') + second + DOCUMENT

    assert len(read(in_source(first) + other).source) == 2


def test_one_source_may_name_a_folder_and_one_below_it() -> None:
    (source,) = read(in_source('folders = ["inbox", "inbox/Scans"]\nsubfolders = true')).source

    assert source.subfolders
    assert source.folders == ("inbox", "inbox/Scans")


def test_folders_whose_ids_differ_in_case_only_are_two_folders() -> None:
    other = SOURCE.replace('"invoices"', '"orders"') + 'folders = ["AAMkA="]' + DOCUMENT

    assert len(read(in_source('folders = ["AAMka="]') + other).source) == 2


def test_the_same_folder_of_two_mailboxes_is_two_folders() -> None:
    other = SOURCE.replace("invoices", "orders") + DOCUMENT

    assert [source.mailbox for source in read(LEAST + other).source] == [
        "invoices@example.com",
        "orders@example.com",
    ]


def test_all_faults_of_a_file_come_at_once_and_in_one_list() -> None:
    """Also what is wrong between sources that are wrong themselves."""
    text = """
        give-up-after = "soon"
        colour = "red"

        [vault]
        url = "mfiles"
        guid = "x"

        [[source]]
        name = "a"
        mailbox = "a b"
        mode = "watch"
        [source.document]
        class = 1.5
        title = "{{ nobody }}"
        [source.document.properties]
        "PD.A" = "{{ ( }}"
        "PD.B" = { valu = 1 }

        [[source]]
        name = "a"
        mailbox = "A B"
        folders = ["INBOX", "inbox/Scans"]
        document = 3

        [[source]]
        """
    assert [fault.split(": ")[0] for fault in faults(text)] == [
        "give-up-after",
        "colour",
        "vault.url",
        "vault.guid",
        "vault.filing-key",
        'source 1 "a".mailbox',
        'source 1 "a".mode',
        'source 1 "a".document.class',
        'source 1 "a".document.title',
        'source 1 "a".document.properties."PD.A"',
        'source 1 "a".document.properties."PD.B".valu',
        'source 1 "a".document.properties."PD.B".value',
        'source 2 "a".mailbox',
        'source 2 "a".document',
        "source 3.name",
        "source 3.mailbox",
        "source 3.document",
        'source 2 "a".name',
        'source 2 "a".folders',
    ]


def test_an_empty_file_lacks_both_sections() -> None:
    assert faults("") == ["vault: is missing.", "source: is missing."]


def refusal(file: Path) -> str:
    with pytest.raises(StartRefused) as refused:
        read_configuration(file)
    (said,) = refused.value.faults
    return said


def test_a_missing_file_is_named_with_the_setting_that_names_it(tmp_path: Path) -> None:
    said = refusal(tmp_path / "none.toml")

    assert said.startswith(f"{tmp_path / 'none.toml'}: cannot be read (")
    assert said.endswith("VAULTPOST_SOURCES names this file.")


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path)


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes('name = "Ä"'.encode("latin-1"))

    assert refusal(file) == "latin.toml: is not UTF-8. Save it with that encoding."


def test_a_mistake_of_toml_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mail-sources.toml"
    file.write_text('[vault]\nurl = "https://x"\nguid = \n', encoding="utf-8")

    assert refusal(file).startswith("mail-sources.toml:3: is not TOML: ")


def test_a_key_that_stands_there_twice_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mail-sources.toml"
    file.write_text('[vault]\nurl = "https://x"\nurl = "https://y"\n', encoding="utf-8")

    assert refusal(file).startswith("mail-sources.toml:3: is not TOML: ")


def test_a_file_that_ends_too_early_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mail-sources.toml"
    file.write_text('[vault]\nurl = """', encoding="utf-8")

    assert refusal(file).startswith("mail-sources.toml: is not TOML: ")


def test_a_file_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mail-sources.toml"
    file.write_text(f"folders = {'[' * 20_000}", encoding="utf-8")

    assert refusal(file).startswith("mail-sources.toml: is ")


def test_faults_of_a_file_come_with_their_lines_and_in_their_order(tmp_path: Path) -> None:
    """Of a missing key it is the line of its table."""
    file = tmp_path / "mail-sources.toml"
    file.write_text(
        '[[source]]\nname = "a"\nmailbox = "a b"\n\n[source.document]\nclas = 1\n\n[vault]\nurl = 3\n',
        encoding="utf-8",
    )
    with pytest.raises(StartRefused) as refused:
        read_configuration(file)

    assert [": ".join(fault.split(": ")[:2]) for fault in refused.value.faults] == [
        'mail-sources.toml:3: source 1 "a".mailbox',
        'mail-sources.toml:5: source 1 "a".document.class',
        'mail-sources.toml:6: source 1 "a".document.clas',
        "mail-sources.toml:8: vault.guid",
        "mail-sources.toml:8: vault.filing-key",
        "mail-sources.toml:9: vault.url",
    ]


def test_what_is_read_from_a_file_is_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "mail-sources.toml"
    file.write_bytes(in_source("since = 2026-11-01").replace("\n", "\r\n").encode())

    assert read_configuration(file).source[0].since == dt.date(2026, 11, 1)


@given(
    some.dictionaries(
        some.sampled_from(["vault", "source", "give-up-after", "staging-days", "x"]), json_values
    )
)
def test_no_toml_at_all_raises_anything_else(data: dict[str, object]) -> None:
    with pytest.raises(StartRefused):
        configuration_of(data, "mail-sources.toml")


@given(some.dictionaries(some.sampled_from(["name", "mailbox", "folders", "document", "since"]), json_values))
def test_no_source_at_all_raises_anything_else(source: dict[str, object]) -> None:
    data = {**tomllib.loads(VAULT), "source": [source, source]}

    with pytest.raises(StartRefused):
        configuration_of(data, "mail-sources.toml")
