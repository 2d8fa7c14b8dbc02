"""What the doctor has found in one run, and its form as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec

from shared.doctor.finding import Finding, Status


@dataclass(frozen=True)
class Report:
    """The findings of all checks, in their order."""

    at: datetime
    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """Whether nothing has failed; a warning is no failure."""
        return not any(one.status == "failed" for one in self.findings)

    def number(self, status: Status) -> int:
        """How many findings are of that status."""
        return sum(one.status == status for one in self.findings)

    def as_json(self) -> dict[str, Any]:
        """The shape of `GET /api/doctor` and of `ops.py doctor --json`."""
        return {
            "well": self.well,
            "at": self.at.isoformat(),
            "findings": [asdict(one) for one in self.findings],
        }


class _Read(msgspec.Struct):
    at: datetime
    findings: list[Finding]


def report_of(body: bytes) -> Report:
    """The report in an answer of the app. Raises ValueError when it is none."""
    try:
        read = msgspec.json.decode(body, type=_Read)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"no report of the doctor ({type(error).__name__})") from None
    return Report(read.at, tuple(read.findings))
