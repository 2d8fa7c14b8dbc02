"""Judging notifications: each item alone, and nothing believed that is not proven."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox.tenant.graph.forms import far_away, seven_decimals, zulu_milliseconds
from shared import identities
from shared.identities import client_state
from shared.notification import (
    EXPIRED_AFTER,
    LARGEST_BODY,
    LARGEST_TOKEN,
    MOST_COMMAS,
    MOST_STRANGERS,
    Arrival,
    Care,
    Judgement,
    NotACollection,
    is_answerable,
    items_in,
    judge,
)

from .clock import NOON
from .generated import json_values, zones

KEY = "the notification key"
SOURCES = frozenset({"invoices", "orders"})
STATE = client_state("invoices", KEY)
DEEP = b"[" * 100_000 + b"]" * 100_000


def mail(message: object = "AAkALgAA=", state: str | None = STATE, **more: object) -> dict[str, object]:
    """An item as Graph sends it for a new mail."""
    return {
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "clientState": state,
        "changeType": "created",
        "resource": "Users/a@b/Messages/AAkALgAA=",
        "resourceData": {"@odata.type": "#Microsoft.Graph.Message", "id": message},
        **more,
    }


def lifecycle(event: object = "missed", **more: object) -> dict[str, object]:
    """An item as Graph sends it about a subscription."""
    return {
        "subscriptionId": "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
        "clientState": STATE,
        "lifecycleEvent": event,
        **more,
    }


def judged_body(body: bytes, keys: Iterable[str] = (KEY,), now: datetime = NOON) -> Judgement:
    return judge(items_in(body), keys, SOURCES, now)


def judged(*items: object) -> Judgement:
    return judged_body(json.dumps({"value": items}).encode())


def judged_text(*items: bytes) -> Judgement:
    return judged_body(b'{"value": [' + b", ".join(items) + b"]}")


def text(item: Mapping[str, Any]) -> bytes:
    return json.dumps(item).encode()


@pytest.mark.parametrize("number", [0, 1, 2, 1000])
def test_a_batch_of_n_valid_items_gives_n_arrivals(number: int) -> None:
    """Others kept only the last one of a batch."""
    judgement = judged(*[mail(f"A{n}") for n in range(number)])

    assert judgement.arrivals == [Arrival("invoices", f"A{n}") for n in range(number)]
    assert not judgement.cares
    assert not judgement.dropped


def test_items_of_several_sources_in_one_batch_each_go_to_their_own() -> None:
    orders = client_state("orders", KEY)

    assert judged(mail("A"), mail("B", orders)).arrivals == [Arrival("invoices", "A"), Arrival("orders", "B")]


def test_the_former_version_of_the_key_still_counts() -> None:
    body = json.dumps({"value": [mail("A"), mail("B", client_state("invoices", "former"))]}).encode()

    assert len(judged_body(body, [KEY, "former"]).arrivals) == 2


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (mail(state=None), "client-state"),
        (mail(state=""), "client-state"),
        (mail(state="invoices.forged"), "client-state"),
        (mail(state=client_state("invoices", "another key")), "client-state"),
        ({"resourceData": {"id": "A"}}, "client-state"),
        ({}, "client-state"),
        (mail(state=client_state("vanished", KEY)), "unknown-source"),
        (mail(None), "message-id"),
        (mail(""), "message-id"),
        (mail("A" * 10_240), "message-id"),
        (mail("../../me"), "message-id"),
        (mail("A\n"), "message-id"),
        (mail("A?$select=body"), "message-id"),
        (mail(resourceData=None), "message-id"),
        (mail(resourceData={}), "message-id"),
        (mail(changeType="updated"), "change-type"),
        (mail(changeType="deleted"), "change-type"),
        (mail(changeType="created,updated"), "change-type"),
        (lifecycle("invented"), "unknown-event"),
        (lifecycle(""), "unknown-event"),
        (lifecycle(subscriptionId=None), "subscription-id"),
        (lifecycle(subscriptionId=""), "subscription-id"),
        (lifecycle(subscriptionId="a b"), "subscription-id"),
        (lifecycle(clientState=None), "client-state"),
        (mail(7), "malformed"),
        (mail(["A"]), "malformed"),
        (mail(resourceData="A"), "malformed"),
        (mail(changeType=1), "malformed"),
        (lifecycle(7), "malformed"),
        (None, "malformed"),
        (17, "malformed"),
        ("created", "malformed"),
        ([mail()], "malformed"),
    ],
)
def test_what_is_dropped_is_counted_by_reason_and_costs_no_other(item: object, reason: str) -> None:
    judgement = judged(mail("A"), item, mail("B"))

    assert judgement.arrivals == [Arrival("invoices", "A"), Arrival("invoices", "B")]
    assert not judgement.cares
    assert judgement.dropped == {reason: 1}


@pytest.mark.parametrize(
    ("item", "accepted"),
    [
        (b'{"clientState": "\xff\xfe"}', False),
        (b'{"\xff": 1}', False),
        (text(mail("B", note="?")).replace(b'"?"', b'"\\ud800"'), True),
        (text(mail("B", note="?")).replace(b'"?"', b'"\xed\xa0\x80"'), True),
        (text(mail("B", note="?")).replace(b'"?"', b"9" * 400), True),
        (text(mail("B", note="?")).replace(b'"?"', b"1e999"), True),
        (text(mail("?")).replace(b'"?"', b'"\\ud800"'), False),
        (text(mail("?")).replace(b'"?"', b"9" * 400), False),
        (text(mail("B")).replace(b'"created"', b'"\\udfff"'), False),
        (b'{"clientState": {"clientState": {}}}', False),
    ],
)
def test_an_item_that_is_no_proper_text_costs_no_other(item: bytes, accepted: bool) -> None:
    judgement = judged_text(text(mail("A")), item, text(mail("C")))

    found = [arrival.message for arrival in judgement.arrivals]
    assert found == (["A", "B", "C"] if accepted else ["A", "C"])
    assert judgement.dropped.total() == (0 if accepted else 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b'"value"',
        b'{"value"',
        b'{"value": null}',
        b'{"value": {}}',
        b'{"value": "created"}',
        b'{"Value": []}',
        b'{"value": []} {}',
        b"\xff\xfe",
        b"\x00",
        '{"value": []}'.encode("utf-16"),
        b'{"value": [' + b"{}," * 10 + b"]}",
        DEEP,
        b'{"value": [' + DEEP + b"]}",
        b'{"value": ' + DEEP + b"}",
        b'{"value": ["\\ud800", ' + b"9" * 10_000 + b"]}",
    ],
    ids=range(20),
)
def test_what_is_no_collection_is_refused_whole(body: bytes) -> None:
    with pytest.raises(NotACollection):
        items_in(body)


@pytest.mark.parametrize("depth", [10, 100, 300, 500, 900, 990, 1000, 2000, 10_000, 200_000])
@pytest.mark.parametrize("beside", [b"{}", b'"\\ud800"'], ids=["plain", "surrogate"])
def test_nesting_of_any_depth_is_judged_or_refused(depth: int, beside: bytes) -> None:
    """Neither of the two decoders may end in a traceback, wherever its own limit is."""
    body = b'{"value": [' + beside + b", " + b"[" * depth + b"]" * depth + b"]}"
    try:
        judgement = judged_body(body)
    except NotACollection:
        return
    assert judgement.dropped.total() == 2


def test_other_properties_of_a_collection_do_not_matter() -> None:
    body = json.dumps({"validationTokens": ["eyJ0"], "value": [mail("A")], "@odata.context": None}).encode()

    assert judged_body(body).arrivals == [Arrival("invoices", "A")]


@pytest.mark.parametrize("change", ["created", "Created", "CREATED", None])
def test_values_of_an_enumeration_count_in_any_case(change: str | None) -> None:
    """Or not at all: what cannot be told apart is fetched, and Graph says what it is."""
    assert len(judged(mail(changeType=change)).arrivals) == 1


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ("missed", "missed"),
        ("Missed", "missed"),
        ("subscriptionRemoved", "subscriptionRemoved"),
        ("SubscriptionRemoved", "subscriptionRemoved"),
        ("reauthorizationRequired", "reauthorizationRequired"),
        ("REAUTHORIZATIONREQUIRED", "reauthorizationRequired"),
    ],
)
def test_a_lifecycle_item_is_a_care_even_beside_mail(said: str, event: Any) -> None:
    judgement = judged(mail("A"), lifecycle(said))

    assert judgement.arrivals == [Arrival("invoices", "A")]
    assert judgement.cares == [Care("invoices", "7f105c7d-2dc5-4530-97cd-4e7ae6534c07", event)]


def test_what_is_said_of_a_subscription_twice_in_one_body_counts_once() -> None:
    """Other events of it, and the same of another one or for another source, are others."""
    other = "0b1c9d2e-2dc5-4530-97cd-4e7ae6534c07"
    orders = client_state("orders", KEY)
    judgement = judged(
        lifecycle(),
        lifecycle("reauthorizationRequired"),
        lifecycle("Missed"),
        lifecycle(subscriptionId=other),
        lifecycle(clientState=orders),
        lifecycle(),
    )

    mine = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"
    assert judgement.cares == [
        Care("invoices", mine, "missed"),
        Care("invoices", mine, "reauthorizationRequired"),
        Care("invoices", other, "missed"),
        Care("orders", mine, "missed"),
    ]
    assert judgement.dropped == {"repeated": 2}


def test_a_lifecycle_item_that_looks_like_mail_is_no_mail() -> None:
    judgement = judged(lifecycle(changeType="created", resourceData={"id": "A"}))

    assert not judgement.arrivals
    assert len(judgement.cares) == 1


def test_an_unknown_subscription_is_no_reason_to_drop() -> None:
    """The client state proves the source; the id is counted only (design, promise 6)."""
    assert len(judged(mail(subscriptionId="never seen")).arrivals) == 1
    assert len(judged(mail(subscriptionId=None)).arrivals) == 1


_near_items = some.fixed_dictionaries(
    {},
    optional={
        "clientState": some.sampled_from([STATE, client_state("vanished", KEY), "", None]) | json_values,
        "changeType": some.sampled_from(["created", "Created", "deleted", None]) | json_values,
        "lifecycleEvent": some.sampled_from(["missed", "Missed", "else", None]) | json_values,
        "subscriptionId": some.sampled_from(["7f105c7d", "", None]) | json_values,
        "resourceData": some.fixed_dictionaries({"id": some.text(max_size=4) | json_values}) | json_values,
    },
)


@given(some.lists(json_values | _near_items, max_size=6))
def test_every_item_of_any_json_is_accepted_or_counted(items: list[object]) -> None:
    judgement = judged(*items)

    assert len(judgement.arrivals) + len(judgement.cares) + judgement.dropped.total() == len(items)


@given(some.lists(json_values | _near_items, max_size=3), some.lists(_near_items, max_size=3))
def test_what_stands_around_an_item_changes_nothing_about_it(
    before: list[object], after: list[object]
) -> None:
    """Also where one item holds half a surrogate pair, at which one decoder gives up on all."""
    whole = judged(*before, "\ud800", mail("A"), *after)

    assert Arrival("invoices", "A") in whole.arrivals
    assert len(whole.arrivals) == len(judged(*before).arrivals) + 1 + len(judged(*after).arrivals)


@given(some.binary())
def test_no_bytes_at_all_raise_anything_but_the_refusal(body: bytes) -> None:
    try:
        judgement = judged_body(body)
    except NotACollection:
        return
    assert not judgement.arrivals


_TRUE_BODY = json.dumps({"value": [mail("A"), lifecycle(), mail("B")]}).encode()


@given(some.data())
def test_a_true_body_that_was_cut_or_spoilt_announces_nothing_else(data: some.DataObject) -> None:
    """Whatever bytes of it were overwritten, a name in it must be proven as before."""
    at = data.draw(some.integers(0, len(_TRUE_BODY)))
    spoilt = data.draw(some.binary(max_size=8))
    rest = data.draw(some.sampled_from([b"", _TRUE_BODY[at + len(spoilt) :], _TRUE_BODY[at:]]))
    try:
        judgement = judged_body(_TRUE_BODY[:at] + spoilt + rest)
    except NotACollection:
        return
    assert {arrival.source for arrival in judgement.arrivals} <= {"invoices"}
    assert len(judgement.arrivals) + len(judgement.cares) <= 3


@pytest.mark.parametrize(
    ("body", "arrivals"),
    [
        (b"\xef\xbb\xbf" + _TRUE_BODY, None),
        (_TRUE_BODY.decode().encode("utf-16"), None),
        (_TRUE_BODY.decode().encode("utf-7").replace(b"{", b"+AHs-"), None),
        (_TRUE_BODY[:-1] + b', "value": []}', 0),
        (b'{"value": NaN}', None),
        (b'{"value": [NaN]}', 0),
        (b'{"value": ["\\ud800", NaN, Infinity, -1e999]}', 0),
        (b'{"value": ["\\ud800"], "value": "\\ud800"}', None),
        (_TRUE_BODY.replace(b'"created"', b'"created", "changeType": "deleted"'), 0),
        (_TRUE_BODY.replace(b"{", b" \t\r\n{ "), 2),
        (_TRUE_BODY + b"\x00", None),
    ],
    ids=range(11),
)
def test_what_is_json_but_for_a_quirk(body: bytes, arrivals: int | None) -> None:
    """Of a name that comes twice the last value counts, as everywhere; None: refused."""
    if arrivals is None:
        with pytest.raises(NotACollection):
            items_in(body)
    else:
        assert len(judged_body(body).arrivals) == arrivals


def test_a_body_of_more_parts_than_graph_ever_sends_is_refused_before_it_is_decoded() -> None:
    item = text(mail("A", "invoices.forged"))
    largest = (LARGEST_BODY - 12) // (len(item) + 1)

    assert len(items_in(b'{"value":[' + b",".join([item] * largest) + b"]}")) == largest
    assert len(items_in(b'{"value":[' + b",".join([b"0"] * (MOST_COMMAS + 1)) + b"]}")) == MOST_COMMAS + 1
    with pytest.raises(NotACollection, match="too many parts"):
        items_in(b'{"value":[' + b",".join([b"0"] * (MOST_COMMAS + 2)) + b"]}")


def _full_of(item: bytes, before: bytes = b"") -> bytes:
    fits = min((LARGEST_BODY - 12 - len(before)) // (len(item) + 1), MOST_COMMAS // (item.count(b",") + 1))
    return b'{"value":[' + before + b",".join([item] * fits) + b"]}"


HOSTILE = [
    _full_of(text(mail("A", "invoices." + "A" * 43))),
    _full_of(text(mail("A", "nobody." + "A" * 43))),
    _full_of(b'{"clientState":"a.b"}'),
    _full_of(b"0"),
    _full_of(text(mail("A", "invoices." + "A" * 43)), b'"\\ud800",'),
    _full_of(b'{"clientState":"a.b"}', b'"\\ud800",'),
    _full_of(b"[" * 900 + b"]" * 900),
    b"[" * LARGEST_BODY,
    b'{"value":' * (LARGEST_BODY // 9),
    b"\xff" * LARGEST_BODY,
    b'{"value":["' + b"\\ud800" * (LARGEST_BODY // 6 - 3) + b'"]}',
]
MOST_COSTLY = 40
"""So many true bodies of that size may be decoded meanwhile; in truth it is nine at most."""


@pytest.mark.parametrize("body", HOSTILE, ids=range(11))
def test_the_largest_hostile_body_costs_little(body: bytes) -> None:
    """Measured by what decoding a true one costs at the same time: the square would be thousands of it."""
    assert LARGEST_BODY // 2 < len(body) <= LARGEST_BODY or body.count(b",") > MOST_COMMAS // 2
    true = _full_of(text(mail()))
    turns = [(_seconds_for(lambda: json.loads(true)), _seconds_for(lambda: _judged(body))) for _ in range(3)]
    decoding, judging = (min(seconds) for seconds in zip(*turns, strict=True))

    assert judging < MOST_COSTLY * decoding


def _seconds_for(work: Callable[[], object]) -> float:
    """Of processor time."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _judged(body: bytes) -> None:
    try:
        judgement = judged_body(body, [KEY, "the former key"])
    except NotACollection:
        return
    assert not judgement.arrivals


