"""What is to be done about subscriptions, as a table and for any state of the world."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.graph.answers import Subscription
from shared.subscription_plan import (
    LIFETIME,
    Registered,
    Renewal,
    Replacement,
    SubscriptionPlan,
    Twin,
    Watched,
    judge_twin,
    plan_subscriptions,
    rows_of,
    twins_of,
    watched_by,
)
from tests.shared.made import source

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
INBOX = Watched("invoices", "invoices@example.com", "inbox")
FOLDER_ID = "AAMkADhAAATs28OAAA="
OBJECT_ID = "3fae5f2c-2a55-4a3b-8d53-1f4a4bb0b6a1"
ADDRESSES = ("https://app.example.com/api/notifications", "https://app.example.com/api/lifecycle")
ELSEWHERE = ("https://old.example.com/api/notifications", "https://old.example.com/api/lifecycle")
SECONDS = LIFETIME.total_seconds()


def subscription(
    id_: str = "s1",
    resource: str | None = INBOX.resource,
    left: timedelta = LIFETIME,
    addresses: tuple[str | None, str | None] = ADDRESSES,
) -> Subscription:
    """One that lives for `left` more."""
    until = (NOW + left).isoformat().replace("+00:00", "Z")
    return Subscription(
        id=id_,
        resource=resource,
        change_type="created",
        notification_url=addresses[0],
        lifecycle_notification_url=addresses[1],
        expiration_date_time=until,
    )


def row(
    id_: str = "s1",
    watched: Watched = INBOX,
    address: str = ADDRESSES[0],
    key: str = "key-2",
    left: timedelta | None = None,
) -> Registered:
    """What the app noted of a subscription, with or without its end."""
    until = None if left is None else NOW + left
    return Registered(watched.source, id_, watched.resource, address, key, until)


def planned(
    wanted: Iterable[Watched],
    ours: Iterable[Registered],
    existing: Iterable[Subscription],
    now: datetime = NOW,
) -> SubscriptionPlan:
    return plan_subscriptions(wanted, ours, existing, addresses=ADDRESSES, key_version="key-2", now=now)


def test_what_is_missing_is_created() -> None:
    assert planned([INBOX], [], []) == SubscriptionPlan(create=(INBOX,))


@pytest.mark.parametrize(
    ("left", "renewed"),
    [
        (LIFETIME, False),
        (LIFETIME / 2 + timedelta(seconds=1), False),
        (LIFETIME / 2 - timedelta(seconds=1), True),
        (timedelta(seconds=1), True),
    ],
)
def test_what_has_less_than_half_its_life_left_is_renewed(left: timedelta, renewed: bool) -> None:
    plan = planned([INBOX], [row()], [subscription(left=left)])
    assert plan == SubscriptionPlan(renew=(Renewal(INBOX, row()),) if renewed else ())


@pytest.mark.parametrize("left", [timedelta(0), timedelta(days=-1)])
def test_what_has_expired_is_made_anew(left: timedelta) -> None:
    assert planned([INBOX], [row()], [subscription(left=left)]) == SubscriptionPlan(create=(INBOX,))


@pytest.mark.parametrize("end", [None, "", "NA", "2026-11-30T00:00:00"])
def test_an_end_that_cannot_be_read_is_renewed(end: str | None) -> None:
    """What Graph lists lives: making it anew would be refused for ever."""
    unclear = Subscription(id="s1", resource=INBOX.resource, expiration_date_time=end)
    assert planned([INBOX], [row()], [unclear]) == SubscriptionPlan(renew=(Renewal(INBOX, row()),))


def test_a_stranger_over_the_same_folder_does_not_count() -> None:
    """It may be another program's, with another address: it announces nothing to us."""
    plan = planned([INBOX], [], [subscription("stranger", left=timedelta(1))])
    assert plan == SubscriptionPlan(create=(INBOX,))


@pytest.mark.parametrize(
    "resource",
    [None, "", f"users/{OBJECT_ID}/mailFolders('inbox')/messages", f"Users('{OBJECT_ID}')/Messages"],
)
def test_however_graph_spells_the_resource_ours_is_known_by_its_id(resource: str | None) -> None:
    assert planned([INBOX], [row()], [subscription(resource=resource)]) == SubscriptionPlan()


