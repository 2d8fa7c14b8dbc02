"""Which user name and password are tried: values, and the vault over TLS while its account is changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox.pki import Authority
from shared.errors import Transient
from shared.services import Services
from shared.vault.log_ins import FIRST_REST, LONGEST_REST, LogIn, LogIns

from ..clock import FakeClock
from ..key_vault import KeyVault
from .site import KEY, Site, serving

NAME, WORD = "mfiles-username", "mfiles-password"
OLD, NEW = LogIn("old", "old word"), LogIn("new", "new word")
NEW_NAME, NEW_WORD = LogIn("new", "old word"), LogIn("old", "new word")
LOGIN = "POST /server/authenticationtokens"


@pytest.fixture
async def site(
    tmp_path: Path, authority: Authority, services: Services, key_vault: KeyVault
) -> AsyncIterator[Site]:
    async with serving(tmp_path / "vault", authority, services, key_vault) as running:
        yield running


def log_ins(clock: FakeClock, good: LogIn | None = None, *refused: LogIn) -> LogIns:
    made = LogIns(clock.monotonic, good)
    for one in refused:
        made.refuse(one)
    return made


@pytest.mark.parametrize(
    ("good", "refused", "present", "chosen"),
    [
        (None, (), NEW, NEW),
        (OLD, (), OLD, OLD),
        (OLD, (), NEW, NEW),
        (OLD, (), NEW_WORD, NEW_WORD),
        (OLD, (), NEW_NAME, OLD),
        (OLD, (OLD,), NEW_NAME, NEW_NAME),
        (OLD, (NEW_WORD,), NEW_WORD, OLD),
        (OLD, (NEW,), NEW, OLD),
        (OLD, (NEW, OLD), NEW, None),
        (None, (NEW,), NEW, None),
    ],
)
def test_the_present_one_is_tried_but_not_what_was_refused_nor_a_change_half_made(
    good: LogIn | None, refused: tuple[LogIn, ...], present: LogIn, chosen: LogIn | None
) -> None:
    assert log_ins(FakeClock(), good, *refused).choose(present) == chosen


def test_what_was_refused_is_tried_again_after_a_rest_that_doubles() -> None:
    """Until it works: then it is as new."""
    clock = FakeClock()
    known = LogIns(clock.monotonic)
    for minutes in (2, 4, 8, 15, 15):
        known.refuse(NEW)
        clock.advance(minutes=minutes, seconds=-1)
        assert known.choose(NEW) is None
        clock.advance(seconds=1)
        assert known.choose(NEW) == NEW
    known.works(NEW)
    known.refuse(NEW)
    clock.advance(minutes=2)
    assert known.choose(NEW) == NEW
    assert (FIRST_REST, LONGEST_REST) == (120, 900)


@given(
    some.lists(
        some.tuples(some.sampled_from([OLD, NEW, NEW_NAME, NEW_WORD]), some.booleans(), some.integers(0, 300))
    )
)
def test_none_is_tried_more_than_four_times_in_15_minutes_while_it_is_refused(
    history: list[tuple[LogIn, bool, int]],
) -> None:
    """Whatever Key Vault has, and whatever the server takes."""
    clock = FakeClock()
    known = LogIns(clock.monotonic)
    tries: dict[LogIn, list[float]] = {}
    for present, is_taken, seconds in history:
        clock.advance(seconds=seconds)
        tried, now = known.choose(present), clock.monotonic()
        if tried is None:
            assert now - tries[present][-1] < LONGEST_REST
        elif is_taken:
            known.works(tried)
            tries.pop(tried, None)
        else:
            known.refuse(tried)
            tries.setdefault(tried, []).append(now)
            assert len([one for one in tries[tried] if now - one < LONGEST_REST - FIRST_REST]) <= 3


def test_no_repr_holds_a_password() -> None:
    assert "word" not in repr(log_ins(FakeClock(), OLD, NEW))


def attempts(site: Site) -> int:
    """How often somebody has tried to log in."""
    return site.count(LOGIN)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("first", "is_hard", "between", "after"),
    [(NAME, True, 2, 3), (NAME, False, 1, 3), (WORD, True, 2, 3), (WORD, False, 2, 4)],
)
async def test_a_change_of_both_halves_is_never_tried_and_tried(
    site: Site, clock: FakeClock, first: str, is_hard: bool, between: int, after: int
) -> None:
    """In between, Key Vault has a user name and a password that do not go together.

    If `is_hard`, the former log-in is dead at once: then all waits, else it serves on.
    """
    new = {NAME: "svc-mail-2", WORD: "another-password"}
    await site.client.find(KEY, "x")
    before = attempts(site)
    site.example.add_account(new[NAME], new[WORD])
    if is_hard:
        site.example.set_password("nobody knows")
    site.key_vault.secrets.set(first, new[first])
    site.example.expire_tokens()
    clock.advance(minutes=20)
    for _ in range(5):
        found = await asyncio.gather(*(site.client.find(KEY, "x") for _ in range(4)), return_exceptions=True)
        assert all(isinstance(one, Transient) == is_hard for one in found)
    assert attempts(site) - before == between

    second = WORD if first == NAME else NAME
    site.key_vault.secrets.set(second, new[second])
    site.example.set_password("nobody knows")
    await asyncio.gather(*(site.client.find(KEY, "x") for _ in range(4)))

    assert attempts(site) - before == after


@pytest.mark.anyio
async def test_a_password_that_key_vault_cannot_tell_is_not_tried_on_and_on(site: Site) -> None:
    """The server has another one already, and Key Vault is down."""
    await site.client.find(KEY, "x")
    site.example.set_password("another")
    site.key_vault.status = 403
    before = attempts(site)

    for _ in range(10):
        with pytest.raises(Transient, match="refuses the log-in"):
            await site.client.find(KEY, "x")

    assert attempts(site) - before <= 1
    site.key_vault.status = None
    site.key_vault.secrets.set(WORD, "another")