@pytest.mark.parametrize("body", HOSTILE, ids=range(11))
def test_no_body_has_more_hashed_than_a_few_items(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of sources that are not configured; what proves the others is hashed once and for all."""
    hashed: list[str] = []

    def counted(source: str, key: str) -> str:
        hashed.append(source)
        return client_state(source, key)

    monkeypatch.setattr(identities, "client_state", counted)
    _judged(body)

    assert len(hashed) <= 2 * (MOST_STRANGERS + len(SOURCES))


def test_a_source_that_is_gone_is_told_apart_for_the_first_items_only() -> None:
    """For the log: nothing is hashed for each of thousands of items."""
    gone = client_state("vanished", KEY)
    judgement = judged(*[mail(state=gone)] * (MOST_STRANGERS + 5), mail("A"))

    assert judgement.dropped == {"unknown-source": MOST_STRANGERS, "client-state": 5}
    assert len(judgement.arrivals) == 1


@pytest.mark.parametrize(
    ("end", "expired"),
    [
        (NOON - EXPIRED_AFTER + timedelta(seconds=1), False),
        (NOON - EXPIRED_AFTER - timedelta(seconds=1), True),
        (NOON + timedelta(days=7), False),
        (NOON - timedelta(days=365), True),
    ],
)
@pytest.mark.parametrize("form", [seven_decimals, far_away, zulu_milliseconds])
def test_a_notification_of_a_subscription_that_ended_long_ago_is_expired(
    end: datetime, expired: bool, form: Callable[[datetime], str]
) -> None:
    """Graph repeats one for four hours: what comes later is a copy that somebody has kept."""
    ended = {"subscriptionExpirationDateTime": form(end)}
    judgement = judged(mail("A", **ended), lifecycle(**ended))

    assert judgement.dropped == ({"expired": 2} if expired else {})
    assert timedelta(hours=4) < EXPIRED_AFTER < timedelta(days=1)


@pytest.mark.parametrize(
    "end", [None, "", "never", "2026-13-45T99:00:00Z", "9999-12-31T23:59:59.9999999Z", "20", "0", "NaN"]
)
def test_an_end_that_is_no_time_or_far_ahead_drops_nothing(end: str | None) -> None:
    assert len(judged(mail("A", subscriptionExpirationDateTime=end)).arrivals) == 1


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00+14:00", "0001-01-01", "2021-12-31T16:16:44.9907405"])
def test_the_first_times_of_all_and_those_without_a_zone_are_long_past(end: str) -> None:
    assert judged(mail("A", subscriptionExpirationDateTime=end)).dropped == {"expired": 1}


@given(some.text() | some.datetimes(timezones=zones | some.none()).map(str))
def test_no_text_as_an_end_raises(end: str) -> None:
    judgement = judged(mail("A", subscriptionExpirationDateTime=end))

    assert len(judgement.arrivals) + judgement.dropped["expired"] == 1


@pytest.mark.parametrize(
    "token", ["a", "Validation: Testing client application reachability", "x" * LARGEST_TOKEN, "a+b%20ä&;'\""]
)
def test_a_validation_token_is_sent_back(token: str) -> None:
    assert is_answerable(token)


@pytest.mark.parametrize(
    "token",
    [
        *("", "<", ">", "a<b", "<script>alert(1)</script>", "x" * (LARGEST_TOKEN + 1)),
        *(
            "a\r\nSet-Cookie: b=c",
            "a\n",
            "\0",
            "\x1b[2J",
            "\x7f",
            "\x85",
            "\ud800",
            "\u202e",
            "\ufeff",
            "\u2028",
        ),
    ],
)
def test_a_token_that_may_be_html_or_control_something_is_not_sent_back(token: str) -> None:
    assert not is_answerable(token)