@pytest.mark.parametrize(
    "noted",
    [
        Watched("invoices", "orders@example.com", "inbox"),
        Watched("invoices", INBOX.mailbox, "archive"),
        Watched("vanished", "vanished@example.com", "inbox"),
    ],
)
def test_what_nobody_watches_any_more_is_deleted_and_not_taken_for_anything_else(noted: Watched) -> None:
    plan = planned([INBOX], [row(watched=noted)], [subscription()])
    assert plan == SubscriptionPlan(create=(INBOX,), delete=(row(watched=noted),))


def test_a_folder_that_goes_over_to_another_source_has_its_subscription_deleted_first() -> None:
    """Else Graph would refuse the new one: another source's client state proves nothing."""
    orders = Watched("orders", "orders@example.com", "inbox")
    former = row(watched=replace(INBOX, source="orders"))
    plan = planned([INBOX, orders], [former], [subscription()])
    assert plan == SubscriptionPlan(create=(INBOX, orders), delete=(former,))


def test_what_a_vanished_source_had_over_a_folder_of_another_one_is_left_alone() -> None:
    """The new one may be its heir, under another name: the operator must say so (design, section 3)."""
    former = row(watched=replace(INBOX, source="vanished"))
    assert planned([INBOX], [former], [subscription()]) == SubscriptionPlan(create=(INBOX,))


@pytest.mark.parametrize(
    ("noted", "listed", "renewed"),
    [
        (LIFETIME, LIFETIME, False),
        (LIFETIME, timedelta(hours=1), True),
        (timedelta(hours=1), LIFETIME, True),
        (timedelta(0), LIFETIME, True),
    ],
)
def test_the_earlier_end_counts_since_one_without_a_sweep_is_not_noted(
    noted: timedelta, listed: timedelta, renewed: bool
) -> None:
    mine = row(left=noted)
    plan = planned([INBOX], [mine], [subscription(left=listed)])
    assert plan == SubscriptionPlan(renew=(Renewal(INBOX, mine),) if renewed else ())


@pytest.mark.parametrize("end", [None, "NA"])
def test_an_end_that_cannot_be_read_is_the_one_that_was_noted(end: str | None) -> None:
    unclear = Subscription(id="s1", resource=INBOX.resource, expiration_date_time=end)
    assert planned([INBOX], [row(left=LIFETIME)], [unclear]) == SubscriptionPlan()


@pytest.mark.parametrize(("left", "renewed"), [(timedelta(hours=13), False), (timedelta(hours=11), True)])
def test_half_of_a_shorter_life_that_the_service_grants_is_less(left: timedelta, renewed: bool) -> None:
    plan = plan_subscriptions(
        [INBOX],
        [row()],
        [subscription(left=left)],
        addresses=ADDRESSES,
        key_version="key-2",
        now=NOW,
        lifetime=timedelta(days=1),
    )
    assert bool(plan.renew) is renewed


@pytest.mark.parametrize(
    ("noted", "listed"),
    [
        (row(key="key-1"), subscription()),
        (row(key=""), subscription()),
        (row(address=ELSEWHERE[0]), subscription()),
        (row(), subscription(addresses=(ELSEWHERE[0], ADDRESSES[1]))),
        (row(), subscription(addresses=(ADDRESSES[0], ELSEWHERE[1]))),
        (row(), subscription(addresses=(ADDRESSES[0].upper(), ADDRESSES[1]))),
        (row(), subscription(addresses=(ADDRESSES[0] + "?code=1", ADDRESSES[1]))),
    ],
)
def test_another_key_version_or_address_is_replaced(noted: Registered, listed: Subscription) -> None:
    plan = planned([INBOX], [noted], [listed])
    assert plan == SubscriptionPlan(replace=(Replacement(INBOX, (noted,)),))


@pytest.mark.parametrize(
    "addresses",
    [
        (None, None),
        (ADDRESSES[0], None),
        ("https://APP.example.com:443/api/notifications", ADDRESSES[1]),
        ("https://app.example.com/api/%6eotifications", ADDRESSES[1]),
    ],
)
def test_an_address_that_graph_hides_or_writes_otherwise_is_the_same(
    addresses: tuple[str | None, str | None],
) -> None:
    """Else each round would replace what the one before has made."""
    assert planned([INBOX], [row()], [subscription(addresses=addresses)]) == SubscriptionPlan()


def test_what_graph_knows_no_longer_is_struck_off() -> None:
    old = row("old", Watched("vanished", "x@example.com", "inbox"))
    plan = planned([INBOX], [row(), old], [subscription()])
    assert plan == SubscriptionPlan(gone=(old,))


