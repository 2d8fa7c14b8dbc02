"""Judging notifications: each item alone, and nothing believed that is not proven."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.identities import client_state
from shared.notification import (
    LARGEST_TOKEN,
    Arrival,
    Care,
    Judgement,
    NotACollection,
    is_answerable,
    judge,
)

from .generated import json_values

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


def judged(*items: object) -> Judgement:
    return judge(json.dumps({"value": items}).encode(), [KEY], SOURCES)


def judged_text(*items: bytes) -> Judgement:
    return judge(b'{"value": [' + b", ".join(items) + b"]}", [KEY], SOURCES)


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

    assert len(judge(body, [KEY, "former"], SOURCES).arrivals) == 2


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
        (text(mail("B", note="?")).replace(b'"?"', b'"\\ud800"'), False),
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
        judge(body, [KEY], SOURCES)


@pytest.mark.parametrize("depth", [10, 100, 300, 500, 900, 990, 1000, 2000, 10_000, 200_000])
@pytest.mark.parametrize("beside", [b"{}", b'"\\ud800"'], ids=["plain", "surrogate"])
def test_nesting_of_any_depth_is_judged_or_refused(depth: int, beside: bytes) -> None:
    """Neither of the two decoders may end in a traceback, wherever its own limit is."""
    body = b'{"value": [' + beside + b", " + b"[" * depth + b"]" * depth + b"]}"
    try:
        judgement = judge(body, [KEY], SOURCES)
    except NotACollection:
        return
    assert judgement.dropped.total() == 2


def test_other_properties_of_a_collection_do_not_matter() -> None:
    body = json.dumps({"validationTokens": ["eyJ0"], "value": [mail("A")], "@odata.context": None}).encode()

    assert judge(body, [KEY], SOURCES).arrivals == [Arrival("invoices", "A")]


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
        judgement = judge(body, [KEY], SOURCES)
    except NotACollection:
        return
    assert not judgement.arrivals


@pytest.mark.parametrize(
    "token", ["a", "Validation: Testing client application reachability", "x" * LARGEST_TOKEN, "a+b%20ä&;'\""]
)
def test_a_validation_token_is_sent_back(token: str) -> None:
    assert is_answerable(token)


@pytest.mark.parametrize(
    "token", ["", "<", ">", "a<b", "<script>alert(1)</script>", "x" * (LARGEST_TOKEN + 1)]
)
def test_a_token_that_may_be_html_or_is_too_long_is_not_sent_back(token: str) -> None:
    assert not is_answerable(token)
