"""A message that is filed as text or HTML: the file is made of the MIME, and made again where it is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import Unavailable
from shared.plan import RENDERED, Plan
from shared.staging_area import plan_name
from tests.protocol.hooks import Hook, Mode
from tests.protocol.world import SOURCE, World, configured

pytestmark = pytest.mark.anyio
ATTACHMENTS = 1
TEXT = b"\xef\xbb\xbfThe body of mail 0, in some pieces"


def rendered(message_format: str = "text") -> World:
    return World(composition=configured(message_format=message_format, invoices="CL.Invoice"))


async def one_mail(world: World, hook: Hook | None = None) -> str:
    message = world.mail(ATTACHMENTS)
    await world.announce(message)
    await world.settle(worker=world.worker(hook))
    return message


def assert_filed(world: World) -> None:
    (kept,) = world.vault.objects
    assert kept.names == ["Mail 0.txt", "file0.txt"]
    assert kept.contents == [TEXT, b"bytes 0/0"]


async def test_the_text_of_the_mail_is_the_file() -> None:
    world = rendered()
    row = await world.row(await one_mail(world))

    assert_filed(world)
    assert (row.state, row.planned) == ("filed", (len(TEXT), len(b"bytes 0/0")))
    assert len(row.sizes) == 2


async def test_or_a_document_of_html() -> None:
    world = rendered("html")
    await one_mail(world)

    (kept,) = world.vault.objects
    assert kept.names[0] == "Mail 0.html"
    assert kept.contents[0].startswith(b"<!DOCTYPE html>")
    assert b"The body of mail 0" in kept.contents[0]


@pytest.mark.parametrize("mode", [Mode.DEATH], ids=lambda mode: mode.name.lower())
async def test_it_survives_this_at_every_point(mode: Mode) -> None:
    world, hook = rendered(), Hook()
    await one_mail(world, hook)
    for number, point in enumerate(hook.points):
        again, struck = rendered(), Hook(at=number, mode=mode)
        row = await again.row(await one_mail(again, struck))
        assert struck.has_struck
        alive = [kept for kept in again.vault.objects if not kept.shown.deleted]
        assert [kept.contents for kept in alive] == [[TEXT, b"bytes 0/0"]], f"{number} {point}"
        assert row.state == "filed"


@pytest.mark.parametrize("is_kept", [False, True], ids=["staged", "kept"])
async def test_a_file_that_is_lost_is_made_again_without_the_mailbox(is_kept: bool) -> None:
    """The mail may be gone from there by then: only the message itself is needed."""
    world = rendered()
    message = world.mail(ATTACHMENTS)
    world.vault.refusal = Unavailable("the vault is down", origin="vault")
    await world.announce(message)
    worker = await world.turn(world.worker())
    key = world.key(message)
    if is_kept:
        await world.area.keep(SOURCE, key)
        world.area.staged.lose()
        await world.journal.update(replace(await world.row(message), kept=world.clock.now()))
    else:
        (made,) = [name for name in world.area.staged.names() if RENDERED in name]
        world.area.staged.lose(made)
    world.mailboxes.mails.clear()
    world.vault.refusal = None

    await world.settle(worker=worker)

    assert (await world.row(message)).state == "filed"
    assert_filed(world)


async def test_a_plan_of_another_version_of_the_text_is_made_anew() -> None:
    world = rendered()
    message = world.mail(ATTACHMENTS)
    world.vault.find_fault = Unavailable("the vault is down", origin="vault")
    await world.announce(message)
    worker = await world.turn(world.worker())
    name = plan_name(SOURCE, world.key(message))
    plan = await world.area.document(name, Plan)
    assert plan is not None
    body = await world.area.staged.get(name)
    assert body is not None
    await world.area.staged.put(
        name, body.replace(f'"size":{len(TEXT)}'.encode(), b'"size":7'), overwrite=True
    )
    world.area.staged.lose(next(one for one in world.area.staged.names() if RENDERED in one))
    world.vault.find_fault = None

    await world.settle(worker=worker)

    assert_filed(world)
