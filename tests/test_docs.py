"""What the guides say, held against the code: whoever adds a key or a setting documents it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from shared.configuration import Attachments, Configuration, Document, PropertyValue, Source, VaultSection
from shared.configuration_file import configuration_of
from shared.mail import Address
from shared.settings import SETTINGS
from shared.templates import EXAMPLE_VOCABULARY

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
SETTINGS_GUIDE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
TABLES: list[type[msgspec.Struct]] = [
    Configuration,
    VaultSection,
    Source,
    Document,
    Attachments,
    PropertyValue,
]
KEYS = sorted({field.encode_name for table in TABLES for field in msgspec.structs.fields(table)})
DONE_LATER = {"add-missing"}
"""Accepted with what is done today, and told of where it does more."""


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


@pytest.mark.parametrize("key", [key for key in KEYS if key not in DONE_LATER])
def test_each_key_of_the_configuration_is_documented(key: str) -> None:
    assert names(key, GUIDE)


def test_what_is_done_later_is_a_key() -> None:
    assert set(KEYS) >= DONE_LATER


@pytest.mark.parametrize("name", EXAMPLE_VOCABULARY)
def test_each_name_of_the_vocabulary_is_documented(name: str) -> None:
    assert names(name, GUIDE)


@pytest.mark.parametrize("part", [*Address.__struct_fields__, "domain"])
def test_each_part_of_an_address_is_documented(part: str) -> None:
    assert f"`.{part}`" in GUIDE


def test_the_key_tables_of_the_guide_hold_no_key_that_is_refused() -> None:
    sections = GUIDE.partition("## Templates")[0]
    rows = [line for line in sections.splitlines() if line.startswith("| `")]
    documented = {re.findall(r"`([^`]+)`", row)[0] for row in rows}

    assert documented
    assert documented <= set(KEYS)


def test_the_defaults_that_the_guide_names_are_the_defaults() -> None:
    least = {
        "vault": {
            "url": "https://mfiles.example.com",
            "guid": "C840BE1A-5B47-4AC0-8EF7-835C166C8E24",
            "filing-key": 1023,
        },
        "source": [{"name": "a", "mailbox": "a@example.com", "document": {"class": 1}}],
    }
    (source,) = configuration_of(least, "guide.toml").source

    assert source.folders == ("inbox",)
    assert '`"inbox/Scans"` | `["inbox"]` |' in GUIDE
    assert source.document.title == "{{ subject }}"
    assert '| `title` | template of the document\'s name | `"{{ subject }}"` |' in GUIDE


@pytest.mark.parametrize(
    "guide", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=lambda file: file.name
)
def test_links_within_the_guides_lead_somewhere(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|srcset)=\"([^\"]+)\"", text)
    local = [one or other for one, other in targets if "://" not in (one or other)]

    assert [target for target in local if not (guide.parent / target).exists()] == []
