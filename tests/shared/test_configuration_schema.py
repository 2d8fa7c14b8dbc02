"""The JSON Schema: it knows each key, says what it is for, and refuses nothing that the reader takes."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.example_sources import example_sources
from shared.configuration_file import configuration_of
from shared.configuration_schema import DRAFT, schema
from shared.errors import StartRefused

from .json_schema import KNOWN, disagreements
from .test_configuration_contract import EXAMPLE, LEAST, rule
from .test_configuration_size import HEAD, large_file

ROOT = Path(__file__).parents[2]
WHOLE = schema()
GUIDE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def wrong(text: str) -> list[str]:
    return list(disagreements(tomllib.loads(text), WHOLE, WHOLE))


def parts(of: Any = WHOLE) -> Iterator[dict[str, Any]]:
    """Each schema within the schema, for a value that has a key."""
    tables = [of, *of["$defs"].values()]
    for table in tables:
        yield from table["properties"].values()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param((ROOT / "mail-sources.toml").read_text(encoding="utf-8"), id="shipped"),
        pytest.param(EXAMPLE.read_text(encoding="utf-8"), id="everything"),
        pytest.param(
            example_sources("https://localhost:1", "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"), id="sandbox"
        ),
        pytest.param(large_file(3), id="large"),
        pytest.param(LEAST + rule("a", "skip = true"), id="rule"),
        pytest.param(f"{HEAD}[[source]]\nname = 'a'\nmailbox = 'b'\n", id="all inherited"),
        pytest.param(
            LEAST.replace("document.class", "#") + rule("a", "document = { class = 3 }"),
            id="a rule has the class",
        ),
        pytest.param(LEAST + "since = 2026-11-01T00:00:00Z", id="a time"),
    ],
)
def test_what_the_reader_takes_agrees_with_the_schema(text: str) -> None:
    assert configuration_of(tomllib.loads(text), "x.toml", not_built={}).source
    assert wrong(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LEAST.replace("[vault]", "[vaults]"), ".vault: missing"),
        (LEAST + "mailbx = 'x'", ".source[0].mailbx: unknown"),
        (LEAST + "enabled = 1", ".source[0].enabled: no boolean"),
        (LEAST + "mode = 'watch'", ".source[0].mode: not one of ['file', 'observe']"),
        (LEAST + "folders = []", ".source[0].folders: too few"),
        (LEAST + "folders = ['']", ".source[0].folders[0]: too short"),
        (LEAST + "max-age-days = 0", ".source[0].max-age-days: out of range"),
        (LEAST + "document.properties.PD = []", ".source[0].document.properties.PD: none of 2"),
        (LEAST + "document.properties.PD.val = 1", ".source[0].document.properties.PD: none of 2"),
        (LEAST + 'document.properties."" = 1', ".source[0].document.properties.: too short"),
        (LEAST + "attachments.largest = '1'", ".source[0].attachments.largest: not of the form"),
        (LEAST.replace('"invoices"', '"in\\n"'), ".source[0].name: not of the form"),
        (LEAST + rule("a", "then = 1"), ".source[0].rule[0].then: unknown"),
        (LEAST + "[[source.rule]]", ".source[0].rule[0].name: missing"),
        (f"[defaults]\nname = 'a'\n{LEAST}", ".defaults.name: unknown"),
        (f"[defaults.document]\nclas = 'a'\n{LEAST}", ".defaults.document.clas: unknown"),
    ],
)
def test_a_wrong_form_is_refused_by_both(text: str, said: str) -> None:
    assert said in wrong(text)
    with pytest.raises(StartRefused):
        configuration_of(tomllib.loads(text), "x.toml", not_built={})


def test_every_key_says_what_it_is_for() -> None:
    described = {name: table["description"] for name, table in WHOLE["$defs"].items()}

    assert all(
        form.get("description") or described[form["$ref"].removeprefix("#/$defs/")] for form in parts()
    )


def test_it_is_of_the_draft_that_it_names_and_of_words_that_editors_know() -> None:
    assert WHOLE["$schema"] == DRAFT
    assert json.loads(json.dumps(WHOLE)) == WHOLE
    words = set(re.findall(r'"(\$?[A-Za-z]+)": ', json.dumps([*parts(), WHOLE["$defs"]["Rule"]])))
    assert words <= KNOWN | {"class", "title"} | set().union(
        *(table["properties"] for table in WHOLE["$defs"].values())
    )


def test_nothing_is_of_python_alone() -> None:
    """Its regular expressions end with a sign that JavaScript and Rust do not have; TOML has no null."""
    text = json.dumps(WHOLE)

    assert r"\\Z" not in text
    assert "null" not in text
    assert "Python" not in text
