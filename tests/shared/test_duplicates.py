"""The same mail in two mailboxes: filed once where the configuration says so, and only then."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import pytest

from shared.configuration import Source
from shared.duplicates import RULE, Duplicates
from shared.errors import MailFault, Unavailable
from shared.filing import Filing
from shared.fingerprints import Fingerprints, FingerprintTable, Owner
from shared.identities import filing_key
from shared.journal_row import Row
from shared.mail import EXAMPLE
from shared.manifest import Manifest
from shared.opening import open_row
from shared.planning import Planner
from shared.staging_area import file_name
from shared.testing.queues import InMemoryQueues

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import manifest, order, source, staged
from .pipeline import Pipeline
from .vault.fake import FIRST_ID, FakeVault

pytestmark = pytest.mark.anyio
PRINT = "ab" * 32
FIRST, SECOND = "invoices", "sales"


def skipping(name: str) -> Source:
    return source(name, document={"class": "CL.Invoice", "duplicates": "skip"})


async def mime() -> AsyncGenerator[bytes, None]:
    yield b"mime"


@dataclass
class World:
    """The same mail, staged for two sources."""

    stores: Stores
    fingerprints: FingerprintTable
    vault: FakeVault
    pipeline: Pipeline

    async def stage(self, name: str, fingerprint: str = PRINT) -> None:
        file = staged("message.eml", b"mime", content_type="message/rfc822")
        mail: Manifest = msgspec.structs.replace(manifest(name, file), fingerprint=fingerprint)
        await self.stores.area.write(file_name(name, mail.key, mail.run, file.path), mime())
        await self.stores.area.put_manifest(mail)
        row = Row(name, mail.key, "staged", mail.message, NOON, opened=NOON)
        row = replace(
            row, staged=NOON, handed=NOON, sizes=(file.size,), digests=(bytes.fromhex(file.sha256),)
        )
        await open_row(self.stores.journal, self.stores.unfinished, row)

    def serve(self, *sources: Source, fingerprints: Fingerprints | None = None) -> None:
        known = {one.name: one for one in sources}
        duplicates = Duplicates(
            fingerprints or self.fingerprints, self.stores.journal, self.pipeline.clock, known
        )
        self.pipeline.serve(
            Filing(
                known, Planner("PD.FilingKey"), self.vault, self.stores.area, duplicates, self.pipeline.clock
            )
        )

    async def file(self, name: str) -> Row:
        (step,) = self.pipeline.steps.values()
        await self.pipeline.take(step, order(name))
        return await self.row(name)

    async def row(self, name: str) -> Row:
        return await self.pipeline.row(name, key(name))


def key(name: str) -> str:
    return filing_key(name, manifest(name).message)


@pytest.fixture
async def world(stores: Stores, clock: FakeClock) -> World:
    pipeline = Pipeline.of(stores, clock, InMemoryQueues(clock))
    made = World(stores, FingerprintTable(stores.tables), FakeVault(clock=clock), pipeline)
    await made.stage(FIRST)
    await made.stage(SECOND)
    made.serve(skipping(FIRST), skipping(SECOND))
    return made


async def test_the_second_is_skipped_and_says_as_what_the_first_was_filed(world: World) -> None:
    first, second = await world.file(FIRST), await world.file(SECOND)

    assert (first.state, second.state, second.rule) == ("filed", "skipped", RULE)
    assert f"object {FIRST_ID}" in second.reason
    assert f'source "{FIRST}"' in second.reason
    assert len(world.vault.objects) == 1
    assert first.settled is not None
    assert second.settled is not None


async def test_where_nothing_is_said_both_are_filed_and_the_first_is_noted(world: World) -> None:
    world.serve(source(FIRST), source(SECOND))

    rows = [await world.file(FIRST), await world.file(SECOND)]

    assert [row.state for row in rows] == ["filed", "filed"]
    owner = await world.fingerprints.owner(PRINT)
    assert owner is not None
    assert owner.is_of(FIRST, key(FIRST))


async def test_one_that_was_filed_where_duplicates_are_filed_counts_for_the_others(world: World) -> None:
    world.serve(source(FIRST), skipping(SECOND))

    await world.file(FIRST)

    assert (await world.file(SECOND)).state == "skipped"


async def test_mail_without_a_message_id_is_never_skipped(stores: Stores, clock: FakeClock) -> None:
    pipeline = Pipeline.of(stores, clock, InMemoryQueues(clock))
    world = World(stores, FingerprintTable(stores.tables), FakeVault(clock=clock), pipeline)
    await world.stage(FIRST, fingerprint="")
    await world.stage(SECOND, fingerprint="")
    world.serve(skipping(FIRST), skipping(SECOND))

    assert [(await world.file(name)).state for name in (FIRST, SECOND)] == ["filed", "filed"]


async def test_the_second_waits_until_the_first_is_filed_and_that_is_no_attempt(world: World) -> None:
    await world.fingerprints.add(PRINT, Owner(FIRST, key(FIRST)))

    waiting = await world.file(SECOND)
    await world.file(FIRST)
    await world.pipeline.run_for(seconds=30)

    assert (waiting.state, waiting.attempt) == ("staged", 0)
    assert (await world.row(SECOND)).state == "skipped"
    assert len(world.vault.objects) == 1


@pytest.mark.parametrize("end", ["failed", "skipped", "gone"])
async def test_a_first_one_that_came_to_nothing_is_replaced(world: World, end: str) -> None:
    await world.fingerprints.add(PRINT, Owner(FIRST, key(FIRST)))
    row = await world.row(FIRST)
    if end == "gone":
        await world.stores.journal.delete(row)
    else:
        await world.stores.journal.update(replace(row, state=end))  # type: ignore[arg-type]

    assert (await world.file(SECOND)).state == "filed"
    owner = await world.fingerprints.owner(PRINT)
    assert owner is not None
    assert owner.is_of(SECOND, key(SECOND))


async def test_a_mail_that_was_filed_again_after_a_crash_is_not_its_own_duplicate(world: World) -> None:
    world.vault.refusal = MailFault("no", "mend")
    await world.fingerprints.add(PRINT, Owner(FIRST, key(FIRST)))
    world.vault.refusal = None

    assert (await world.file(FIRST)).state == "filed"


class Overtaken(FingerprintTable):
    """Another mail takes the fingerprint over between the two looks at it."""

    async def owner(self, fingerprint: str) -> Owner | None:
        return Owner("other", "0" * 32)


async def test_it_is_looked_at_again_before_the_create(world: World) -> None:
    world.serve(skipping(FIRST), fingerprints=Overtaken(world.stores.tables))

    row = await world.file(FIRST)

    assert (row.state, row.creating, row.attempt) == ("staged", None, 0)
    assert world.vault.calls["sent"] == 0


async def test_a_create_that_may_have_committed_is_not_asked_for_twins(world: World) -> None:
    """The vault may have it already: then it is filed, whatever else there is."""
    row = await world.row(FIRST)
    await world.stores.journal.update(replace(row, creating=NOON))
    await world.file(SECOND)
    world.vault.put(key(FIRST), 77, (4,))
    world.pipeline.clock.advance(minutes=2)

    row = await world.file(FIRST)

    assert (row.state, row.object_id) == ("filed", 77)


async def test_while_fingerprints_cannot_be_noted_the_mail_is_not_filed(world: World) -> None:
    class Down(FingerprintTable):
        async def add(self, fingerprint: str, owner: Owner) -> Owner:
            raise Unavailable("fingerprints: storage did not answer", origin="storage")

    world.serve(source(FIRST), fingerprints=Down(world.stores.tables))
    row = await world.file(FIRST)
    assert (row.state, row.attempt) == ("staged", 1)

    world.serve(source(FIRST))
    await world.pipeline.run_for(minutes=5)
    assert (await world.row(FIRST)).state == "filed"
    assert len(world.vault.objects) == 1


async def test_a_first_one_whose_source_is_gone_is_replaced(world: World) -> None:
    """Its row stays as it is for ever: nobody files it."""
    await world.fingerprints.add(PRINT, Owner(FIRST, key(FIRST)))
    world.serve(skipping(SECOND))

    assert (await world.file(SECOND)).state == "filed"


@pytest.mark.parametrize(("days", "state"), [(2, "skipped"), (0, "filed")])
async def test_an_old_mail_that_was_filed_before_under_another_id_was_restored(
    world: World, days: int, state: str
) -> None:
    """A mail that has just been received is a new one, whatever it is like."""
    world.serve(source(FIRST))
    former = await world.file(FIRST)
    again = msgspec.structs.replace(
        manifest(FIRST, staged("message.eml", b"mime"), message="AAkRestored="),
        fingerprint=PRINT,
        mail=msgspec.structs.replace(EXAMPLE, received=(NOON - timedelta(days=days)).isoformat()),
    )
    await world.stores.area.write(file_name(FIRST, again.key, again.run, "message.eml"), mime())
    await world.stores.area.put_manifest(again)
    row = Row(FIRST, again.key, "staged", again.message, NOON, opened=NOON)
    await open_row(
        world.stores.journal,
        world.stores.unfinished,
        replace(row, staged=NOON, handed=NOON, sizes=(4,), digests=(b"0" * 32,)),
    )
    (step,) = world.pipeline.steps.values()

    await world.pipeline.take(step, order(FIRST, again.message))

    found = await world.pipeline.row(FIRST, again.key)
    assert found.state == state
    assert found.rule == ("restored" if state == "skipped" else "")
    assert former.state == "filed"
