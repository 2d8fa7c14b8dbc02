"""A row against what the vault has, as a table of decisions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.journal_row import STATES, Row, State
from shared.operations.comparison import INFORMATION, compared, is_compared
from shared.vault.protocol import VaultObject

from ..clock import NOON

ROW = Row("invoices", "0" * 32, "filed", "AAA=", NOON, object_type=0, object_id=7)
objects = st.lists(
    st.builds(
        VaultObject,
        type=st.just(0),
        id=st.integers(5, 9),
        version=st.just(1),
        deleted=st.booleans(),
        sizes=st.just((3,)),
    ),
    max_size=4,
    unique_by=lambda one: one.id,
)


def one(number: int, *, deleted: bool = False) -> VaultObject:
    return VaultObject(0, number, 1, deleted, (3,))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((), ["document-missing"]),
        ((one(7),), []),
        ((one(7), one(8, deleted=True)), []),
        ((one(7, deleted=True),), ["document-deleted"]),
        ((one(8),), ["other-document"]),
        ((one(7, deleted=True), one(8)), ["other-document"]),
        ((one(7), one(8)), ["filed-twice"]),
        ((one(8), one(9)), ["filed-twice"]),
    ],
)
def test_a_filed_mail(found: tuple[VaultObject, ...], told: list[str]) -> None:
    assert compared(ROW, found) == told


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ((), ["never-filed"]),
        ((one(7),), ["not-journalled"]),
        ((one(7, deleted=True),), ["not-journalled"]),
        ((one(7), one(8)), ["filed-twice", "not-journalled"]),
    ],
)
def test_a_mail_without_a_row(found: tuple[VaultObject, ...], told: list[str]) -> None:
    assert compared(None, found) == told


@given(state=st.sampled_from(STATES), named=st.integers(5, 9), found=objects)
def test_a_mail_is_well_exactly_if_its_one_living_document_is_the_journals(
    state: State, named: int, found: list[VaultObject]
) -> None:
    row = replace(ROW, state=state, object_id=named)
    living = [one.id for one in found if not one.deleted]

    differences = [kind for kind in compared(row, found) if kind not in INFORMATION]

    if state == "filed":
        assert (differences == []) == (living == [named])
    elif state == "failed":
        assert (differences == []) == (living == [])
    else:
        assert not is_compared(row)
        assert differences == []
