"""The journal made anew from the vault: what is filed is known again, and nothing is filed twice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.journal_row import DELETED
from shared.operations.commands.listing import documents_of, mailbox_of
from shared.operations.rebuild import Rebuild, Rebuilt
from shared.queue_messages import MAIL_ARRIVED, FolderSweep
from shared.tracing import traceparent

from ..accounts import opened
from .estate import Estate
from .test_reconcile import told

pytestmark = pytest.mark.anyio


def rebuild(estate: Estate) -> Rebuild:
    services = estate.services
    return Rebuild(mailbox_of(services), services.journal, documents_of(services), services.clock)


async def done(estate: Estate, *, dry_run: bool = False) -> list[Rebuilt]:
    batches = rebuild(estate).run(estate.source, dry_run=dry_run)
    return [one async for batch in batches for one in batch]


async def queued(estate: Estate) -> int:
    storage = estate.services.settings.storage.connection_string
    assert storage is not None
    async with opened(storage) as stores:
        return await stores.number(MAIL_ARRIVED)


async def test_what_the_vault_has_is_journalled_as_filed_and_closed(estate: Estate) -> None:
    received = estate.clock.now() - timedelta(days=400)
    old, new = await estate.file(received=received), await estate.file()
    unfiled = estate.deliver()
    before = [await estate.row(one) for one in (old, new)]
    for delivered in (old, new):
        await estate.forget(delivered)

    found = await done(estate)

    assert Counter(one.outcome for one in found) == {"journalled": 2, "not-filed": 1}
    after = [await estate.row(one) for one in (old, new)]
    for row, former in zip(after, before, strict=True):
        assert (row.state, row.is_closed, row.message) == ("filed", True, former.message)
        assert (row.object_type, row.object_id) == (former.object_type, former.object_id)
        assert row.warnings[0].startswith("journalled anew from the vault on ")
    assert after[0].arrived == received
    assert [one.kind for one in await told(estate, timedelta(days=500))] == ["never-filed"]
    assert await estate.services.journal.read(estate.name, estate.key(unfiled)) is None


async def test_a_sweep_that_follows_queues_only_what_was_never_filed(estate: Estate) -> None:
    """The storage account is lost with all that is in it, and the app begins anew."""
    filed = [await estate.file() for _ in range(3)]
    for delivered in filed:
        await estate.forget(delivered)
    estate.deliver()
    await done(estate)
    services = estate.services
    sweeper = replace(services.sweeper, ensure_subscribed=_not_subscribed)

    await sweeper.order(estate.name)
    await sweeper.sweep(FolderSweep(source=estate.name, traceparent=traceparent(), folder="inbox"))

    rows = [row.state for row in await estate.rows()]
    assert Counter(rows)["filed"] == 3
    assert await queued(estate) <= 1
    assert sorted(len(estate.documents(one)) for one in filed) == [1, 1, 1]


async def _not_subscribed(source: str) -> None:
    """For sweeps alone."""


async def test_a_dry_run_tells_the_same_and_writes_nothing(estate: Estate) -> None:
    delivered = await estate.file()
    await estate.forget(delivered)

    found = await done(estate, dry_run=True)

    assert [(one.outcome, one.document is not None) for one in found] == [("chosen", True)]
    assert await estate.rows() == []


async def test_what_the_journal_has_is_left_as_it_is(estate: Estate) -> None:
    delivered, staged = await estate.file(), estate.deliver()
    await estate.stage(staged)
    before = [await estate.row(one) for one in (delivered, staged)]

    found = await done(estate)

    assert {one.outcome for one in found} == {"known"}
    assert [await estate.row(one) for one in (delivered, staged)] == before


async def test_a_deleted_document_counts_as_filed(estate: Estate) -> None:
    delivered = await estate.file()
    (document,) = estate.documents(delivered)
    estate.box.vault.delete(document)
    await estate.forget(delivered)

    await done(estate)

    row = await estate.row(delivered)
    assert (row.state, row.object_id) == ("filed", document)
    assert DELETED in row.warnings


async def test_of_several_documents_the_first_that_is_not_deleted_counts(estate: Estate) -> None:
    delivered = await estate.file()
    (document,) = estate.documents(delivered)
    twin, _ = [await estate.document(estate.key(delivered)) for _ in range(2)]
    estate.box.vault.delete(document)
    await estate.forget(delivered)

    await done(estate)

    assert (await estate.row(delivered)).object_id == twin
    assert {one.kind for one in await told(estate)} == {"filed-twice"}


async def test_begun_again_it_does_the_rest(estate: Estate) -> None:
    first, second = await estate.file(), await estate.file()
    await estate.forget(first)
    await done(estate)
    await estate.forget(second)

    found = await done(estate)

    assert Counter(one.outcome for one in found) == {"known": 1, "journalled": 1}


async def test_the_command_tells_what_it_has_journalled(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered = await estate.file()
    (document,) = estate.documents(delivered)
    await estate.forget(delivered)

    dry = await estate.command("rebuild", "--all", "--dry-run")
    would = capsys.readouterr().out.splitlines()
    status = await estate.command("rebuild", "--source", estate.name, "--json")
    shape = json.loads(capsys.readouterr().out)

    assert (dry, status) == (0, 0)
    assert would[0].endswith(f"would be journalled as filed: object {document}")
    assert would[1] == "1 mail read: 1 would be journalled as filed."
    assert (shape["sources"], shape["counts"]) == ([estate.name], {"journalled": 1})
    assert [(one["key"], one["object"]) for one in shape["mails"]] == [(estate.key(delivered), document)]
