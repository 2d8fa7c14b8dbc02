"""What a request is, before its body is looked at: the handshake, notifications, or none of Graph's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.endpoint import LARGEST_HANDSHAKE, Answer, Handshake, Notifications, Refusal, sort
from shared.notification import LARGEST_BODY

from .generated import any_text

URL = "https://vaultpost.example.com/api/notifications"
TOKEN = "Validation: Testing client application reachability for subscription Request-Id: 522a8e7e"
JSON = {"content-type": "application/json; charset=utf-8"}
TEXT = {"content-type": "text/plain; charset=utf-8"}


def notifications(
    headers: Mapping[str, str], length: int = 100, query: str = ""
) -> Handshake | Notifications | Refusal:
    return sort(URL + query, {}, headers, length)


def handshake(
    headers: Mapping[str, str], token: str = TOKEN, length: int = 0, query: str = ""
) -> Handshake | Notifications | Refusal:
    query = query or f"?validationToken={quote_plus(token, errors='surrogatepass')}"
    return sort(URL + query, {"validationToken": token} if token else {}, headers, length)


def status(found: Handshake | Notifications | Refusal) -> int:
    assert isinstance(found, Refusal)
    return int(found.status)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'Application/JSON ; charset="utf-8"',
        "application/json; odata.metadata=minimal; charset=utf-8",
    ],
)
def test_notifications_are_json_in_utf_8(content_type: str) -> None:
    assert isinstance(notifications({"content-type": content_type}), Notifications)


@pytest.mark.parametrize(
    "content_type",
    [
        *("", "text/plain", "text/plain; charset=utf-8", "text/json", "application/jsonx", "application"),
        *(
            "application/json; charset=utf-16",
            "application/json; charset=latin-1",
            "application/json; charset",
        ),
        *(
            "application/json, application/json",
            "application/json,text/plain",
            "application/x-www-form-urlencoded",
        ),
        *(
            "multipart/form-data; boundary=x",
            "application/json; charset=utf-8; charset=utf-7",
            "\udcff",
            "ä/ö",
        ),
    ],
)
def test_other_content_types_are_refused(content_type: str) -> None:
    assert status(notifications({"content-type": content_type})) == 415


def test_without_a_content_type_there_may_be_a_handshake_but_no_notifications() -> None:
    assert status(notifications({})) == 415
    assert handshake({}) == Handshake(TOKEN)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "x", "GZIP"])
def test_what_is_compressed_is_never_unpacked(encoding: str) -> None:
    assert status(notifications(JSON | {"content-encoding": encoding})) == 415
    assert status(handshake(TEXT | {"content-encoding": encoding})) == 415


@pytest.mark.parametrize("encoding", ["identity", "", " Identity "])
def test_identity_is_no_encoding(encoding: str) -> None:
    assert isinstance(notifications(JSON | {"content-encoding": encoding}), Notifications)


@pytest.mark.parametrize(
    ("said", "length", "refused"),
    [
        ("", LARGEST_BODY, False),
        ("", LARGEST_BODY + 1, True),
        (str(LARGEST_BODY), 10, False),
        (str(LARGEST_BODY + 1), 10, True),
        ("9" * 19, 10, True),
        *((said, 10, False) for said in ("9" * 5000, "-1", "1e9", "²", "ten", "100,100", "\udcff")),
    ],
)
def test_the_size_is_what_a_request_says_or_has(said: str, length: int, refused: bool) -> None:
    """That of no number is what it has: the host has read it by then."""
    found = notifications(JSON | {"content-length": said}, length)

    assert found == (Refusal(Answer.TOO_LARGE, "too large") if refused else Notifications())


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/plain; charset=utf-8", "TEXT/PLAIN;charset=UTF-8"]
)
@pytest.mark.parametrize("token", [TOKEN, "a", "x" * 4096, "ünïcode ✓", "a&b\"c'd", "%41", "a,b"])
def test_a_handshake_gives_the_token_as_it_is(content_type: str, token: str) -> None:
    assert handshake({"content-type": content_type}, token) == Handshake(token)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/html", "text/plain; charset=utf-16", "text"]
)
def test_a_handshake_of_another_type_is_refused(content_type: str) -> None:
    assert status(handshake({"content-type": content_type})) == 415


@pytest.mark.parametrize("token", ["", "<", "a>b", "x" * 4097, "a\r\nb: c", "\0", "\ud800", "\x9b"])
def test_a_token_that_graph_would_not_send_is_refused(token: str) -> None:
    assert status(handshake(TEXT, token)) == 400


@pytest.mark.parametrize(
    "query",
    [
        "?validationToken=a&validationToken=b",
        "?validationToken=a&VALIDATIONTOKEN=b",
        "?validationToken=a&%76alidationToken=b",
        "?validationToken=a&validationToken",
        "?validationToken=",
        "?validationToken",
        "?" + "&".join(["a=b"] * 200) + "&validationToken=a",
    ],
)
def test_a_token_comes_once_and_is_not_empty(query: str) -> None:
    """The host would join two, or hide one that is empty."""
    token = "" if query.endswith(("Token=", "?validationToken")) else "a,b"

    assert status(handshake(TEXT, token, query=query)) == 400


@pytest.mark.parametrize(
    "query", ["?code=k", "?code=k&a=b", "?x=validationToken", "?validationTokens=a", "?", "?&&=&"]
)
def test_other_parameters_do_not_matter(query: str) -> None:
    """A query of the notification address comes back with each POST."""
    assert isinstance(notifications(JSON, query=query), Notifications)
    assert handshake(TEXT, "a", query=f"{query}&validationToken=a") == Handshake("a")


def test_where_the_host_shows_no_query_its_parameters_count() -> None:
    assert sort(URL, {"validationToken": "a"}, TEXT, 0) == Handshake("a")


def test_a_handshake_has_no_body_worth_the_name() -> None:
    assert handshake(TEXT, length=LARGEST_HANDSHAKE) == Handshake(TOKEN)
    assert status(handshake(TEXT, length=LARGEST_HANDSHAKE + 1)) == 413
    assert status(handshake(TEXT | {"content-length": "5000"})) == 413


def test_a_reason_is_a_word_of_ours_and_nothing_of_the_request() -> None:
    marked = "mark-of-a-stranger"
    found = [
        notifications({"content-type": marked}),
        notifications(JSON | {"content-encoding": marked}),
        handshake({"content-type": marked}),
        handshake(TEXT, f"<{marked}>"),
    ]

    assert all(isinstance(one, Refusal) and marked not in one.why for one in found)


@given(
    any_text,
    some.dictionaries(some.just("validationToken") | any_text, any_text, max_size=3),
    some.dictionaries(
        some.sampled_from(["content-type", "content-length", "content-encoding"]), any_text, max_size=3
    ),
    some.integers(0, 2 * LARGEST_BODY),
)
def test_no_request_at_all_raises_and_only_a_printable_token_is_sent_back(
    query: str, params: dict[str, str], headers: dict[str, str], length: int
) -> None:
    found = sort(f"{URL}?{quote(query, safe='&=%+', errors='surrogatepass')}", params, headers, length)
    sort(query, params, headers, length)

    if isinstance(found, Handshake):
        assert found.token == params["validationToken"]
        assert found.token.isprintable()
