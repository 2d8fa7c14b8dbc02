"""Judging what comes in at the webhook. A notification is a hint, never an input (design, promise 6)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import get_args

import msgspec

from shared.identities import (
    MESSAGE_ID,
    SUBSCRIPTION_ID,
    is_one_of,
    known_states,
    named_source,
    proven_source,
)
from shared.queue_messages import Event

LARGEST_BODY = 1024 * 1024
"""Bytes of a collection of notifications that are read."""
LARGEST_TOKEN = 4 * 1024
"""Characters of a validation token that are answered; Graph's have some hundred."""
MOST_COMMAS = LARGEST_BODY // 32
"""Of a whole body, so that few items are judged, whatever they are: Graph's have one in 50 bytes at most."""
MOST_STRANGERS = 20
"""Items of one body that name a source which is not configured, and are looked at more closely."""
EXPIRED_AFTER = timedelta(hours=6)
"""How long after the end of its subscription a notification may come: Graph repeats one for 4 hours.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
"""
UNPROVEN = "client-state"
"""The reason to drop an item whose client state proves no source."""
REPEATED = "repeated"
"""The reason to drop an item that says of a subscription what another one in the same body says."""
_EVENTS = {event.casefold(): event for event in get_args(Event)}


class NotACollection(ValueError):
    """A body is not a collection of notifications."""


class _ResourceData(msgspec.Struct):
    id: str | None = None


class Item(msgspec.Struct, rename="camel"):
    """A `changeNotification` (learn.microsoft.com/graph/api/resources/changenotification)."""

    subscription_id: str | None = None
    subscription_expiration_date_time: str | None = None
    client_state: str | None = None
    change_type: str | None = None
    lifecycle_event: str | None = None
    resource_data: _ResourceData | None = None

    def __repr__(self) -> str:
        return "Item()"


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
_items = msgspec.json.Decoder(Item)


def is_answerable(token: str) -> bool:
    """Whether a validation token may be sent back as plain text: Graph's hold no HTML and no controls.

    Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks.
    """
    return 0 < len(token) <= LARGEST_TOKEN and token.isprintable() and not {"<", ">"} & set(token)


def items_in(body: bytes) -> list[Item | None]:
    """The items of the collection in `body`; None for each one that is no notification.

    Raises NotACollection.
    """
    if body.count(b",") > MOST_COMMAS:
        raise NotACollection("too many parts")
    try:
        return [_decoded(raw) for raw in _collections.decode(body).value]
    except RecursionError:
        raise NotACollection("too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fault = NotACollection(type(error).__name__)
    # Half a surrogate pair in one item stops that decoder: it must not cost the others.
    try:
        value = json.loads(body.decode(errors="replace"))["value"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise fault from None
    if not isinstance(value, list):
        raise fault
    return [_converted(item) for item in value]


def _decoded(raw: msgspec.Raw) -> Item | None:
    try:
        return _items.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _converted(item: object) -> Item | None:
    try:
        return msgspec.convert(item, Item)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None


def judge(
    items: Iterable[Item | None], keys: Iterable[str], sources: Collection[str], now: datetime
) -> Judgement:
    """Each of `items` judged alone.

    `keys` are the versions of the secret `notification-key`, `sources` the names of those configured.
    """
    judging = _Judging(tuple(keys), tuple(sources), now)
    for item in items:
        judging.judge(item)
    return _each_care_once(judging.judgement)


def _each_care_once(judgement: Judgement) -> Judgement:
    cares = list(dict.fromkeys(judgement.cares))
    if len(cares) < len(judgement.cares):
        judgement.dropped[REPEATED] = len(judgement.cares) - len(cares)
    return replace(judgement, cares=cares)


@lru_cache(maxsize=2)
def _known(keys: tuple[str, ...], sources: tuple[str, ...]) -> Mapping[str, tuple[bytes, ...]]:
    return known_states(sources, keys)


class _Judging:
    """One collection, judged item by item."""

    def __init__(self, keys: tuple[str, ...], sources: tuple[str, ...], now: datetime) -> None:
        self._keys = keys
        self._known = _known(keys, sources)
        self._oldest = now - EXPIRED_AFTER
        self._strangers = MOST_STRANGERS
        self.judgement = Judgement()

    def judge(self, item: Item | None) -> None:
        """Add what it announces, or why it is dropped."""
        dropped = self.judgement.dropped
        if item is None:
            dropped["malformed"] += 1
            return
        source = self._proven(item.client_state)
        if source is None:
            dropped[UNPROVEN] += 1
        elif source not in self._known:
            dropped["unknown-source"] += 1
        elif _has_ended(item.subscription_expiration_date_time, self._oldest):
            dropped["expired"] += 1
        elif item.lifecycle_event is not None:
            _judge_lifecycle(item, source, self.judgement)
        else:
            _judge_mail(item, source, self.judgement)

    def _proven(self, state: str | None) -> str | None:
        source = named_source(state)
        if state is None or source is None:
            return None
        known = self._known.get(source)
        if known is not None:
            return source if is_one_of(state, known) else None
        # A source that is gone is only told apart for the log: not at the price of a hash for each item.
        self._strangers -= 1
        return proven_source(state, self._keys) if self._strangers >= 0 else None


def _has_ended(text: str | None, oldest: datetime) -> bool:
    """Whether a subscription had ended before `oldest`; what is no time tells nothing."""
    try:
        end = datetime.fromisoformat(text or "")
        return (end if end.tzinfo else end.replace(tzinfo=UTC)) < oldest
    except ValueError:
        return False


def _judge_lifecycle(item: Item, source: str, into: Judgement) -> None:
    event = _EVENTS.get((item.lifecycle_event or "").casefold())
    if event is None:
        into.dropped["unknown-event"] += 1
    elif not item.subscription_id or not SUBSCRIPTION_ID.fullmatch(item.subscription_id):
        into.dropped["subscription-id"] += 1
    else:
        into.cares.append(Care(source, item.subscription_id, event))


def _judge_mail(item: Item, source: str, into: Judgement) -> None:
    message = item.resource_data.id if item.resource_data else None
    if item.change_type is not None and item.change_type.casefold() != "created":
        into.dropped["change-type"] += 1
    elif message is None or not MESSAGE_ID.fullmatch(message):
        into.dropped["message-id"] += 1
    else:
        into.arrivals.append(Arrival(source, message))
