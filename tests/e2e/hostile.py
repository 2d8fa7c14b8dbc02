"""Requests that are none of Graph's, or say what Graph did not: each with the statuses that it may get."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from sandbox.tenant.graph.forms import seven_decimals
from shared.identities import client_state
from shared.notification import LARGEST_BODY
from tests.shared.generated import any_text, json_values

PATHS = ("/api/notifications", "/api/lifecycle")
HOST_LIMIT = 2 * LARGEST_BODY
JSON = {"Content-Type": "application/json; charset=utf-8"}
TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_OK, _BAD, _GONE, _LARGE, _TYPE, _CLOSED = 202, 400, 404, 413, 415, 0


@dataclass(frozen=True)
class Hostile:
    """A request as it goes on the wire, and what it may be answered."""

    kind: str
    request: bytes
    statuses: frozenset[int]
    method: str = "POST"


def written(
    body: bytes = b"",
    headers: Mapping[str, str] = JSON,
    target: str = PATHS[0],
    method: str = "POST",
    extra: Iterable[bytes] = (),
) -> bytes:
    """A request with its length; `extra` lines of the head come as they are."""
    lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: vaultpost.example.com"]
    lines += [f"{name}: {value}".encode("latin-1") for name, value in headers.items()]
    return b"\r\n".join([*lines, *extra, f"Content-Length: {len(body)}".encode(), b"", body])


def item(state: object, message: object = "AAMkAGUw=", **more: object) -> dict[str, Any]:
    """A notification as Graph writes it."""
    return {
        "subscriptionId": "0fc0d6db-0073-42e5-a186-853da75fb308",
        "subscriptionExpirationDateTime": seven_decimals(datetime.now(UTC) + timedelta(days=3)),
        "changeType": "created",
        "resource": f"Users/x/Messages/{message}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": message},
        "clientState": state,
        "tenantId": "1d8f9b5a-0a0b-4c52-9d0e-2d2f3c0b8f11",
        **more,
    }


def body(*items: object) -> bytes:
    """A collection."""
    return json.dumps({"value": items}).encode()


def corpus(source: str, state: str) -> list[Hostile]:
    """All that is sent again and again; `state` is the source's true client state."""
    bodies = [*_forged(source, state), *_replayed(state), *_broken(body(item(state)))]
    found = [
        Hostile(kind, written(content, target=path), frozenset(statuses))
        for (kind, content, statuses), path in product(bodies, PATHS)
    ]
    return [*found, *_wrong_heads(body(item(state))), *_handshakes(), *_odd_requests(body(item(state)))]


