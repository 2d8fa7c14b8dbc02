"""What a request to the public addresses is, before its body is looked at: only what Graph sends is taken.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from urllib.parse import parse_qsl

from shared.notification import LARGEST_BODY, is_answerable

ANSWER_HEADERS: Mapping[str, str] = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""Headers of every answer."""
LARGEST_HANDSHAKE = 1024
"""Bytes of the body of a handshake: Graph's is empty."""
_TOKEN = "validationToken"  # noqa: S105 - the name of a parameter
_MOST_PARAMETERS = 100


class Answer(IntEnum):
    """The HTTP status of an answer to Graph."""

    TOKEN = 200
    QUEUED = 202
    NOT_A_COLLECTION = 400
    TOO_LARGE = 413
    NOT_OF_GRAPH = 415
    AGAIN_PLEASE = 503


@dataclass(frozen=True)
class Handshake:
    """A validation token, to be sent back as plain text."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class Notifications:
    """A body that may be a collection of notifications."""


@dataclass(frozen=True)
class Refusal:
    """What Graph does not send, and why it is none of Graph's: a word for the log."""

    status: Answer
    why: str


def sort(
    url: str, params: Mapping[str, str], headers: Mapping[str, str], length: int
) -> Handshake | Notifications | Refusal:
    """What a POST to `url` is, with a body of `length` bytes.

    `params` are those of its query, decoded; `headers` are found by their name in lower case.
    """
    refusal = _refused_encoding(headers)
    if refusal is not None:
        return refusal
    times, token = _tokens_in(url), params.get(_TOKEN)
    if times == 0 and token is None:
        return _notifications(headers, length)
    return _handshake(times, token or "", headers, length)


def _notifications(headers: Mapping[str, str], length: int) -> Notifications | Refusal:
    if max(length, _content_length(headers)) > LARGEST_BODY:
        return Refusal(Answer.TOO_LARGE, "too large")
    if not _is_type(headers.get("content-type", ""), "application/json"):
        return Refusal(Answer.NOT_OF_GRAPH, "content type")
    return Notifications()


def _handshake(times: int, token: str, headers: Mapping[str, str], length: int) -> Handshake | Refusal:
    if max(length, _content_length(headers)) > LARGEST_HANDSHAKE:
        return Refusal(Answer.TOO_LARGE, "handshake with a body")
    content_type = headers.get("content-type", "")
    if content_type and not _is_type(content_type, "text/plain"):
        return Refusal(Answer.NOT_OF_GRAPH, "content type of a handshake")
    if times > 1 or not is_answerable(token):
        return Refusal(Answer.NOT_A_COLLECTION, "validation token")
    return Handshake(token)


def _refused_encoding(headers: Mapping[str, str]) -> Refusal | None:
    """A body is never unpacked: some kilobytes may become gigabytes."""
    if headers.get("content-encoding", "").strip().casefold() in ("", "identity"):
        return None
    return Refusal(Answer.NOT_OF_GRAPH, "content encoding")


def _tokens_in(url: str) -> int:
    """How many validation tokens a query has: the host joins them to one."""
    try:
        pairs = parse_qsl(
            url.partition("?")[2],
            keep_blank_values=True,
            errors="replace",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        return _MOST_PARAMETERS
    return sum(name.casefold() == _TOKEN.casefold() for name, _ in pairs)


def _content_length(headers: Mapping[str, str]) -> int:
    """What the request says; nothing if it says no number."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _is_type(content_type: str, expected: str) -> bool:
    """Whether a content type is the one that is `expected`, in UTF-8."""
    kind, *parameters = content_type.split(";")
    if kind.strip().casefold() != expected:
        return False
    pairs = [parameter.partition("=") for parameter in parameters]
    charsets = [value for name, _, value in pairs if name.strip().casefold() == "charset"]
    return all(charset.strip().strip('"').casefold() == "utf-8" for charset in charsets)
