"""What triggers hand to functions, decoded by azure.functions' own converters."""

from __future__ import annotations

from datetime import UTC, datetime

import azure.functions as func
import pytest

from sandbox.host.bindings import (
    AnswerRefused,
    HttpAnswer,
    http_answer,
    http_input,
    manual_queue_input,
    queue_input,
    timer_input,
)
from sandbox.host.queues import QueueMessage

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ONE = datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_a_queue_message_has_all_its_facts() -> None:
    message = QueueMessage(
        "id", "stored", "receipt", 3, NOON, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), ONE
    )
    decoded = queue_input("text ü", message).decode()
    assert isinstance(decoded, func.QueueMessage)
    assert decoded.get_body() == "text ü".encode()
    assert (decoded.id, decoded.pop_receipt, decoded.dequeue_count) == ("id", "receipt", 3)
    assert (decoded.insertion_time, decoded.time_next_visible) == (NOON, ONE)
    assert decoded.expiration_time is not None
    assert decoded.expiration_time.year == 9999


def test_text_given_by_hand_was_never_in_the_queue() -> None:
    decoded = manual_queue_input("text", NOON).decode()
    assert isinstance(decoded, func.QueueMessage)
    assert (decoded.id, decoded.pop_receipt, decoded.dequeue_count) == (None, None, 0)
    assert decoded.insertion_time == NOON


def test_a_request_has_all_its_parts() -> None:
    trigger = http_input(
        "post",
        "http://127.0.0.1:1/api/x?a=1&empty=",
        headers={"Content-Type": "text/plain", "X-Empty": "", "traceparent": "00-trace"},
        query={"a": "1", "empty": ""},
        route={"name": "x"},
        body=b"\xff",
    )
    request = trigger.decode()
    assert isinstance(request, func.HttpRequest)
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:1/api/x?a=1&empty=")
    assert (dict(request.params), dict(request.route_params)) == ({"a": "1"}, {"name": "x"})
    assert (request.headers["content-type"], request.headers["X-EMPTY"]) == ("text/plain", "")
    assert request.get_body() == b"\xff"
    assert trigger.trace_parent == "00-trace"


def test_a_timer_knows_when_it_ran_and_is_due() -> None:
    timer = timer_input(last=NOON, due=ONE, past_due=True).decode()
    assert isinstance(timer, func.TimerRequest)
    assert timer.past_due is True
    assert timer.schedule_status == {  # type: ignore[attr-defined]
        "Last": NOON.isoformat(),
        "LastUpdated": NOON.isoformat(),
        "Next": ONE.isoformat(),
    }


def test_responses_become_what_goes_on_the_wire() -> None:
    response = func.HttpResponse(b"\x00", status_code=418, headers={"X-A": "b"}, mimetype="image/png")
    assert http_answer(response) == HttpAnswer(418, (("X-A", "b"), ("content-type", "image/png")), b"\x00")
    assert http_answer("tü") == HttpAnswer(
        200, (("content-type", "text/plain; charset=utf-8"),), "tü".encode()
    )


def test_cookies_keep_their_attributes() -> None:
    answer = http_answer(func.HttpResponse(headers={"Set-Cookie": "a=b; Path=/; HttpOnly"}))
    assert ("set-cookie", "a=b; HttpOnly; Path=/") in answer.headers


@pytest.mark.parametrize("result", [{"not": "a response"}, None, b"bytes"])
def test_what_is_no_response_is_refused(result: object) -> None:
    with pytest.raises(AnswerRefused, match=type(result).__name__):
        http_answer(result)
