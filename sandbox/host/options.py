"""`host.json`: the options of the host that an app brings with it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sandbox.host.settings import StartRefused

_log = logging.getLogger(__name__)

FLEX_FUNCTION_TIMEOUT = 30 * 60.0
SHORTEST_POLLING_INTERVAL = 0.1
LARGEST_BATCH = 32
_WEEK = 7 * 24 * 3600.0
_INTERVAL = re.compile(r"(?:(\d{1,8})\.)?([01]?\d|2[0-3]):([0-5]?\d):([0-5]?\d)(\.\d{1,7})?")
_UNSET: Mapping[str, object] = {}

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class QueueOptions:
    """How queue triggers are polled; times in seconds (the host.json reference of the queue bindings)."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_polling_interval: float = 60.0
    visibility_timeout: int = 0
    max_dequeue_count: int = 5
    base64: bool = True


@dataclass(frozen=True)
class HostOptions:
    """What this host takes from host.json; `function_timeout` in seconds, None without a limit."""

    route_prefix: str = "api"
    function_timeout: float | None = FLEX_FUNCTION_TIMEOUT
    queues: QueueOptions = QueueOptions()


def read_options(file: Path) -> HostOptions:
    """The options in `file`; StartRefused lists every value that the real host would refuse.

    What only concerns telemetry or extension bundles has no meaning here; other keys that this host does not
    know are named in the log, since the real host would act on them.
    """
    reader = _Reader()
    root = reader.document(file)
    if root is not _UNSET and root.get("version") != "2.0":
        reader.faults.append(f'host.json: version must be "2.0", not {json.dumps(root.get("version"))}')
    extensions = reader.section(root, "extensions", known={"queues", "http"})
    limit: float | None = FLEX_FUNCTION_TIMEOUT
    options = HostOptions(
        route_prefix=reader.value(
            reader.section(extensions, "http", known={"routePrefix"}), "routePrefix", _prefix, "api"
        ),
        function_timeout=reader.value(root, "functionTimeout", _timeout, limit),
        queues=_queue_options(reader, extensions),
    )
    reader.name_unknown("", root, {"version", "extensions", "functionTimeout", "logging", "extensionBundle"})
    if reader.faults:
        raise StartRefused(reader.faults)
    return options


def _queue_options(reader: _Reader, extensions: Mapping[str, object]) -> QueueOptions:
    known = {"batchSize", "newBatchThreshold", "maxPollingInterval", "visibilityTimeout", "maxDequeueCount"}
    queues = reader.section(extensions, "queues", known=known | {"messageEncoding"})
    batch_size = reader.value(queues, "batchSize", _count(1, LARGEST_BATCH), 16)
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=reader.value(queues, "newBatchThreshold", _count(0, 10_000), batch_size // 2),
        max_polling_interval=reader.value(queues, "maxPollingInterval", _polling, 60.0),
        visibility_timeout=reader.value(queues, "visibilityTimeout", _visibility, 0),
        max_dequeue_count=reader.value(queues, "maxDequeueCount", _count(1, 2**31 - 1), 5),
        base64=reader.value(queues, "messageEncoding", _encoding, "base64") == "base64",
    )


class _Reader:
    """Reads one document and gathers its faults."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def document(self, file: Path) -> Mapping[str, object]:
        try:
            document = json.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            self.faults.append(f"host.json: cannot be read: {error.strerror or error}")
            return _UNSET
        except ValueError as error:
            self.faults.append(f"host.json: is not JSON: {error}")
            return _UNSET
        if not isinstance(document, dict):
            self.faults.append("host.json: must be a JSON object")
            return _UNSET
        return document

    def section(self, parent: Mapping[str, object], name: str, known: set[str]) -> Mapping[str, object]:
        section = parent.get(name, _UNSET)
        if not isinstance(section, dict):
            if section is not _UNSET:
                self.faults.append(f"host.json: {name} must be an object")
            return _UNSET
        self.name_unknown(f"{name}.", section, known)
        return section

    def value(
        self, section: Mapping[str, object], name: str, convert: Callable[[object], _Value], default: _Value
    ) -> _Value:
        if name not in section:
            return default
        try:
            return convert(section[name])
        except ValueError as error:
            self.faults.append(f"host.json: {name} {error}, not {json.dumps(section[name])}")
            return default

    def name_unknown(self, place: str, section: Mapping[str, object], known: set[str]) -> None:
        for name in sorted(section.keys() - known):
            _log.warning("host.json: %s%s is not known to this host and has no effect here", place, name)


def _count(least: int, most: int) -> Callable[[object], int]:
    def convert(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return value

    return convert


def _interval(value: object) -> float:
    """Seconds of an interval as .NET writes it: `[d.]hh:mm:ss[.fffffff]`."""
    found = _INTERVAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError('must be an interval such as "00:00:30"')
    days, hours, minutes, seconds, fraction = found.groups()
    whole = ((int(days or 0) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    return whole + float(fraction or 0)


def _polling(value: object) -> float:
    if (seconds := _interval(value)) < SHORTEST_POLLING_INTERVAL:
        raise ValueError('must be at least "00:00:00.100"')
    return seconds


def _visibility(value: object) -> int:
    if (seconds := _interval(value)) > _WEEK:
        raise ValueError("must be seven days at most")
    return int(seconds)


def _timeout(value: object) -> float | None:
    if value == "-1":
        return None
    if (seconds := _interval(value)) < 1:
        raise ValueError('must be at least "00:00:01", or "-1" for no limit')
    return seconds


def _encoding(value: object) -> str:
    if not isinstance(value, str) or value.lower() not in {"base64", "none"}:
        raise ValueError('must be "base64" or "none"')
    return value.lower()


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(?:[\w.~-]+(?:/[\w.~-]+)*)?", value.strip("/")):
        raise ValueError("must be a path without parameters")
    return value.strip("/")
