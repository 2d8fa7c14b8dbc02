"""One trace from the notification to the document."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from shared.tracing import traceparent

from .generated import any_text

FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
RECEIVED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_a_trace_that_came_in_goes_on_with_a_span_of_ours() -> None:
    found = FORM.fullmatch(traceparent(RECEIVED))

    assert found is not None
    assert found[1] == "0af7651916cd43dd8448eb211c80319c"
    assert found[2] != "b7ad6b7169203331"
    assert found[3] == "00"


def test_each_trace_that_begins_here_is_another_one_and_is_recorded() -> None:
    traces = {traceparent() for _ in range(50)}

    assert len({trace[3:35] for trace in traces}) == 50
    assert all(FORM.fullmatch(trace) and trace.endswith("-01") for trace in traces)


@pytest.mark.parametrize(
    "received",
    [
        None,
        "",
        "00",
        RECEIVED.upper(),
        RECEIVED[:-1],
        f"{RECEIVED}\n",
        f"{RECEIVED}-x",
        f"ff{RECEIVED[2:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    ],
)
def test_what_is_no_traceparent_begins_a_trace(received: str | None) -> None:
    made = traceparent(received)

    assert FORM.fullmatch(made)
    assert "0af7651916cd43dd8448eb211c80319" not in made


@given(any_text)
def test_no_header_at_all_raises_or_gets_into_a_message(received: str) -> None:
    assert FORM.fullmatch(traceparent(received))
