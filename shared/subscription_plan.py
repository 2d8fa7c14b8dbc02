"""What to do about subscriptions: decisions over values, without I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import cache
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from shared.configuration import Source, folder_name
from shared.graph.answers import Subscription

_Folder: TypeAlias = tuple[str, str]
"""A mailbox and a folder, in the one spelling in which resources are compared."""
LIFETIME = timedelta(minutes=10_000)
"""What is asked for: the service takes 10,070 minutes, whatever the documentation says.

Source: the service's own error, "Subscription expiration can only be 10070 minutes in the future."
"""
_RESOURCE = re.compile(
    r"/?users(?:/|\(')([^/']+)(?:'\))?/mailfolders(?:/|\(')(.+?)(?:'\))?/messages/?", re.IGNORECASE
)
_AS_OURS = re.compile(r"users/([^/']+)/mailFolders\('([^/']+)'\)/messages")
"""The spelling that the app itself writes, and Graph mostly repeats: found in a third of the time."""
_OBJECT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Watched:
    """A folder that a source watches, and the resource that a subscription of it names."""

    source: str
    mailbox: str
    folder: str

    @property
    def resource(self) -> str:
        """As in learn.microsoft.com/graph/outlook-change-notifications-overview."""
        return f"users/{self.mailbox}/mailFolders('{self.folder}')/messages"


@dataclass(frozen=True, slots=True)
class Registered:
    """A subscription that the app has created, as it noted it down: Graph hides the client state.

    `until` is its end, noted only once a sweep was asked for of all that came before it began or was
    renewed; until then it is an earlier time, so that it is renewed again. None in a row of a former version.
    `renewed` is when it was renewed last, if it ever was.
    """

    source: str
    subscription: str
    resource: str
    address: str
    key_version: str
    until: datetime | None = None
    renewed: datetime | None = None

    @property
    def mailbox(self) -> str:
        """The mailbox in its resource."""
        return _comparable(self.resource)[0]

    def is_of(self, watched: Watched) -> bool:
        """Whether it was created for this folder of this source."""
        return self.source == watched.source and same_resource(self.resource, watched.resource)


_Living: TypeAlias = tuple[Registered, Subscription, datetime]
"""One that Graph has and that has not ended, with its end: the earlier one of what Graph says and what was
noted, or the present where neither is known."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription that gets a new end."""

    watched: Watched
    row: Registered


@dataclass(frozen=True, slots=True)
class Replacement:
    """Subscriptions that announce nothing to us any more, or soon won't: deleted, then made anew."""

    watched: Watched
    rows: tuple[Registered, ...]


@dataclass(frozen=True, slots=True)
class SubscriptionPlan:
    """What is to be done now; `delete` are those of folders that nobody watches any more.

    `gone` are those that Graph knows no longer.
    """

    create: tuple[Watched, ...] = ()
    renew: tuple[Renewal, ...] = ()
    replace: tuple[Replacement, ...] = ()
    delete: tuple[Registered, ...] = ()
    gone: tuple[Registered, ...] = ()


def watched_by(sources: Iterable[Source]) -> list[Watched]:
    """Each folder of each source, once. Well-known names are the same in any case: they are written small."""
    watched = (
        Watched(source.key_name, source.mailbox, folder_name(folder))
        for source in sources
        for folder in source.folders
    )
    return list(dict.fromkeys(watched))


def by_source(rows: Iterable[Registered]) -> dict[str, list[Registered]]:
    """The rows of each source."""
    grouped: defaultdict[str, list[Registered]] = defaultdict(list)
    for row in rows:
        grouped[row.source].append(row)
    return dict(grouped)


def rows_of(wanted: Iterable[Watched], rows: Iterable[Registered]) -> list[Registered]:
    """Those of the rows that are of one of these folders, for the source that watches it."""
    folders = {(one.source, *_comparable(one.resource)) for one in wanted}
    return [row for row in rows if (row.source, *_comparable(row.resource)) in folders]


