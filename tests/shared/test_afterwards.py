"""What is to be done with a mail in its mailbox, as a decision over values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.afterwards import Afterwards, changes, wanted
from shared.configuration import After
from shared.graph.changing import MessageState
from shared.journal_row import DELETED, STATES, Row, State

from .clock import NOON
from .made import MESSAGE, source
from .mailbox import FakeWriter

MAILBOX = "invoices@example.com"
names = some.text(min_size=1, max_size=12)
wishes = some.builds(After, some.booleans(), some.none() | names)
states = some.builds(MessageState, some.none() | some.lists(some.none() | names, max_size=5), some.booleans())


def a_row(state: State, rule: str = "") -> Row:
    return Row("invoices", "key", state, MESSAGE, NOON, rule=rule)


@given(states, wishes)
def test_a_change_brings_what_is_wished_keeps_what_is_there_and_is_made_once(
    state: MessageState, want: After
) -> None:
    there = [one for one in state.categories or () if one]
    written = changes(state, want)

    after = MessageState(written.get("categories", state.categories), written.get("isRead", state.is_read))
    categories = [one for one in after.categories or () if one]
    assert categories[: len(there)] == there
    assert len(categories) - len(there) <= 1
    assert after.is_read is (state.is_read or want.read)
    if want.category:
        assert want.category.casefold() in [one.casefold() for one in categories]
    else:
        assert categories == there
    assert changes(after, want) == {}


def test_a_category_is_there_in_any_case_of_letters() -> None:
    state = MessageState(["red", "FILED in m-files"])
    assert changes(state, After(category="Filed in M-Files")) == {}
    assert changes(state, After(read=True, category="Größe")) == {
        "isRead": True,
        "categories": ["red", "FILED in m-files", "Größe"],
    }


@pytest.mark.parametrize(
    ("state", "rule", "want"),
    [
        ("filed", "", After(read=True)),
        ("filed", "of a former configuration", After()),
        ("filed", "orders", After(category="Order")),
        ("failed", "", After(move_to="Faulty")),
        ("failed", "orders", After(category="Not filed")),
        ("skipped", "orders", After()),
        ("staged", "", After()),
    ],
)
def test_what_is_wanted_follows_from_the_end_and_the_rule(state: State, rule: str, want: After) -> None:
    orders = {
        "name": "orders",
        "when": "true",
        "after": {"category": "Order"},
        "on-failure": {"category": "Not filed"},
    }
    of_source = {"after": {"read": True}, "on-failure": {"move-to": "Faulty"}, "rule": [orders]}
    assert wanted(source("invoices", **of_source), a_row(state, rule)) == want


def test_nothing_is_wanted_of_a_source_that_is_not_configured() -> None:
    assert not wanted(None, a_row("filed"))


@pytest.mark.anyio
async def test_a_mail_that_is_moved_is_not_deleted() -> None:
    """Two wishes that do not go together: the one that can be taken back is done."""
    writer = FakeWriter()
    writer.put("a")

    await Afterwards(writer, may_delete=True).do(MAILBOX, "a", After(move_to="Filed", delete=True))

    assert writer.written == [("move", "a")]


@pytest.mark.anyio
async def test_a_mail_whose_folder_is_missing_is_left_as_it_is() -> None:
    writer = FakeWriter()
    writer.put("a")
    want = After(read=True, move_to="Nowhere")

    with pytest.raises(Exception, match="no folder"):
        await Afterwards(writer, may_delete=False).do(MAILBOX, "a", want)

    assert writer.written == []


@pytest.mark.anyio
@pytest.mark.parametrize("want", [After(read=True, category="Filed"), After(move_to="Filed")])
async def test_what_is_done_already_is_not_done_again(want: After) -> None:
    writer = FakeWriter()
    writer.put("a")
    afterwards = Afterwards(writer, may_delete=False)

    assert [await afterwards.do(MAILBOX, "a", want) for _ in range(2)] == [True, False]
    assert len(writer.written) == 1


def test_a_source_that_only_observes_changes_no_mailbox() -> None:
    """It may run beside a mail source that is still at work."""
    of_source: dict[str, Any] = {
        "after": {"read": True},
        "on-failure": {"move-to": "Faulty"},
        "mode": "observe",
    }

    for state in STATES:
        assert not wanted(source("invoices", **of_source), a_row(state, ""))


def test_nothing_follows_for_a_mail_whose_document_is_deleted() -> None:
    """What is in the mailbox may be all that there is."""
    deleted = replace(a_row("filed", ""), warnings=("attachment 1 is empty", DELETED))

    assert not wanted(source("invoices", after={"delete": True}), deleted)
