"""What triggers hand to the app, and what it gives back, through the converters of `azure.functions` itself.

The shapes are those in which the real host sends them to the Python worker (azure-functions-host,
GrpcMessageConversionExtensions.cs and the queue extension's QueueTriggerBinding.cs).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from azure.functions import get_binding_registry
from azure.functions.meta import Datum

from sandbox.host.queues import QueueMessage

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class TriggerInput:
    """The value for one invocation, to be decoded by the converter of `binding`."""

    binding: str
    value: Datum
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    trace_parent: str | None = None

    def decode(self) -> object:
        """The argument of the function, of the type that the app expects."""
        return converter(self.binding).decode(self.value, trigger_metadata=self.metadata)


@dataclass(frozen=True)
class HttpAnswer:
    """A response as it goes on the wire."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class AnswerRefused(TypeError):
    """An HTTP function gave back what is no response."""


def converter(binding: str) -> Any:
    """The converter of `azure.functions` for a binding type, as the worker finds it."""
    return get_binding_registry().get(binding)


def http_input(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    route: Mapping[str, str],
    body: bytes,
) -> TriggerInput:
    """An HTTP request. As from the real host, a query parameter without value does not reach the app."""
    request = {
        "method": _text(method),
        "url": _text(url),
        "headers": {name.lower(): _text(value) for name, value in headers.items()},
        "query": {name: _text(value) for name, value in query.items() if value},
        "params": {name: _text(value) for name, value in route.items()},
        "body": Datum(body, "bytes"),
    }
    return TriggerInput("httpTrigger", Datum(request, "http"), trace_parent=headers.get("traceparent"))


def queue_input(text: str, message: QueueMessage) -> TriggerInput:
    """A message taken from its queue; `text` is its decoded content."""
    metadata = {
        "Id": _text(message.id),
        "PopReceipt": _text(message.receipt),
        "DequeueCount": _json(message.dequeue_count),
        **_times(message.inserted, message.expires, message.next_visible),
    }
    return TriggerInput("queueTrigger", _text(text), metadata)


def manual_queue_input(text: str, now: datetime) -> TriggerInput:
    """Text that was never in the queue: no id and no receipt, dequeued zero times
    (StringToStorageQueueMessageConverter.cs)."""
    metadata = {"DequeueCount": _json(0), **_times(now, NEVER, NEVER)}
    return TriggerInput("queueTrigger", _text(text), metadata)


def timer_input(*, last: datetime | None, due: datetime, past_due: bool) -> TriggerInput:
    """A timer's information: when it ran last (None: never) and is due next."""
    before = last.isoformat() if last else "0001-01-01T00:00:00+00:00"
    information = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": {"Last": before, "LastUpdated": before, "Next": due.isoformat()},
        "IsPastDue": past_due,
    }
    return TriggerInput("timerTrigger", _json(information))


def http_answer(result: object) -> HttpAnswer:
    """The response for what an HTTP function returned.

    Raises AnswerRefused for what is neither HttpResponse nor text, as the worker does; nothing is neither.
    """
    try:
        encoded = converter("http").encode(result, expected_type=None)
    except NotImplementedError as error:
        raise AnswerRefused(f"an HTTP function cannot return {type(result).__name__}") from error
    if encoded.type == "string":
        return HttpAnswer(200, (("content-type", "text/plain; charset=utf-8"),), encoded.value.encode())
    response = encoded.value
    headers = [(name, value.value) for name, value in response["headers"].items()]
    for cookies in response["cookies"] or ():
        headers += [("set-cookie", cookie.OutputString()) for cookie in cookies.values()]
    return HttpAnswer(int(response["status_code"].value), tuple(headers), response["body"].value)


def _times(inserted: datetime, expires: datetime, next_visible: datetime) -> dict[str, Datum]:
    moments = {"InsertionTime": inserted, "ExpirationTime": expires, "NextVisibleTime": next_visible}
    return {name: _json(moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")) for name, moment in moments.items()}


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _json(value: object) -> Datum:
    return Datum(json.dumps(value), "json")
