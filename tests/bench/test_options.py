"""What `python3 dev.py bench` is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import NAMES, options_of


def test_without_names_all_benches_are_run() -> None:
    options = options_of(["--json", "figures.json"])
    assert not options.names
    assert options.json == Path("figures.json")
    assert not options.long


def test_those_that_are_named_are_run() -> None:
    options = options_of(["memory", "file", "--long"])
    assert options.names == ["memory", "file"]
    assert options.long


def test_a_name_that_no_bench_has_is_refused_with_those_that_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        options_of(["memori"])
    said = capsys.readouterr().err
    assert "'memori'" in said
    assert all(name in said for name in NAMES)
