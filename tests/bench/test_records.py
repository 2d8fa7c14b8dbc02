"""What the record of requests says: where the time of a mail goes, and how many operations it takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bench.records import (
    OWN,
    QUEUE_WAIT,
    Request,
    Span,
    invocations,
    mean_parts,
    operations,
    shares,
)

moments = some.floats(0, 100)


@some.composite
def spans(draw: some.DrawFn) -> Span:
    began = draw(moments)
    return Span(draw(some.sampled_from(["blob", "table", "vault"])), began, began + draw(some.floats(0, 20)))


@given(some.floats(0, 50), some.floats(0.1, 50), some.lists(spans()), some.lists(spans()))
def test_the_shares_are_the_whole_time_of_the_mail(
    began: float, lasts: float, ran: list[Span], asked: list[Span]
) -> None:
    found = shares(began, began + lasts, ran, asked)
    assert sum(found.values()) == pytest.approx(lasts)
    assert all(seconds >= 0 for seconds in found.values())


def test_time_outside_of_functions_is_waiting_whatever_is_asked_then() -> None:
    found = shares(0.0, 10.0, [Span("staging", 2.0, 8.0)], [Span("table", 1.0, 4.0), Span("blob", 3.0, 5.0)])
    assert found == {QUEUE_WAIT: 4.0, "table": pytest.approx(1.5), "blob": pytest.approx(1.5), OWN: 3.0}


def request(service: str, verb: str, path: str, status: int = 200) -> Request:
    return Request(service, verb, f"/account{path}", status, 0.0, 0.1)


def test_operations_are_counted_by_service_and_kind() -> None:
    """The host looks at its queues all the time: only what it got counts, and that was deleted."""
    found = operations(
        [
            request("queue", "GET", "/mail-arrived/messages?numofmessages=8"),
            request("queue", "POST", "/vault-import/messages?x=1"),
            request("queue", "DELETE", "/mail-arrived/messages/1?popreceipt=2"),
            request("table", "PUT", "/filings(PartitionKey='a',RowKey='b')"),
            request("table", "POST", "/filings"),
            request("blob", "PUT", "/staging/a/b"),
            request("blob", "GET", "/staging/a/plan.json", 404),
            request("graph", "GET", "/v1.0/users/a"),
        ],
        "account",
    )
    assert found == {
        "queue put": 1,
        "queue delete": 1,
        "queue get": 1,
        "table PUT filings": 1,
        "table POST filings": 1,
        "blob write": 1,
        "blob GET of nothing": 1,
        "graph GET": 1,
    }


def test_invocations_are_read_from_the_hosts_log(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text(
        "2026-11-25T14:39:06.022Z INFO sandbox.host.invocation: Executing staging (id 6)\n"
        "2026-11-25T14:39:06.083Z INFO sandbox.host.invocation: Executed staging in 60 ms (id 6)\n",
        encoding="utf-8",
    )
    (found,) = invocations(log)
    assert found.what == "staging"
    assert found.ended - found.began == pytest.approx(0.060)


def test_of_many_mails_each_has_its_share_of_what_all_waited_for() -> None:
    ran = [Span("staging", 1.0, 2.0), Span("filing", 1.5, 2.5)]
    asked = [Span("table", 1.0, 1.4), Span("table", 1.6, 1.8), Span("graph", 1.2, 1.5)]
    found = mean_parts([3.0, 2.0], ran, asked)
    assert found == pytest.approx({"functions": 1.0, QUEUE_WAIT: 1.5, "graph": 0.15, "table": 0.3})
