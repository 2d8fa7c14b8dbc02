"""Judging what comes in at the webhook. A notification is a hint, never an input (design, promise 6)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import get_args

import msgspec

from shared.identities import MESSAGE_ID, SUBSCRIPTION_ID, proven_source
from shared.queue_messages import Event

LARGEST_BODY = 1024 * 1024
"""Bytes of a collection of notifications that are read."""
LARGEST_TOKEN = 4 * 1024
"""Characters of a validation token that are answered; Graph's have some hundred."""
UNPROVEN = "client-state"
"""The reason to drop an item whose client state proves no source."""
REPEATED = "repeated"
"""The reason to drop an item that says of a subscription what another one in the same body says."""
_EVENTS = {event.casefold(): event for event in get_args(Event)}


class NotACollection(ValueError):
    """A body is not a collection of notifications."""


class _ResourceData(msgspec.Struct):
    id: str | None = None


class _Item(msgspec.Struct, rename="camel"):
    """A `changeNotification` (learn.microsoft.com/graph/api/resources/changenotification)."""

    subscription_id: str | None = None
    client_state: str | None = None
    change_type: str | None = None
    lifecycle_event: str | None = None
    resource_data: _ResourceData | None = None


class _Collection(msgspec.Struct):
    value: list[msgspec.Raw]


@dataclass(frozen=True)
class Arrival:
    """A mail that a notification announces."""

    source: str
    message: str


@dataclass(frozen=True)
class Care:
    """A subscription that a lifecycle notification speaks of."""

    source: str
    subscription: str
    event: Event


@dataclass(frozen=True)
class Judgement:
    """What a collection announces, and why items of it were dropped, counted by reason."""

    arrivals: list[Arrival] = field(default_factory=list)
    cares: list[Care] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


_collections = msgspec.json.Decoder(_Collection)
_items = msgspec.json.Decoder(_Item)


def is_answerable(token: str) -> bool:
    """Whether a validation token may be sent back as plain text: Graph's hold no HTML.

    Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
    """
    return 0 < len(token) <= LARGEST_TOKEN and "<" not in token and ">" not in token


def judge(body: bytes, keys: Iterable[str], sources: Collection[str]) -> Judgement:
    """Each item of the collection in `body`, judged alone.

    `keys` are the versions of the secret `notification-key`, `sources` the names of those configured.
    Raises NotACollection.
    """
    judgement, versions = Judgement(), tuple(keys)
    for raw in _items_of(body):
        _judge_item(raw, versions, sources, judgement)
    return _each_care_once(judgement)


def _each_care_once(judgement: Judgement) -> Judgement:
    cares = list(dict.fromkeys(judgement.cares))
    if len(cares) < len(judgement.cares):
        judgement.dropped[REPEATED] = len(judgement.cares) - len(cares)
    return replace(judgement, cares=cares)


def _items_of(body: bytes) -> list[msgspec.Raw]:
    try:
        return _collections.decode(body).value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = NotACollection(type(error).__name__)
    # Half a surrogate pair in one item stops that decoder: it must not cost the others.
    try:
        value = json.loads(body.decode(errors="replace"))["value"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise fault from None
    if not isinstance(value, list):
        raise fault
    return [msgspec.Raw(json.dumps(item).encode()) for item in value]


def _judge_item(raw: msgspec.Raw, keys: tuple[str, ...], sources: Collection[str], into: Judgement) -> None:
    try:
        item = _items.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        into.dropped["malformed"] += 1
        return
    source = proven_source(item.client_state, keys)
    if source is None:
        into.dropped[UNPROVEN] += 1
    elif source not in sources:
        into.dropped["unknown-source"] += 1
    elif item.lifecycle_event is not None:
        _judge_lifecycle(item, source, into)
    else:
        _judge_mail(item, source, into)


def _judge_lifecycle(item: _Item, source: str, into: Judgement) -> None:
    event = _EVENTS.get((item.lifecycle_event or "").casefold())
    if event is None:
        into.dropped["unknown-event"] += 1
    elif not item.subscription_id or not SUBSCRIPTION_ID.fullmatch(item.subscription_id):
        into.dropped["subscription-id"] += 1
    else:
        into.cares.append(Care(source, item.subscription_id, event))


def _judge_mail(item: _Item, source: str, into: Judgement) -> None:
    message = item.resource_data.id if item.resource_data else None
    if item.change_type is not None and item.change_type.casefold() != "created":
        into.dropped["change-type"] += 1
    elif message is None or not MESSAGE_ID.fullmatch(message):
        into.dropped["message-id"] += 1
    else:
        into.arrivals.append(Arrival(source, message))
