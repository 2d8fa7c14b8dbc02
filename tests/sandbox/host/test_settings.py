"""Reading local.settings.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.host.settings import StartRefused, read_values


def written(directory: Path, text: str) -> Path:
    file = directory / "local.settings.json"
    file.write_text(text, encoding="utf-8")
    return file


def faults_of(file: Path) -> tuple[str, ...]:
    with pytest.raises(StartRefused) as refused:
        read_values(file)
    return refused.value.faults


def test_values_are_given_as_they_stand(tmp_path: Path) -> None:
    file = written(tmp_path, '\ufeff{"IsEncrypted": false, "Values": {"A": "1", "Empty": ""}, "Host": {}}')
    assert read_values(file) == {"A": "1", "Empty": ""}


def test_every_faulty_value_is_named_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, '{"Values": {"A": 1, "Good": "x", "B": null, "C=D": "x", "N": "a\\u0000b"}}')
    faults = faults_of(file)
    assert [fault.removeprefix(f"{file}: ") for fault in faults] == [
        "A must be a string, not 1",
        "B must be a string, not null",
        "'C=D' is no name of an environment variable",
        "N holds a NUL character",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is not JSON"),
        ("[]", "must be a JSON object"),
        ("{}", '"Values" must be an object'),
        ('{"Values": []}', '"Values" must be an object'),
        ('{"IsEncrypted": true, "Values": {}}', "IsEncrypted must be false"),
    ],
)
def test_what_is_no_settings_file_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults_of(written(tmp_path, text))
    assert fault in found


def test_a_file_that_is_missing_or_unreadable_is_refused(tmp_path: Path) -> None:
    for file in (tmp_path / "missing.json", tmp_path):
        (fault,) = faults_of(file)
        assert "cannot be read" in fault


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_bytes(b'{"Values": {"A": "\xff"}}')
    (fault,) = faults_of(file)
    assert "is not JSON" in fault