def test_of_what_is_no_longer_configured_only_ours_is_deleted() -> None:
    mine = row("mine", key="key-1")
    existing = [subscription("mine", left=timedelta(1)), subscription("stranger")]
    assert planned([], [mine], existing) == SubscriptionPlan(delete=(mine,))


def test_folder_ids_that_differ_in_case_only_are_two_folders() -> None:
    """Ids are case-sensitive (learn.microsoft.com/graph/outlook-immutable-id)."""
    one = Watched("a", "a@example.com", FOLDER_ID)
    other = Watched("a", "a@example.com", FOLDER_ID.replace("s28O", "S28O"))
    existing = [subscription(resource=one.resource)]
    assert planned([one, other], [row(watched=one)], existing).create == (other,)


def test_of_two_over_one_folder_the_longer_one_counts() -> None:
    short, long = subscription("s1", left=timedelta(hours=1)), subscription("s2")
    for existing in ([short, long], [long, short]):
        assert planned([INBOX], [row("s1"), row("s2")], existing) == SubscriptionPlan()


def test_of_two_over_one_folder_the_one_that_is_up_to_date_counts() -> None:
    rows = [row("s1", key="key-1"), row("s2")]
    existing = [subscription("s1"), subscription("s2", left=timedelta(hours=1))]
    assert planned([INBOX], rows, existing) == SubscriptionPlan(renew=(Renewal(INBOX, row("s2")),))


def test_each_folder_of_each_source_is_watched_well_known_names_in_small_letters() -> None:
    sources = [source("invoices", folders=("Inbox", FOLDER_ID)), source("orders")]
    assert [(one.source, one.folder) for one in watched_by(sources)] == [
        ("invoices", "inbox"),
        ("invoices", FOLDER_ID),
        ("orders", "inbox"),
    ]


def test_a_folder_that_is_named_twice_is_subscribed_once() -> None:
    wanted = watched_by([source("invoices", folders=("inbox", "Inbox", "INBOX"))])
    assert len(planned(wanted, [], []).create) == 1


@pytest.mark.parametrize(
    ("resource", "is_twin"),
    [
        ("users/invoices@example.com/mailFolders('inbox')/messages", True),
        ("/users/invoices@example.com/mailFolders('inbox')/messages", True),
        ("Users/Invoices@Example.com/MailFolders('Inbox')/Messages", True),
        ("users/invoices@example.com/mailFolders/inbox/messages", True),
        ("users('invoices@example.com')/mailfolders('inbox')/messages", True),
        (f"users/{OBJECT_ID}/mailFolders('inbox')/messages", True),
        (f"users/{OBJECT_ID}/mailFolders('archive')/messages", False),
        ("users/orders@example.com/mailFolders('inbox')/messages", False),
        ("users/invoices@example.com/mailFolders('archive')/messages", False),
        ("users/invoices@example.com/messages", False),
        ("", False),
        (None, False),
    ],
)
def test_a_twin_is_found_in_each_of_graphs_forms(resource: str | None, is_twin: bool) -> None:
    found = subscription(resource=resource)
    assert twins_of(INBOX, [found]) == ([found] if is_twin else [])


def test_a_twin_by_address_makes_those_by_object_id_strangers() -> None:
    by_address, by_id = subscription(), subscription("s2", f"users/{OBJECT_ID}/mailFolders('inbox')/messages")
    assert twins_of(INBOX, [by_id, by_address]) == [by_address]


def test_a_subscription_for_other_changes_is_no_twin() -> None:
    other = subscription()
    other.change_type = "updated"
    assert twins_of(INBOX, [other]) == []


BY_ID = Watched("invoices", OBJECT_ID, "inbox")
HIDDEN, HALF = (None, None), (ADDRESSES[0], None)


@pytest.mark.parametrize(
    ("twin", "noted", "whose"),
    [
        (subscription(), None, Twin.OURS),
        (subscription(addresses=ELSEWHERE), None, Twin.STRANGE),
        (subscription(addresses=(ADDRESSES[0], ELSEWHERE[1])), None, Twin.STRANGE),
        (subscription(addresses=HIDDEN), None, Twin.STRANGE),
        (subscription(addresses=HALF), None, Twin.STRANGE),
        (subscription(), row(watched=Watched("orders", INBOX.mailbox, "inbox")), Twin.STRANGE),
        (subscription(), row(), Twin.SERVES),
        (subscription(left=timedelta(0)), row(), Twin.OURS),
        (subscription(), row(watched=BY_ID), Twin.OURS),
    ],
)
def test_whose_a_twin_is(twin: Subscription, noted: Registered | None, whose: Twin) -> None:
    assert judge_twin(INBOX, twin, noted, ADDRESSES, NOW) is whose


