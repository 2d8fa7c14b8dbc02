"""The operator's settings file: read as the host reads it, each fault told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.errors import StartRefused
from shared.operations.local_settings import read_values

from .azure_cli import settings_of


def written(directory: Path, content: str) -> Path:
    file = directory / "local.settings.json"
    file.write_text(content, encoding="utf-8")
    return file


def test_the_values_are_read_also_behind_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    content = json.dumps({"IsEncrypted": False, "Values": {"A": "1", "B": ""}, "Host": {}})

    assert read_values(written(tmp_path, f"\ufeff{content}")) == {"A": "1", "B": ""}


def test_what_the_azure_cli_lists_is_read_too(tmp_path: Path) -> None:
    content = json.dumps(settings_of({"A": "1", "B": ""}))

    assert read_values(written(tmp_path, content)) == {"A": "1", "B": ""}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('["A"]', "a list of name and value"),
        ('[{"value": "1"}]', "a list of name and value"),
        ('[{"name": "A", "value": null}]', "A must be a text"),
        ("{}", 'with "Values"'),
        ('{"Values": ["A"]}', 'with "Values"'),
        ('{"IsEncrypted": true, "Values": {}}', "is encrypted"),
        ('{"Values": {"A": 1}}', "A must be a text"),
        ('{"Values": {"A=B": "1"}}', "no name of an environment variable"),
    ],
)
def test_what_is_wrong_is_told_with_the_files_name(tmp_path: Path, content: str, said: str) -> None:
    file = written(tmp_path, content)

    with pytest.raises(StartRefused) as caught:
        read_values(file)

    (fault,) = caught.value.faults
    assert said in fault
    assert str(file) in fault


def test_every_fault_is_told_and_no_value(tmp_path: Path) -> None:
    """A value may be a secret."""
    file = written(tmp_path, '{"Values": {"A": ["secret"], "B": null, "C": "fine"}}')

    with pytest.raises(StartRefused) as caught:
        read_values(file)

    assert len(caught.value.faults) == 2
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="cannot be read"):
        read_values(tmp_path / "none.json")
