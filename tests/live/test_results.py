"""What a run writes down: every fact once, the differences first, and nothing that names a tenant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.live.fact import Fact, Seen
from tests.live.options import read_options
from tests.live.results import append, read, report, result, verdict, without_names

FACT = Fact("graph-thing", "Is it so?", "yes", ("shared/errors.py",))
AT = datetime(2026, 11, 25, 4, 30, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("seen", "said"), [(True, "as expected"), (False, "different"), (None, "recorded")])
def test_a_fact_is_as_expected_different_or_merely_recorded(seen: bool | None, said: str) -> None:
    assert verdict(Seen("", seen)) == said


@pytest.mark.parametrize(
    "text",
    [
        "somebody@contoso.example",
        "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}",
        "https://mfiles.contoso.example/REST/files?x=1",
        "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AtuPl7w3kRUGF8bGgzWXcTgAAAAAYXQAA",
        "Live-Check",
    ],
)
def test_nothing_in_a_result_names_a_tenant(text: str) -> None:
    told = without_names(f"404 ErrorItemNotFound for {text}, twice", ["live-check"])

    assert text.strip("{}").casefold() not in told.casefold()
    assert told.startswith("404 ErrorItemNotFound for ")
    assert told.endswith("twice")


def test_the_report_has_the_last_look_at_each_fact_and_the_differences_first(tmp_path: Path) -> None:
    file, other = tmp_path / "results.jsonl", Fact("graph-other", "And that?")
    for fact, seen in (
        (other, Seen("something | else")),
        (FACT, Seen("yes", True)),
        (FACT, Seen("no, at last", False)),
    ):
        append(file, result(fact, verdict(seen), seen.text, AT, "test", []))

    rows = [line for line in report(read(file)).splitlines() if line.startswith("| graph")]

    assert rows == [
        "| graph-thing | Is it so? | yes | no, at last | different | 2026-11-25 | test |",
        "| graph-other | And that? | — | something \\| else | recorded | 2026-11-25 | test |",
    ]


def test_the_template_of_the_options_can_be_read() -> None:
    options = read_options(Path(__file__).with_name("live.example.toml"))

    assert options.graph.mailbox == "live-check@example.com"
    assert options.listener is None
    assert not options.keyvault.writes
