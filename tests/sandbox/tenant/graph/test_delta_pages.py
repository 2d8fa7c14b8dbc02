"""Whoever reads the rounds of a folder knows in the end what is in it, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.tenant.graph import Tenant
from sandbox.tenant.graph.delta_pages import DeltaPage, page_of
from sandbox.tenant.graph.delta_tokens import Asked, DeltaTokens, Round
from sandbox.tenant.graph.folder_log import CREATED, DELETED, UPDATED, FolderLog

from .samples import plain

MAILBOX = "invoices@example.com"
EVERYTHING = frozenset({CREATED, UPDATED, DELETED})
EVENTS = ("deliver", "move out", "move in", "read", "delete", "turn a page")

# What happens to which mail, how many entries a page has.
events = st.lists(st.tuples(st.sampled_from(EVENTS), st.integers(0, 9), st.integers(1, 4)), max_size=40)


@pytest.fixture(scope="session")
def new_tenant(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Tenant]:
    def made() -> Tenant:
        tenant = Tenant(tmp_path_factory.mktemp("mail"), "tenant")
        tenant.add_mailbox(MAILBOX)
        tenant.fill(MAILBOX, plain().as_bytes(), 6, step=timedelta(minutes=1))
        return tenant

    return made


class Reader:
    """Keeps what it was told of the inbox."""

    def __init__(self, tenant: Tenant, asked: Asked, *, unruly: bool) -> None:
        self.tenant = tenant
        self.inbox = tenant.folder(MAILBOX, "inbox")
        self.unruly = unruly
        self.known: set[str] = set()
        self.told: set[str] = set()
        self.state = Round("m", "f", 0, asked, base=0, horizon=len(self.inbox.log), position=0)
        self.tokens = DeltaTokens()

    def turn(self, size: int) -> DeltaPage:
        page = page_of(self.inbox.log, self.state, size, unruly=self.unruly)
        assert len(page.shown) <= size
        for one in page.shown:
            self.told.add(one.ids.immutable)
            if one.kind == DELETED:
                self.known.discard(one.ids.immutable)
            else:
                self.known.add(one.ids.immutable)
        self.state = self.tokens.read("$skiptoken", self.tokens.issue("$skiptoken", page.following))
        return page

    def finish(self, size: int) -> None:
        for _ in range(1_000):
            if self.turn(size).last:
                return
        raise AssertionError("the round does not end")


def happen(tenant: Tenant, event: str, number: int) -> None:
    if event == "deliver":
        tenant.fill(MAILBOX, plain().as_bytes(), 1)
        return
    held = tenant.messages(MAILBOX)
    if not held:
        return
    mail = held[number % len(held)].immutable_id
    if event == "delete":
        tenant.delete(MAILBOX, mail)
    elif event == "read":
        tenant.mark_read(MAILBOX, mail)
    else:
        tenant.move(MAILBOX, mail, "archive" if event == "move out" else "inbox")


def here(log: FolderLog) -> set[str]:
    return {one.ids.immutable for one in log.messages()}


@settings(database=None, deadline=None, max_examples=60)
@given(what=events, ordered=st.booleans(), unruly=st.booleans(), size=st.integers(1, 4))
def test_a_copy_of_the_folder_is_true_after_each_round(
    new_tenant: Callable[[], Tenant],
    what: list[tuple[str, int, int]],
    ordered: bool,
    unruly: bool,
    size: int,
) -> None:
    tenant = new_tenant()
    reader = Reader(tenant, Asked(None, EVERYTHING, newest_first=ordered), unruly=unruly)
    for event, number, page_size in what:
        if event == "turn a page":
            reader.turn(page_size)
        else:
            happen(tenant, event, number)
    reader.finish(size)
    assert reader.known == here(reader.inbox.log)
    happen(tenant, "deliver", 0)
    reader.finish(size)
    assert reader.known == here(reader.inbox.log)


@settings(database=None, deadline=None, max_examples=60)
@given(what=events, unruly=st.booleans(), size=st.integers(1, 4))
def test_whoever_asks_for_new_mail_alone_is_told_of_all_that_is_there(
    new_tenant: Callable[[], Tenant], what: list[tuple[str, int, int]], unruly: bool, size: int
) -> None:
    tenant = new_tenant()
    reader = Reader(tenant, Asked(None, frozenset({CREATED})), unruly=unruly)
    for event, number, page_size in what:
        if event == "turn a page":
            reader.turn(page_size)
        else:
            happen(tenant, event, number)
    reader.finish(size)
    assert here(reader.inbox.log) <= reader.told


def test_a_page_is_the_same_each_time_it_is_read(new_tenant: Callable[[], Tenant]) -> None:
    reader = Reader(new_tenant(), Asked(None, EVERYTHING), unruly=False)
    pages = [page_of(reader.inbox.log, reader.state, 4) for _ in range(2)]
    assert pages[0] == pages[1]


def test_a_round_over_very_many_messages_is_quick(new_tenant: Callable[[], Tenant]) -> None:
    tenant = new_tenant()
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    tenant.fill(MAILBOX, plain().as_bytes(), 20_000, received=long_ago, step=timedelta(hours=1))
    reader = Reader(tenant, Asked(None, EVERYTHING), unruly=False)
    began = datetime.now(UTC)
    reader.finish(200)
    assert len(reader.known) == 20_006
    assert datetime.now(UTC) - began < timedelta(seconds=10)
