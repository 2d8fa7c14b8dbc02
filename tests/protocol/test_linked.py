"""A mail whose attachments are documents of their own: death in between leaves no orphan and no twin."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.errors import MailFault
from shared.identities import linked_key
from shared.journal_row import begun_anew
from shared.unfinished import OpenMail
from shared.vault.protocol import REFERENCE
from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import World, configured

pytestmark = pytest.mark.anyio
ATTACHMENTS = 2
_MODES = tuple(mode for mode in Mode if mode is not Mode.SLEEP)
_SHORT = (Mode.DEATH, Mode.NO_ANSWER)


def linked() -> World:
    return World(composition=configured("linked-attachments", invoices="CL.Invoice"))


async def one_mail(world: World, hook: Hook, attachments: int = ATTACHMENTS) -> str:
    """A mail comes, is announced, and a worker with this hook takes it on its way, as far as it gets."""
    message = world.mail(attachments)
    await world.announce(message)
    await world.settle(worker=world.worker(hook))
    return message


async def points() -> list[str]:
    """All side effects of one mail's way, in their order."""
    world, hook = linked(), Hook()
    await one_mail(world, hook)
    await world.assert_well()
    return hook.points


async def test_each_attachment_is_a_document_that_names_that_of_the_mail() -> None:
    world = linked()
    message = await one_mail(world, Hook())

    row = await world.row(message)
    assert [number for number, _ in row.linked] == [1, 2]
    by_id = {kept.shown.id: kept for kept in world.vault.objects}
    for number, object_id in row.linked:
        relation = [one.value for one in by_id[object_id].new.properties if one.id == REFERENCE]
        assert relation == [(row.object_id,)]
        assert by_id[object_id].key == linked_key(row.key, number)
    assert world.vault.calls["create"] == 1 + ATTACHMENTS


async def test_a_first_attempt_searches_for_the_mail_alone() -> None:
    """What was not there a moment ago has no attachments."""
    world = linked()
    await one_mail(world, Hook())

    assert world.vault.calls["find"] == 1


async def test_a_mail_without_attachments_is_one_document() -> None:
    world = linked()
    message = await one_mail(world, Hook(), attachments=0)

    assert (await world.row(message)).linked == ()
    await world.assert_well()


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.name.lower())
async def test_it_survives_this_at_every_point(mode: Mode, pytestconfig: pytest.Config) -> None:
    if mode not in _SHORT and not pytestconfig.getoption("--long"):
        pytest.skip("what is filed as one document shows it for this one: --long")
    found = await points()
    assert found.count("vault.create:sent") == 1 + ATTACHMENTS
    for number, point in enumerate(found):
        world, hook = linked(), Hook(at=number, mode=mode)
        await one_mail(world, hook)
        assert hook.has_struck, f"{number} {point}"
        try:
            await world.assert_well()
        except AssertionError as error:
            raise AssertionError(f"{mode.value} at {number} of {len(found)}, {point}: {error}") from error


async def test_an_attachment_whose_create_commits_late_is_one_document_in_the_end() -> None:
    """Its answer was lost, another was made, and the first one came after all."""
    world = linked()
    message = world.mail(ATTACHMENTS)
    await world.announce(message)
    creates = 0

    async def second_is_late() -> None:
        nonlocal creates
        creates += 1
        if creates == 2:
            world.vault.commits_after = timedelta(minutes=4)

    worker = world.worker()
    while not creates:
        world.vault.before_create = second_is_late
        worker = await world.turn(worker)
        world.jump(1)
    await world.settle()

    row = await world.row(message)
    assert "was filed twice, and was marked deleted" in "\n".join(row.warnings)
    await world.assert_well()


async def test_what_the_vault_refuses_of_one_attachment_is_said_with_its_number() -> None:
    world = linked()
    message = world.mail(ATTACHMENTS)
    await world.announce(message)
    creates = 0

    async def third_is_refused() -> None:
        nonlocal creates
        creates += 1
        if creates == 3:
            world.vault.refusal = MailFault("M-Files answered 400.", "Look.")

    world.vault.before_create = third_is_refused
    await world.settle()

    row = await world.row(message)
    assert (row.state, row.reason) == ("failed", "attachment 2: M-Files answered 400.")
    assert row.object_id == world.vault.objects[0].shown.id
    assert len(world.vault.objects) == 2


async def test_documents_of_a_mail_whose_own_was_deleted_are_made_anew_by_a_replay() -> None:
    """Else there were twins, and what is left named a document that is gone."""
    world = linked()
    message = await one_mail(world, Hook())
    before = await world.row(message)
    main = next(kept for kept in world.vault.objects if kept.shown.id == before.object_id)
    main.shown = replace(main.shown, deleted=True)
    world.clock.advance(seconds=120)
    opened = replace(begun_anew(before, world.clock.now()), again=True)
    await world.unfinished.add(OpenMail(before.source, world.clock.now(), before.key, before.message))
    await world.journal.update(replace(opened, etag=before.etag))
    await world.announce(message)
    await world.settle()

    row = await world.row(message)
    assert row.object_id is not None
    assert row.object_id != before.object_id
    assert {one for _, one in row.linked}.isdisjoint(one for _, one in before.linked)
    alive = [kept.shown.id for kept in world.vault.objects if not kept.shown.deleted]
    assert sorted(alive) == sorted([row.object_id, *(one for _, one in row.linked)])
    assert "\n".join(row.warnings).count("was marked deleted") == ATTACHMENTS
