"""What the guides say, held against the code: whoever adds a key or a setting documents it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from shared.configuration import (
    After,
    AttachmentDocument,
    Attachments,
    Configuration,
    Document,
    OnFailure,
    PropertyValue,
    Rule,
    Source,
    VaultSection,
)
from shared.configuration_file import configuration_in
from shared.configuration_keys import keys_of
from shared.configuration_schema import TABLES, schema
from shared.mail import Address
from shared.settings import SETTINGS
from shared.templates import EXAMPLE_VOCABULARY

ROOT = Path(__file__).parents[1]
_WITH_EXAMPLE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
_EXAMPLE = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDE = _EXAMPLE.sub("", _WITH_EXAMPLE)
"""Without the example: what stands in that alone is not explained."""
SETTINGS_GUIDE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[msgspec.Struct]] = {
    "Above all tables": Configuration,
    "`[vault]`": VaultSection,
    "`[[source]]`": Source,
    "`[source.document]`": Document,
    "`[source.document.properties]`": PropertyValue,
    "`[source.document.attachment]`": AttachmentDocument,
    "`[source.attachments]`": Attachments,
    "`[[source.rule]]`": Rule,
    "`[source.after]`": After,
    "`[source.on-failure]`": OnFailure,
}
OWN_SECTION = {
    Configuration: {"vault", "source"},
    Source: {"document", "attachments", "rule", "after", "on-failure"},
    Document: {"properties", "attachment"},
}
"""Keys that have a section of their own."""


def code_in(text: str) -> str:
    """All that stands in backticks, and the headings of the file's tables."""
    return " ".join([*re.findall(r"`([^`]+)`", text), *re.findall(r"^#+ .*$", text, re.MULTILINE)])


def names(word: str, text: str) -> bool:
    """Whether `word` stands there as a whole."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", code_in(text)) is not None


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_setting_is_documented_with_its_default(setting: object) -> None:
    name, default = getattr(setting, "name", ""), getattr(setting, "default", None)

    assert names(name, SETTINGS_GUIDE)
    assert default is None or f"`{default}" in SETTINGS_GUIDE


def test_no_setting_is_documented_that_is_not_read() -> None:
    rows = [line.split("|")[1] for line in SETTINGS_GUIDE.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}

    assert documented == {setting.name for setting in SETTINGS}


def section(heading: str) -> str:
    """What stands below a heading of the guide to the configuration."""
    return GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("heading", "table"), SECTIONS.items())
def test_each_key_of_the_schema_is_explained_in_its_section_and_nothing_else(
    heading: str, table: type[msgspec.Struct]
) -> None:
    rows = [line.split("|")[1] for line in section(heading).splitlines() if line.startswith("| `")]
    explained = [key for row in rows for key in re.findall(r"`([^`]+)`", row)]
    of_schema = schema() if table is Configuration else schema()["$defs"][table.__name__]

    assert sorted(explained) == sorted(
        of_schema["properties"].keys() - OWN_SECTION.get(table, set()) - {"defaults"}
    )


def test_each_table_of_the_file_has_a_section() -> None:
    assert set(SECTIONS.values()) == set(TABLES)
    assert section("`[defaults]`")


@pytest.mark.parametrize(("heading", "table"), SECTIONS.items())
def test_the_defaults_that_the_guide_names_are_the_defaults(
    heading: str, table: type[msgspec.Struct]
) -> None:
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(table)}
    for line in section(heading).splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        keys = re.findall(r"`([^`]+)`", cells[1]) if line.startswith("| `") else []
        said = re.match(r"`([^`]*)`", cells[3]) if len(keys) == 1 else None
        if said is not None:
            (value,) = tomllib.loads(f"x = {said[1]}").values()
            assert value == (list(found) if isinstance(found := defaults[keys[0]], tuple) else found), keys


def test_the_example_of_the_guide_is_a_configuration() -> None:
    (example,) = _EXAMPLE.findall(_WITH_EXAMPLE)
    invoices, contracts = configuration_in(example.encode(), "mail-sources.toml").source
    replies, orders = invoices.rule

    assert replies.skip
    assert orders.document is not None
    assert orders.document.class_ == "CL.PurchaseOrder"
    assert orders.document.properties == {
        **invoices.document.properties,
        "PD.OrderNumber": "{{ subject | group('^PO-([0-9]+)') }}",
        "PD.Channel": "Order by e-mail",
    }
    assert orders.after == After(category="Order filed")
    assert contracts.document.attachment.properties.keys() == {"PD.Sender", "PD.FileType"}
    assert contracts.attachments == msgspec.structs.replace(invoices.attachments, allow=("*.pdf", "*.docx"))
    assert contracts.after == invoices.after
    assert {source.document.duplicates for source in (invoices, contracts)} == {"skip"}


def test_the_example_shows_what_an_administrator_asks_for() -> None:
    (example,) = _EXAMPLE.findall(_WITH_EXAMPLE)
    shown = set(keys_within(tomllib.loads(example)))

    assert shown >= {
        *("time-zone", "vault", "defaults", "source", "rule", "document", "properties", "attachment"),
        *("attachments", "inline", "deny", "allow", "largest", "after", "on-failure", "move-to", "category"),
        *("skip", "when", "value", "optional", "add-missing", "match", "workflow", "state", "content"),
    }


def keys_within(value: object) -> Iterator[str]:
    """Each key of a table, and of the tables within."""
    for item in value if isinstance(value, list) else []:
        yield from keys_within(item)
    for key, below in value.items() if isinstance(value, dict) else []:
        yield key
        yield from keys_within(below)


PARITY = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")
ROOTS: dict[str, type[msgspec.Struct]] = {
    "source": Source,
    "vault": VaultSection,
    "document": Document,
    "properties": PropertyValue,
    "attachments": Attachments,
    "rule": Rule,
    "after": After,
    "on-failure": OnFailure,
}


def test_each_key_that_stands_in_the_comparison_with_m_files_is_one() -> None:
    named = re.findall(r"(?<!\[)`([a-z-]+)\.([a-z-]+)`", PARITY)

    assert len(named) > 40
    assert [(root, key) for root, key in named if key not in keys_of(ROOTS[root])] == []


def test_each_row_of_the_comparison_says_where_it_is_or_why_it_is_not_offered() -> None:
    rows = [line for line in PARITY.splitlines() if line.startswith("| ") and not line.startswith("|--")]

    assert len(rows) > 50
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))


@pytest.mark.parametrize("name", EXAMPLE_VOCABULARY)
def test_each_name_of_the_vocabulary_is_documented(name: str) -> None:
    assert names(name, GUIDE)


@pytest.mark.parametrize("part", [*Address.__struct_fields__, "domain"])
def test_each_part_of_an_address_is_documented(part: str) -> None:
    assert f"`.{part}`" in GUIDE


@pytest.mark.parametrize(
    "guide", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=lambda file: file.name
)
def test_links_within_the_guides_lead_somewhere(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)=\"([^\"]+)\"", text)
    local = [one or other for one, other in targets if "://" not in (one or other)]

    assert [target for target in local if not (guide.parent / target).exists()] == []
