"""Several requests in one: `POST /$batch` (learn.microsoft.com/graph/json-batching)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
import msgspec
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation

from shared.errors import Unavailable, VaultpostError
from shared.graph.client import IMMUTABLE_IDS, GraphClient
from shared.graph.faults import Conflict, NotFound, Refused, fault_of

LARGEST_BATCH = 20
"""Requests in one batch."""


@dataclass(frozen=True)
class Part:
    """A request about `mailbox`."""

    request: RequestInformation
    mailbox: str


class _Asked(msgspec.Struct, omit_defaults=True):
    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: msgspec.Raw | None = None


class _Answered(msgspec.Struct):
    """An answer within a batch; its headers and body may be absent or null."""

    id: str = ""
    status: int = 0
    headers: dict[str, Any] | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Answers(msgspec.Struct):
    responses: list[_Answered] = []


async def send_batch(client: GraphClient, parts: Sequence[Part]) -> list[bytes | VaultpostError]:
    """The body of each answer, or its fault, in the order of `parts`, of which there are at most 20.

    Each has headers of its own, `Prefer` too; answers come in any order, and that of the batch says
    nothing of those within. Raises Unavailable and ConfigurationFault when the batch itself fails.
    """
    request = RequestInformation(Method.POST, "{+baseurl}/$batch", {})
    request.headers.try_add("Accept", "application/json")
    asked = [_asked(number, part.request) for number, part in enumerate(parts)]
    request.set_stream_content(msgspec.json.encode({"requests": asked}), "application/json")
    try:
        answers = await client.answer(request, _Answers, mailbox="")
    except (NotFound, Conflict, Refused) as fault:
        # Never to be taken for what is said of a subscription.
        raise Unavailable(f"Graph takes no batch ({fault})", origin="graph") from None
    found = {answer.id: answer for answer in answers.responses}
    return [_outcome(found.get(str(number)), part.mailbox) for number, part in enumerate(parts)]


def _asked(number: int, request: RequestInformation) -> _Asked:
    # Addresses within a batch are relative to the version of the service.
    request.path_parameters = {**request.path_parameters, "baseurl": ""}
    request.headers.try_add("Prefer", IMMUTABLE_IDS)
    headers = {name: ", ".join(values) for name, values in request.headers.get_all().items()}
    body = msgspec.Raw(request.content) if request.content else None
    method = (request.http_method or Method.GET).value
    return _Asked(str(number), method, request.url, headers, body)


def _outcome(answer: _Answered | None, mailbox: str) -> bytes | VaultpostError:
    if answer is None:
        return Unavailable("Graph's answer to a batch leaves a request out", origin="graph")
    body = bytes(answer.body)
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return body
    headers = httpx.Headers({name: str(value) for name, value in (answer.headers or {}).items()})
    return fault_of(answer.status, headers, body, mailbox)
