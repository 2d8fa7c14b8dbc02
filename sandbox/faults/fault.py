"""The kinds of faults, as values: what goes wrong, for which requests, how often."""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

EVERY = "* /"
"""The route of every request."""

NO_ANSWER = -1
"""As the number of bytes of a cut: not even the head of an answer comes."""


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """What all kinds have in common. Raises ValueError for values that make no sense.

    route   a verb, or `*`, a space, and a regular expression that is searched in path and query, both
            with their %-escapes decoded: `GET /messages/[^/]+/\\$value$`
    odds    how probable it is that a matching request is struck, 0 to 1
    times   how many requests are struck at most; None: no limit
    after   how many matching requests pass before the first one is struck
    """

    route: str = EVERY
    odds: float = 1.0
    times: int | None = None
    after: int = 0

    def __post_init__(self) -> None:
        verb, _, pattern = self.route.partition(" ")
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"the route has no regular expression: {error}") from None
        _require(
            bool(re.fullmatch(r"\*|[A-Z]+", verb) and pattern), "a route is a verb or * and an expression"
        )
        _require(0 <= self.odds <= 1, "odds are from 0 to 1")
        _require(self.times is None or self.times > 0, "times is at least 1")
        _require(self.after >= 0, "after is not negative")

    def matches(self, verb: str, address: str) -> bool:
        """Whether the route is that of a request; `address` is its decoded path and query."""
        wanted, _, pattern = self.route.partition(" ")
        return wanted in ("*", verb) and re.search(pattern, address) is not None


class Status(Fault, frozen=True):
    """The request is refused, not handled, in the service's own shape.

    `retry_after` is sent as it is, whatever it says. `code` and `message` take the place of those that the
    service has for this status; a code of Entra ID is the number after `AADSTS`, or the name of the error.
    As in front ends, the answer does not wait for the body, which is read and thrown away, so that the
    connection can be used again.
    """

    status: int
    retry_after: str | None = None
    code: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(400 <= self.status <= 599, "status is from 400 to 599")
        _require(not re.search(r"[\r\n\0]", self.retry_after or ""), "retry_after is one line")


class Latency(Fault, frozen=True):
    """The request waits for so many seconds before it is handled.

    When its client has left by then, a request with a body is not handled any more: see Commit.
    """

    seconds: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.seconds >= 0, "seconds are not negative")


class Cut(Fault, frozen=True):
    """The connection is dropped after the answer's head and so many bytes of its body, at most.

    A shorter answer arrives whole. With -1 the connection is dropped before the request is handled. An answer
    that says how long it is does not if `chunked`: a chunk without length is what must tell of its end.
    """

    bytes: int = NO_ANSWER
    chunked: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.bytes >= NO_ANSWER, "bytes are at least -1")


class Sever(Fault, frozen=True):
    """The connection is dropped once so many bytes of the request's body have come, at least.

    The request is not handled. A shorter one is, unless it does not say how long it is: then the connection
    is dropped at its end.
    """

    bytes: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.bytes >= 0, "bytes are not negative")


class Commit(Fault, frozen=True):
    """The request is handled, and then no answer comes, or one only after `latency` seconds."""

    latency: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.latency is None or self.latency >= 0, "latency is not negative")


class Down(Fault, frozen=True):
    """The service drops every connection as soon as a request comes; it has no route."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(self.route == EVERY, "what is down is down for every route")


class Expire(Fault, frozen=True, kw_only=True):
    """All tokens for the service that were given so far are refused, from the struck request on.

    It strikes once, unless `times` says otherwise: each time, what was given since then is refused, too.
    """

    times: int | None = 1


AnyFault: TypeAlias = Status | Latency | Cut | Sever | Commit | Down | Expire


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(rule)