def huge(source: str) -> list[Hostile]:
    """The dear ones: some in a hundred."""
    forged = json.dumps(item(f"{source}." + "A" * 43)).encode()
    full = b'{"value":[' + b",".join([forged] * ((LARGEST_BODY - 12) // (len(forged) + 1))) + b"]}"
    contents = [
        (full, _OK),
        (full + b" " * LARGEST_BODY, _LARGE),
        (b'{"value":["' + b"x" * (LARGEST_BODY - 14) + b'"]}', _OK),
        (b"[" * LARGEST_BODY, _BAD),
        (b'{"value":[' + b"0," * (LARGEST_BODY // 2 - 8) + b"0]}", _BAD),
        (b"\xff" * LARGEST_BODY, _BAD),
    ]
    found = [Hostile("huge", written(content), frozenset({status})) for content, status in contents]
    head = written(headers=JSON).replace(b"Content-Length: 0", f"Content-Length: {HOST_LIMIT + 1}".encode())
    return [*found, Hostile("huge, as it says", head, frozenset({_LARGE}))]


def stream(
    requests: list[Hostile], dear: list[Hostile], made: list[bytes], number: int, chance: random.Random
) -> Iterator[Hostile]:
    """So many requests in any order: each of them at least once, if there is room."""
    for one in range(number):
        if one % 100 == 0:
            yield dear[one // 100 % len(dear)]
        elif one % 4 == 0:
            content = (
                made[one // 4 % len(made)] if one // 4 < len(made) else _spoilt(chance.choice(made), chance)
            )
            request = written(content, target=chance.choice(PATHS))
            yield Hostile("made by Hypothesis", request, frozenset({_OK, _BAD}))
        else:
            yield chance.choice(requests) if one > 2 * len(requests) else requests[one % len(requests)]


def _spoilt(content: bytes, chance: random.Random) -> bytes:
    """Some bytes of it are others, or missing, or there twice."""
    at, end = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    return (
        content[:at] + chance.choice([chance.randbytes(end - at), b"", content[at:end] * 2]) + content[end:]
    )


def made_bodies(source: str, number: int) -> list[bytes]:
    """Bodies that Hypothesis makes, near to notifications and far from them."""
    found: list[bytes] = []
    near = some.fixed_dictionaries(
        {},
        optional={
            "clientState": any_text.map(lambda text: f"{source}.{text}") | json_values,
            "changeType": some.just("created") | json_values,
            "lifecycleEvent": some.just("missed") | json_values,
            "subscriptionId": some.just("7f105c7d") | json_values,
            "subscriptionExpirationDateTime": some.datetimes().map(str) | json_values,
            "resourceData": some.fixed_dictionaries({"id": any_text | json_values}) | json_values,
        },
    )
    collections = some.fixed_dictionaries({"value": some.lists(near | json_values, max_size=8)})
    texts = (collections | json_values).map(lambda value: json.dumps(value).encode())
    contents = texts | some.binary(max_size=200) | texts.flatmap(_cut)

    @settings(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(contents)
    def note(content: bytes) -> None:
        found.append(content)

    note()
    return found


def _cut(text: bytes) -> some.SearchStrategy[bytes]:
    return some.integers(0, len(text)).map(lambda end: text[:end])


_Body = tuple[str, bytes, set[int]]


def _forged(source: str, state: str) -> Iterator[_Body]:
    signature = state.partition(".")[2]
    states = [
        *(None, "", ".", source, f"{source}.", f"{source}.{'A' * 43}", state[:-1], f"{state}A", f" {state}"),
        *(
            state.upper(),
            state.replace(".", ".."),
            f"nobody.{signature}",
            f"{source}-2.{signature}",
            "x" * 9000,
        ),
        *(client_state(source, "another key"), client_state("nobody", "another key"), f"{state}\n", "\ud800"),
        *(
            7,
            [state],
            {"state": state},
            True,
            f"{source}.\u00e4",
            "\N{PILE OF POO}",
            f"{state}\0",
            f"'{state}'",
        ),
    ]
    for one in states:
        yield "forged", body(item(one)), {_OK}
        yield "forged", body(item(one), item(one, lifecycleEvent="missed")), {_OK}
    yield "forged", body(*[item(f"{source}.{number:043}") for number in range(200)]), {_OK}


def _replayed(state: str) -> Iterator[_Body]:
    """Of a subscription that has long ended; and what a holder of a client state may make of it."""
    for days in (1, 30, 3000):
        ended = {"subscriptionExpirationDateTime": seven_decimals(datetime.now(UTC) - timedelta(days=days))}
        yield "replayed", body(item(state, **ended)), {_OK}
        yield "replayed", body(item(state, lifecycleEvent="subscriptionRemoved", **ended)), {_OK}
    for message in (
        "../../me",
        "a b",
        "",
        None,
        7,
        "x" * 1025,
        "AAA?$expand=x",
        "https://example.com/",
        "\0",
        "ä",
    ):
        yield "no id", body(item(state, message)), {_OK}
    for more in (
        {"changeType": "deleted"},
        {"lifecycleEvent": "invented"},
        {"lifecycleEvent": 7},
        {"resourceData": 1},
    ):
        yield "no change", body(item(state, **more)), {_OK}


def _broken(true: bytes) -> Iterator[_Body]:
    for end in range(0, len(true) - 1, 23):
        yield "truncated", true[:end], {_BAD}
    for depth in (100, 900, 1100, 60_000):
        yield "deep", b'{"value": ' + b"[" * depth + b"]" * depth + b"}", {_OK, _BAD}
        yield "deep", b'{"value": [' + b'{"clientState":' * depth + b"1" + b"}" * depth + b"]}", {_OK, _BAD}
    yield "not UTF-8", true.decode().encode("utf-16"), {_BAD}
    yield "not UTF-8", b"\xef\xbb\xbf" + true, {_BAD}
    yield "not UTF-8", b'{"value": ["\xc0\xaf\xed\xa0\x80\xff"]}', {_OK}
    yield "twice", true[:-1] + b', "value": []}', {_OK}
    for text in (
        b"NaN",
        b"[NaN, Infinity]",
        b"9" * 5000,
        b"[1e999999, -0]",
        b'["\\ud800"]',
        b"null",
        b'"x"',
        b"{}",
    ):
        yield "odd value", b'{"value": ' + text + b"}", {_OK, _BAD}
    for content in (
        b"",
        b"\0",
        b"value=1",
        b"<?xml version='1.0'?><a/>",
        b"[]",
        b"\x1f\x8b\x08\x00",
        b"{" * 5000,
    ):
        yield "no collection", content, {_BAD}


def _wrong_heads(true: bytes) -> Iterator[Hostile]:
    """Each of them would be a true notification, were it sent as Graph sends it."""
    for kind in (
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "",
    ):
        yield Hostile("wrong type", written(true, {"Content-Type": kind}), frozenset({_TYPE}))
    yield Hostile("wrong type", written(true, {}), frozenset({_TYPE}))
    yield Hostile("wrong type", written(true, extra=[b"Content-Type: text/html"]), frozenset({_TYPE, _BAD}))
    for encoding, content in (
        ("gzip", gzip.compress(true)),
        ("br", true),
        ("deflate", true),
        ("gzip", b"bomb"),
    ):
        heads = JSON | {"Content-Encoding": encoding}
        yield Hostile("compressed", written(content, heads), frozenset({_TYPE}))
    for method, path in product(("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"), PATHS):
        yield Hostile("wrong method", written(true, target=path, method=method), frozenset({_GONE}), method)
    for path in (
        "/api/notifications/x",
        "/api",
        "/",
        "/api/notifications%00",
        "/api/../etc/passwd",
        "//api/lifecycle",
    ):
        yield Hostile("wrong path", written(true, target=path), frozenset({_GONE, _BAD}))


def _handshakes() -> Iterator[Hostile]:
    tokens = ["", "<script>alert(1)</script>", "a\r\nSet-Cookie: a=b", "\0", "x" * 4097, "\u202e", "\x1b[2J"]
    for token, path in product(tokens, PATHS):
        yield Hostile(
            "handshake", written(b"", TEXT, f"{path}?validationToken={quote(token)}"), frozenset({_BAD})
        )
    for query in (
        "validationToken=a&validationToken=b",
        "validationToken=a&VALIDATIONTOKEN=b",
        "validationToken=%ff",
    ):
        yield Hostile("handshake", written(b"", TEXT, f"{PATHS[0]}?{query}"), frozenset({_BAD, 200}))
    target = f"{PATHS[0]}?validationToken=a"
    yield Hostile("handshake", written(b"", JSON, target), frozenset({_TYPE}))
    yield Hostile("handshake", written(b"", {"Content-Type": "text/html"}, target), frozenset({_TYPE}))
    yield Hostile("handshake", written(b"x" * 5000, TEXT, target), frozenset({_LARGE}))


def _odd_requests(true: bytes) -> Iterator[Hostile]:
    """Most of these do not come to the app: its front end refuses them."""
    refused = frozenset({_BAD, _CLOSED})
    forged = body(item("a.b"))
    chunked = b"%x\r\n%b\r\n0\r\n\r\n"
    head = written(headers=JSON).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    yield Hostile("chunked", head + chunked % (len(forged), forged), frozenset({_OK}))
    yield Hostile("chunked", head + b"zz\r\n" + true, refused)
    yield Hostile("both lengths", written(true, extra=[b"Transfer-Encoding: chunked"]), refused)
    yield Hostile("two lengths", written(true, extra=[b"Content-Length: 5"]), refused)
    for length in (b"-1", b"1e3", b"0x10", b"\xb2"):
        wrong = written(headers=JSON).replace(b"Content-Length: 0", b"Content-Length: " + length)
        yield Hostile("no length", wrong, refused)
    yield Hostile("long head", written(forged, JSON | {"X-Long": "x" * 20_000}), refused)
    yield Hostile("many lines", written(forged, JSON | {f"X-{n}": "y" for n in range(500)}), refused | {431})
    yield Hostile("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", refused)
    yield Hostile("no HTTP", b"POST /api/notifications\r\n\r\n", refused | {_TYPE})
    oddities = [
        *(b"traceparent: 00-zz", b"traceparent: " + b"0" * 3000, b"X-HTTP-Method-Override: GET"),
        *(b"Expect: 100-continue", b"X-Bytes: \xff\xfe", b"X-Functions-Key: \xc3\x28", b"Cookie: a=\x80"),
        *(b"X-Forwarded-For: 127.0.0.1", b"X-Original-URL: /admin/host/status", b"Connection: close"),
    ]
    for line in oddities:
        yield Hostile("odd line", written(forged, extra=[line]), frozenset({_OK, _BAD}))
