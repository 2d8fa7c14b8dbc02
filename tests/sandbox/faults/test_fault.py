"""Faults as values: what they match, and what they must not say."""

from __future__ import annotations

import random

import msgspec
import pytest

from sandbox.faults import AnyFault, Commit, Cut, Down, Expire, Faults, Latency, Placed, Sever, Status

MIME = "/v1.0/users/a@example.com/messages/AAMk=/$value"


@pytest.mark.parametrize(
    ("route", "verb", "address", "matches"),
    [
        ("* /", "DELETE", "/anything?at=all", True),
        ("GET /", "GET", MIME, True),
        ("POST /", "GET", MIME, False),
        (r"GET /\$value$", "GET", MIME, True),
        (r"GET ^/REST/objects\?", "GET", "/REST/objects?p0=x", True),
        (r"GET ^/REST/objects\?", "GET", "/REST/objects/0", False),
    ],
)
def test_a_route_is_a_verb_and_an_expression_over_path_and_query(
    route: str, verb: str, address: str, matches: bool
) -> None:
    assert Cut(route=route).matches(verb, address) is matches


@pytest.mark.parametrize(
    "body",
    [
        '{"kind": "status"}',
        '{"kind": "status", "status": 200}',
        '{"kind": "status", "status": 429, "retry_after": "1\\r\\nX: y"}',
        '{"kind": "status", "status": 429, "retry_after": 3}',
        '{"kind": "status", "status": 429, "unknown": 3}',
        '{"kind": "latency", "seconds": -1}',
        '{"kind": "cut", "bytes": -2}',
        '{"kind": "commit", "latency": -1}',
        '{"kind": "down", "route": "GET /"}',
        '{"kind": "cut", "route": "GET"}',
        '{"kind": "cut", "route": "get /"}',
        '{"kind": "cut", "route": "GET ("}',
        '{"kind": "cut", "odds": 1.5}',
        '{"kind": "cut", "times": 0}',
        '{"kind": "cut", "after": -1}',
        '{"kind": "earthquake"}',
        "{}",
    ],
)
def test_what_makes_no_sense_is_refused(body: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=AnyFault)


@pytest.mark.parametrize(
    "fault",
    [
        Status(429, retry_after="2.128", route="GET /v1.0/", odds=0.5, times=2, after=1),
        Latency(0.5),
        Cut(100, chunked=True),
        Sever(5, times=1),
        Commit(1.5),
        Down(),
        Expire(after=3),
    ],
)
def test_json_and_python_say_the_same(fault: AnyFault) -> None:
    assert msgspec.json.decode(msgspec.json.encode(fault), type=AnyFault) == fault


def test_a_fault_begins_after_so_many_matching_requests_and_ends_after_so_many_strikes() -> None:
    placed = Placed(Cut(route="GET /a", after=2, times=2))
    requests = ["/a", "/b", "/a", "/b", "/a", "/a", "/a"]

    struck = [placed.strikes("GET", one, random.Random(0)) for one in requests]

    assert struck == [False, False, False, False, True, True, False]
    assert (placed.seen, placed.struck) == (5, 2)


def test_the_same_seed_strikes_the_same_requests() -> None:
    def struck(seed: int) -> list[bool]:
        placed, chance = Placed(Cut(odds=0.3)), random.Random(seed)
        return [placed.strikes("GET", "/", chance) for _ in range(200)]

    assert struck(7) == struck(7) != struck(8)
    assert 30 <= sum(struck(7)) <= 90


@pytest.mark.parametrize(("odds", "expected"), [(0.0, 0), (1.0, 50)])
def test_odds_of_0_and_1_are_certain(odds: float, expected: int) -> None:
    placed, chance = Placed(Cut(odds=odds)), random.Random(0)

    assert sum(placed.strikes("GET", "/", chance) for _ in range(50)) == expected


def test_where_no_tokens_are_judged_none_expire() -> None:
    with pytest.raises(ValueError, match="judges no tokens"):
        Faults().add(Expire())
