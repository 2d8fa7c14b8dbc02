"""Mail that is open for long, or was passed over though it came in time, told by `reconcile`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from msgspec import structs

from sandbox.tenant.graph import Delivered
from shared.breaker import BreakerKey, held, opened, paused, succeeded
from shared.configuration import Source
from shared.folder_register import SweptFolder
from shared.journal_row import Row
from shared.operations.commands.listing import documents_of, mailbox_of
from shared.operations.commands.reconcile import reconciliation_of
from shared.operations.reconcile import Finding
from shared.sweep_plan import PASSED_OVER

from .estate import Estate

pytestmark = pytest.mark.anyio
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
Shut = Callable[[Estate], BreakerKey]
SHUT: dict[str, Shut] = {
    "vault": lambda estate: BreakerKey("service", "vault"),
    "graph": lambda estate: BreakerKey("service", "graph"),
    "source": lambda estate: BreakerKey("source", estate.name),
    "its filing": lambda estate: BreakerKey("source", estate.name, "filing"),
}


async def told(estate: Estate, source: Source | None = None) -> list[Finding]:
    services = estate.services
    work = reconciliation_of(services, mailbox_of(services), documents_of(services))
    since = estate.clock.now() - 9 * DAY
    return [one async for batch in work.run(source or estate.source, since) for one in batch]


async def kinds(estate: Estate, source: Source | None = None) -> list[str]:
    return sorted(one.kind for one in await told(estate, source))


@pytest.mark.parametrize("staged", [True, False])
async def test_a_mail_that_is_open_for_hours_without_a_cause_is_a_difference(
    estate: Estate, staged: bool
) -> None:
    delivered = estate.deliver()
    if staged:
        await estate.stage(delivered)
    else:
        now = estate.clock.now()
        key = estate.key(delivered)
        await estate.services.journal.insert(Row(estate.name, key, "arrived", delivered.immutable_id, now))
    estate.clock.advance(minutes=60)
    assert await kinds(estate) == ["open"]
    estate.clock.advance(minutes=1)

    (one,) = await told(estate)

    assert (one.kind, one.key, one.is_difference) == ("open-too-long", estate.key(delivered), True)


@pytest.mark.parametrize("key", SHUT.values(), ids=SHUT)
async def test_while_something_of_its_way_is_shut_it_waits_but_not_for_ever(
    estate: Estate, key: Shut
) -> None:
    await estate.stage(estate.deliver())
    now = estate.clock.now()
    shut = key(estate)
    how = {"vault": opened, "graph": opened, "source": paused}.get(shut.name)
    await estate.services.breakers.change(
        shut, lambda one: how(one, "down", now) if how else held(one, "wrong", "mend it", now)
    )

    estate.clock.advance(days=3)
    within = await kinds(estate)
    estate.clock.advance(minutes=1)
    beyond = await kinds(estate)

    assert (within, beyond) == (["open"], ["open-too-long"])


async def test_what_another_source_waits_for_explains_nothing(estate: Estate) -> None:
    await estate.stage(estate.deliver())
    await estate.services.breakers.pause("source", "another", "its class is renamed")
    estate.clock.advance(hours=2)

    assert await kinds(estate) == ["open-too-long"]


async def test_after_an_outage_the_backlog_has_an_hour(estate: Estate) -> None:
    """A breaker that has closed shows when it was probed."""
    await estate.stage(estate.deliver())
    estate.clock.advance(hours=5)
    now = estate.clock.now()
    vault = BreakerKey("service", "vault")
    await estate.services.breakers.change(
        vault, lambda one: succeeded(replace(opened(one, "down", now), probed_at=now))
    )
    after = await kinds(estate)
    estate.clock.advance(minutes=61)

    assert (after, await kinds(estate)) == (["open"], ["open-too-long"])


async def passed_over(estate: Estate, received: datetime) -> Delivered:
    delivered = estate.deliver(received=received)
    now = estate.clock.now()
    key, message = estate.key(delivered), delivered.immutable_id
    row = Row(estate.name, key, "skipped", message, now, ended=now, settled=now, rule=PASSED_OVER)
    await estate.services.journal.insert(row)
    return delivered


async def test_a_mail_that_was_passed_over_though_it_came_after_the_first_start_is_a_difference(
    estate: Estate,
) -> None:
    start = estate.clock.now() - 2 * DAY
    await estate.services.folder_register.add(
        SweptFolder(estate.name, "inbox", start + timedelta(milliseconds=900))
    )
    await passed_over(estate, start - timedelta(seconds=1))
    late = await passed_over(estate, start)

    found = await told(estate)

    assert sorted(one.kind for one in found) == ["passed-over-late", "skipped", "skipped"]
    (one,) = [one for one in found if one.is_difference]
    assert (one.key, one.at) == (estate.key(late), start)


async def test_since_is_the_bound_where_the_source_has_one(estate: Estate) -> None:
    """It counts as it is now: who sets it back wants what was passed over."""
    start = estate.clock.now()
    day = (start - 2 * DAY).date()
    await estate.services.folder_register.add(SweptFolder(estate.name, "inbox", start))
    await passed_over(estate, start - DAY)
    await passed_over(estate, start - 4 * DAY)

    without, since = await kinds(estate), await kinds(estate, structs.replace(estate.source, since=day))

    assert without == ["skipped", "skipped"]
    assert since == ["passed-over-late", "skipped", "skipped"]


@pytest.mark.parametrize("has_since", [True, False])
async def test_of_a_folder_that_was_never_swept_only_since_is_known(estate: Estate, has_since: bool) -> None:
    now = estate.clock.now()
    await passed_over(estate, now - DAY)
    source = structs.replace(estate.source, since=now - 2 * DAY) if has_since else estate.source

    assert await kinds(estate, source) == ["passed-over-late"] * has_since + ["skipped"]