def plan_subscriptions(
    wanted: Iterable[Watched],
    ours: Iterable[Registered],
    existing: Iterable[Subscription],
    *,
    addresses: tuple[str, str],
    key_version: str,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> SubscriptionPlan:
    """Create what is missing, renew what has less than half of `lifetime` left, replace what is out of date.

    Of the `existing` ones only `ours` count, and they are known by id: Graph may spell a resource anew.
    Out of date is what has other `addresses` (of notifications and lifecycle), or was signed with another
    version of the key. What nobody wants any more is deleted, but not that of a vanished source over a
    folder that another source wants: whether that is its heir, the operator must say.
    """
    comparable = cache(_comparable)  # a folder and its subscription mostly have one spelling
    living, gone = _living(ours, existing, comparable, now)
    folders = {comparable(one.resource): one for one in wanted}
    create, renew, replace = [], [], []
    half_way = now + lifetime / 2
    for folder, watched in folders.items():
        candidates = living.get((watched.source, folder))
        if candidates is None:
            create.append(watched)
            continue
        good = [(end, row) for row, found, end in candidates if _fits(row, found, addresses, key_version)]
        if not good:
            replace.append(Replacement(watched, tuple(row for row, *_ in candidates)))
            continue
        end, row = good[0] if len(good) == 1 else max(good, key=lambda one: (one[0], one[1].subscription))
        if end < half_way:
            renew.append(Renewal(watched, row))
    sources = {one.source for one in folders.values()}
    delete = [
        row
        for (source, folder), known in living.items()
        if not _is_wanted(source, folders.get(folder), sources)
        for row, *_ in known
    ]
    return SubscriptionPlan(tuple(create), tuple(renew), tuple(replace), tuple(delete), tuple(gone))


def _living(
    ours: Iterable[Registered],
    existing: Iterable[Subscription],
    comparable: Callable[[str], _Folder],
    now: datetime,
) -> tuple[dict[tuple[str, _Folder], list[_Living]], list[Registered]]:
    """Those of ours that live, by source and folder, and those that Graph knows no longer."""
    listed = {one.id: one for one in existing}
    gone: list[Registered] = []
    living: defaultdict[tuple[str, _Folder], list[_Living]] = defaultdict(list)
    for row in ours:
        found = listed.get(row.subscription)
        if found is None:
            gone.append(row)
            continue
        expires = found.expires
        if expires is None:
            living[row.source, comparable(row.resource)].append((row, found, row.until or now))
        elif expires > now:
            end = expires if row.until is None else min(row.until, expires)
            living[row.source, comparable(row.resource)].append((row, found, end))
    return dict(living), gone


def _is_wanted(source: str, watched: Watched | None, sources: set[str]) -> bool:
    """Whether a subscription of `source` stays, over a folder that is `watched` by this or another source."""
    return watched is not None and (watched.source == source or source not in sources)


def _fits(row: Registered, found: Subscription, addresses: tuple[str, str], key_version: str) -> bool:
    """What Graph leaves out of its list is taken from the row, or believed."""
    notifications, lifecycle = addresses
    return (
        row.key_version == key_version
        and same_address(row.address, notifications)
        and _may_be(found.notification_url, notifications)
        and _may_be(found.lifecycle_notification_url, lifecycle)
    )


def _may_be(said: str | None, address: str) -> bool:
    return said is None or same_address(said, address)


class Twin(Enum):
    """Whose the subscription is for which Graph refuses to create another one."""

    SERVES = auto()
    """Another worker has just created it for this folder."""
    OURS = auto()
    """Created by the app, but not on record, or under another spelling: may be deleted."""
    STRANGE = auto()
    """Another program's or another source's: never touched."""


def twins_of(watched: Watched, existing: Iterable[Subscription]) -> list[Subscription]:
    """The subscriptions that may be the one for the same folder.

    Where one is on the mailbox's address and the other on its object id, only the folder can be compared.
    """
    alike = [one for one in existing if (one.change_type or "created").casefold() == "created"]
    same = [one for one in alike if same_resource(one.resource or "", watched.resource)]
    return same or [one for one in alike if _may_be_same(one.resource or "", watched.resource)]


def judge_twin(
    watched: Watched,
    twin: Subscription,
    row: Registered | None,
    addresses: tuple[str, str],
    now: datetime,
) -> Twin:
    """Whose `twin` is; `row` is what is on record of it.

    Nobody else has our addresses, so that a subscription with both that is not on record is one of ours
    whose creation was never answered.
    """
    if row is None:
        given = (twin.notification_url or "", twin.lifecycle_notification_url or "")
        ours = all(same_address(one, other) for one, other in zip(given, addresses, strict=True))
        return Twin.OURS if ours else Twin.STRANGE
    if row.source != watched.source:
        return Twin.STRANGE
    lives = twin.expires is None or twin.expires > now
    return Twin.SERVES if lives and row.is_of(watched) else Twin.OURS


def same_resource(one: str, other: str) -> bool:
    """Whether two resources are one, each in any of its spellings."""
    return _comparable(one) == _comparable(other)


def _may_be_same(one: str, other: str) -> bool:
    (mailbox, folder), (other_mailbox, other_folder) = _comparable(one), _comparable(other)
    ids = [bool(_OBJECT_ID.fullmatch(name)) for name in (mailbox, other_mailbox)]
    return folder == other_folder and ids[0] != ids[1]


def _comparable(resource: str) -> tuple[str, str]:
    """A resource in any of its spellings: all but the id of a folder is the same in any case."""
    found = _AS_OURS.fullmatch(resource) or _RESOURCE.fullmatch(resource)
    return (found[1].casefold(), folder_name(found[2])) if found else (resource.casefold(), "")


def same_address(one: str, other: str) -> bool:
    """However the service writes it: else each round would replace what the last one made."""
    return one == other or _written_plainly(one) == _written_plainly(other)


def _written_plainly(address: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(address)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return (address,)
    return parts.scheme, parts.hostname or "", str(port), unquote(parts.path), unquote(parts.query)
