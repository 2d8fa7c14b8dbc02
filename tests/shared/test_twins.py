"""Several objects of one mail in the vault: which one stays, and which of the others may be deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigurationFault, Unavailable
from shared.journal_row import Row
from shared.twins import FIRST_VERSION, chosen, is_untouched, part_with
from shared.vault.protocol import VaultObject

from .clock import NOON
from .vault.fake import FakeVault

KEY = "0f3c5b0d9a7e4c1f8b2a6d5e4f3c2b1a"
SIZES = (4, 5, 0)
ROW = Row("invoices", KEY, "filed", "AAkALgAA=", NOON, object_id=42)


def shown(number: int, **facts: object) -> VaultObject:
    twin = VaultObject(0, number, FIRST_VERSION, False, SIZES, created=NOON)
    return replace(twin, **facts)  # type: ignore[arg-type]


OBJECTS = st.lists(
    st.builds(
        shown,
        st.integers(1, 9),
        deleted=st.booleans(),
        sizes=st.sampled_from([SIZES, (0, 5, 4), (4, 5), ()]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda one: one.id,
)


@given(OBJECTS, st.integers(1, 9))
def test_the_object_that_the_journal_names_stays_whatever_it_is(found: list[VaultObject], named: int) -> None:
    stays = chosen(found, named, SIZES)

    assert stays in found
    assert stays.id == named or named not in {one.id for one in found}


@given(OBJECTS)
def test_without_a_name_the_lowest_id_of_the_living_and_whole_stays(found: list[VaultObject]) -> None:
    stays = chosen(found, None, SIZES)

    living = [one for one in found if not one.deleted] or found
    whole = [one for one in living if sorted(one.sizes) == sorted(SIZES)] or living
    assert stays.id == min(one.id for one in whole)


@given(OBJECTS.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))), st.integers(0, 9))
def test_the_order_in_which_they_are_found_says_nothing(
    orders: tuple[list[VaultObject], list[VaultObject]], named: int
) -> None:
    found, shuffled = orders

    assert chosen(found, named or None, SIZES) == chosen(shuffled, named or None, SIZES)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, True),
        ({"created": NOON + timedelta(days=9)}, True),
        ({"created": NOON - timedelta(minutes=6)}, False),
        ({"created": NOON - timedelta(minutes=4)}, True),
        ({"created": None}, False),
        ({"version": FIRST_VERSION + 1}, False),
    ],
)
def test_only_what_nobody_has_changed_since_the_mail_arrived_may_go(
    facts: dict[str, object], expected: bool
) -> None:
    assert is_untouched(shown(7, **facts), ROW) is expected


def test_a_twin_of_the_second_in_which_the_mail_arrived_is_no_older_than_it() -> None:
    """The vault tells whole seconds."""
    row = replace(ROW, arrived=NOON + timedelta(microseconds=999_999))

    assert is_untouched(shown(7), row)


@pytest.mark.anyio
async def test_our_twins_are_marked_deleted_and_each_is_told() -> None:
    vault = FakeVault()
    twins = [vault.put(KEY, number, SIZES, created=NOON) for number in (43, 44)]

    said = await part_with(vault, ROW, twins)

    assert said == (
        "object 43 was filed twice, and was marked deleted",
        "object 44 was filed twice, and was marked deleted",
    )
    assert all(kept.shown.deleted for kept in vault.objects)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "facts",
    [{"own": False}, {"version": 2}, {"created": NOON - timedelta(minutes=6)}],
    ids=["not ours", "changed since", "older than the mail"],
)
async def test_what_is_not_ours_to_delete_is_left_alone_and_told(facts: dict[str, object]) -> None:
    vault = FakeVault()
    twin = vault.put(KEY, 43, SIZES, **{"created": NOON, **facts})  # type: ignore[arg-type]

    said = await part_with(vault, ROW, [twin])

    assert said == ("object 43 has the same filing key, and is not this app's to delete",)
    assert vault.calls["mark_deleted"] == 0


@pytest.mark.anyio
async def test_whose_a_changed_object_is_is_not_even_asked() -> None:
    vault = FakeVault()

    await part_with(vault, ROW, [vault.put(KEY, 43, SIZES, created=NOON, version=2)])

    assert not vault.calls


@pytest.mark.anyio
async def test_a_twin_that_is_deleted_already_needs_no_word() -> None:
    vault = FakeVault()

    assert await part_with(vault, ROW, [vault.put(KEY, 43, (), deleted=True)]) == ()
    assert not vault.calls


@pytest.mark.anyio
async def test_an_account_that_may_not_delete_is_told_and_is_no_fault_of_the_mail() -> None:
    vault = FakeVault(delete_fault=ConfigurationFault("M-Files answered 403.", "Let the account delete."))

    said = await part_with(vault, ROW, [vault.put(KEY, 43, SIZES, created=NOON)])

    assert said == ("object 43 was filed twice, and could not be marked deleted: M-Files answered 403.",)


@pytest.mark.anyio
@pytest.mark.parametrize("fault", ["own_fault", "delete_fault"])
async def test_a_vault_that_is_down_is_asked_again_later(fault: str) -> None:
    vault = FakeVault(**{fault: Unavailable("M-Files answered 503")})  # type: ignore[arg-type]

    with pytest.raises(Unavailable):
        await part_with(vault, ROW, [vault.put(KEY, 43, SIZES, created=NOON)])
