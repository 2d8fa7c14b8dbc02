"""Every fact, looked at in the tenant and the vault that VAULTPOST_LIVE names. See docs/live-check.md."""

from __future__ import annotations

import pytest

from tests.live.conftest import Run
from tests.live.every_check import CHECKS
from tests.live.fact import Fact, LiveCheck, NotPossible
from tests.live.results import BROKE_OFF, DIFFERENT, NOT_LOOKED_AT
from tests.live.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.live]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.fact.name)
async def test_the_fact_is_as_the_product_takes_it_to_be(check: LiveCheck, run: Run, world: World) -> None:
    """What is different fails, and says what depends on it; what is merely unknown is written down."""
    try:
        seen = await check.look(world)
    except NotPossible as reason:
        run.note(check.fact, NOT_LOOKED_AT, str(reason))
        pytest.skip(str(reason))
    except Exception as error:
        run.note(check.fact, BROKE_OFF, f"{type(error).__name__} {error}"[:300])
        raise
    assert run.saw(check.fact, seen) != DIFFERENT, difference(check.fact, seen.text)


def difference(fact: Fact, text: str) -> str:
    """What a person has to know about a fact that is otherwise."""
    return (
        f"{fact.question}\n  expected: {fact.expected}\n  seen: {text}\n"
        f"  what depends on it: {', '.join(fact.depends)}\n  until that is changed: {fact.otherwise}"
    )