folders = st.sampled_from(["inbox", "Inbox", "archive", FOLDER_ID, FOLDER_ID.lower(), "AAMk/x_-="])
mailboxes = st.sampled_from(["a@example.com", "A@Example.com", "b@example.com"])
watches = st.builds(Watched, st.sampled_from(["a", "b"]), mailboxes, folders)
ids = st.sampled_from([f"s{number}" for number in range(6)])
lives = st.floats(-SECONDS, SECONDS).map(lambda seconds: timedelta(seconds=seconds))
urls = st.sampled_from([ADDRESSES, ELSEWHERE, HIDDEN, HALF])
spellings = st.none() | watches.map(lambda watched: watched.resource.lower())


@st.composite
def registers(draw: st.DrawFn) -> list[Registered]:
    """What may be on record: an id is there once."""
    keys, places = st.sampled_from(["key-1", "key-2"]), st.sampled_from([ADDRESSES[0], ELSEWHERE[0]])
    ends = st.none() | lives
    return [row(name, draw(watches), draw(places), draw(keys), draw(ends)) for name in draw(st.sets(ids))]


@st.composite
def existing_ones(draw: st.DrawFn) -> list[Subscription]:
    """What Graph may list: ids are unique there, and resources spelled as it likes."""
    found = []
    for name in draw(st.sets(ids)):
        one = subscription(name, draw(spellings), draw(lives), draw(urls))
        one.expiration_date_time = draw(st.sampled_from([one.expiration_date_time, None, "NA"]))
        found.append(one)
    return found


def folder_of(watched: Watched) -> tuple[str, str]:
    folder = watched.folder.lower() if watched.folder.isalpha() else watched.folder
    return watched.mailbox.lower(), folder


@given(st.lists(watches, max_size=6), registers())
def test_the_rows_of_folders_are_those_that_were_created_for_one_of_them(
    wanted: list[Watched], ours: list[Registered]
) -> None:
    assert rows_of(wanted, ours) == [row for row in ours if any(row.is_of(one) for one in wanted)]


@given(st.lists(watches, max_size=6), registers(), existing_ones())
def test_nothing_is_done_twice_and_no_stranger_touched(
    wanted: list[Watched], ours: list[Registered], existing: list[Subscription]
) -> None:
    plan = planned(wanted, ours, existing)
    known, listed = {one.subscription for one in ours}, {one.id for one in existing}
    touched = [one.row.subscription for one in plan.renew]
    touched += [one.subscription for each in plan.replace for one in each.rows]
    touched += [one.subscription for one in plan.delete]
    assert set(touched) <= known & listed
    assert len(set(touched)) == len(touched)
    assert {one.subscription for one in plan.gone} == known - listed
    done = [*plan.create, *(one.watched for one in plan.renew), *(one.watched for one in plan.replace)]
    assert set(done) <= set(wanted)
    assert len({folder_of(one) for one in done}) == len(done)


@given(st.lists(watches, max_size=6), registers(), existing_ones())
def test_once_the_plan_is_done_nothing_is_left_to_do(
    wanted: list[Watched], ours: list[Registered], existing: list[Subscription]
) -> None:
    plan = planned(wanted, ours, existing)
    renewed = {one.row.subscription for one in plan.renew}
    former = [*plan.delete, *(one for each in plan.replace for one in each.rows)]
    deleted = {one.subscription for one in former}
    graph = [
        subscription(one.id, one.resource, addresses=(one.notification_url, one.lifecycle_notification_url))
        if one.id in renewed
        else one
        for one in existing
        if one.id not in deleted
    ]
    rows = [
        replace(one, until=NOW + LIFETIME) if one.subscription in renewed else one
        for one in ours
        if one not in plan.gone and one.subscription not in deleted
    ]
    for number, watched in enumerate((*plan.create, *(one.watched for one in plan.replace))):
        graph.append(subscription(f"new{number}", watched.resource))
        rows.append(row(f"new{number}", watched))
    assert planned(wanted, rows, graph) == SubscriptionPlan()
