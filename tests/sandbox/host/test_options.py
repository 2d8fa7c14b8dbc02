"""host.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.host.options import HostOptions, QueueOptions, read_options
from sandbox.host.settings import StartRefused


def read(directory: Path, document: object) -> HostOptions:
    file = directory / "host.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return read_options(file)


def queues(**options: object) -> dict[str, object]:
    return {"version": "2.0", "extensions": {"queues": options}}


def test_defaults_are_those_of_the_real_host(tmp_path: Path) -> None:
    options = read(tmp_path, {"version": "2.0"})
    assert options == HostOptions("api", 1800.0, QueueOptions(16, 8, 60.0, 0, 5, base64=True))


def test_every_option_is_honoured(tmp_path: Path) -> None:
    document = queues(
        batchSize=8,
        newBatchThreshold=4,
        maxPollingInterval="00:00:01.5",
        visibilityTimeout="1.00:00:30",
        maxDequeueCount=3,
        messageEncoding="none",
    )
    document["functionTimeout"] = "00:02:00"
    document["extensions"] |= {"http": {"routePrefix": "/v1/"}}  # type: ignore[operator]
    options = read(tmp_path, document)
    assert options == HostOptions("v1", 120.0, QueueOptions(8, 4, 1.5, 86430, 3, base64=False))


def test_the_threshold_is_half_a_batch_unless_given(tmp_path: Path) -> None:
    assert read(tmp_path, queues(batchSize=6)).queues.new_batch_threshold == 3


def test_minus_one_is_no_time_limit(tmp_path: Path) -> None:
    assert read(tmp_path, {"version": "2.0", "functionTimeout": "-1"}).function_timeout is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batchSize", 0),
        ("batchSize", 33),
        ("batchSize", True),
        ("batchSize", "8"),
        ("newBatchThreshold", -1),
        ("maxDequeueCount", 0),
        ("maxPollingInterval", "00:00:00.05"),
        ("maxPollingInterval", 1000),
        ("maxPollingInterval", "24:00:00"),
        ("visibilityTimeout", "30"),
        ("visibilityTimeout", "8.00:00:00"),
        ("messageEncoding", "utf8"),
    ],
)
def test_a_value_out_of_range_refuses_the_start(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(StartRefused, match=f"host.json: {name} must be"):
        read(tmp_path, queues(**{name: value}))


@pytest.mark.parametrize(
    "document",
    [
        "{",
        [],
        {},
        {"version": "1.0"},
        {"version": "2.0", "extensions": []},
        {"version": "2.0", "extensions": {"queues": 1}},
        {"version": "2.0", "functionTimeout": "00:00:00"},
        {"version": "2.0", "extensions": {"http": {"routePrefix": "a/{b}"}}},
    ],
)
def test_a_malformed_document_refuses_the_start(tmp_path: Path, document: object) -> None:
    with pytest.raises(StartRefused):
        read(tmp_path, document)


def test_faults_are_told_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(StartRefused) as refused:
        read(tmp_path, queues(batchSize=0, maxDequeueCount=0) | {"functionTimeout": "soon"})
    assert len(refused.value.faults) == 3


def test_a_missing_file_refuses_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="cannot be read"):
        read_options(tmp_path / "host.json")


def test_keys_without_effect_here_are_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(tmp_path, {**queues(batchSice=4), "retry": {}, "logging": {}, "extensionBundle": {}})
    assert [record.args and record.args[:2] for record in caplog.records] == [  # type: ignore[index]
        ("queues.", "batchSice"),
        ("", "retry"),
    ]
