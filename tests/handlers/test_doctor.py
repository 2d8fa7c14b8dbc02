"""`GET /api/doctor` and `GET /api/health`: what is told, to whom."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import azure.functions as func
import pytest

from handlers.doctor import examination, state
from shared.doctor.finding import failed, ok
from shared.doctor.health import Health
from shared.doctor.report import Report
from shared.services import Services

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 25, tzinfo=UTC)


@dataclass
class NotingDoctor:
    """Notes what it is asked."""

    report: Report
    asked: list[bool] = field(default_factory=list)

    async def examine(self, *, write: bool = False) -> Report:
        self.asked.append(write)
        return self.report


@dataclass
class Told:
    """A health check that gives this answer."""

    found: Health

    async def answer(self) -> Health:
        return self.found


def request(**params: str) -> func.HttpRequest:
    return func.HttpRequest("GET", "https://app.example.com/api/doctor", params=params, body=b"")


@pytest.mark.parametrize("well", [True, False])
async def test_the_answer_has_all_findings_well_or_not(well: bool) -> None:
    finding = ok("a", "x") if well else failed("a", "x", "do")
    doctor = NotingDoctor(Report(AT, (finding,)))
    answer = await examination(cast(Services, SimpleNamespace(doctor=doctor)), request())

    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert json.loads(answer.get_body()) == doctor.report.as_json()
    assert json.loads(answer.get_body())["well"] is well
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("params", "write"),
    [({}, False), ({"write": "true"}, True), ({"write": "TRUE"}, True), ({"write": "1"}, False)],
)
async def test_documents_are_written_only_if_that_is_asked(params: dict[str, str], write: bool) -> None:
    doctor = NotingDoctor(Report(AT, ()))
    await examination(cast(Services, SimpleNamespace(doctor=doctor)), request(**params))

    assert doctor.asked == [write]


@pytest.mark.parametrize(("found", "status"), [("healthy", 200), ("unhealthy", 503), ("unknown", 503)])
async def test_strangers_are_told_one_word(found: Health, status: int) -> None:
    answer = await state(cast(Services, SimpleNamespace(health=Told(found))))

    assert answer.status_code == status
    assert json.loads(answer.get_body()) == {"status": found}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
