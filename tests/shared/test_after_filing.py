"""From delivery to what is done in the mailbox, in one process: Graph is the sandbox's, as are its answers.

A mail that is moved comes as new to whoever watches the folder: it is known by its id, which stays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.box import Sandbox
from sandbox.faults import Status
from sandbox.tenant.graph.store import Message
from shared.breaker import BreakerKey
from shared.graph.client import GraphClient
from shared.queue_messages import MAIL_ARRIVED
from shared.services import Services

from .clock import FakeClock
from .graph.stub import FixedToken
from .made import arrived
from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
FILED = "inbox/Filed"


@pytest.fixture
async def may_write(box: Sandbox, services: Services) -> AsyncIterator[None]:
    """The app has Mail.ReadWrite beside Mail.Read."""
    address, roles = urlsplit(box.addresses.graph), ("Mail.Read", "Mail.ReadWrite")
    token = box.issuer.issue(
        box.registration.client_id, f"{address.scheme}://{address.netloc}", roles, timedelta(hours=1)
    )
    graph = GraphClient(services.settings.graph, FixedToken(token))
    services.__dict__["graph"] = graph
    yield
    await graph.close()


async def begun(ground: Ground, **wishes: Any) -> Ground:
    """A source with these wishes, swept once: what comes from now on is filed."""
    ground.box.tenant.add_folder(ground.mailbox, FILED)
    ground.configure(**wishes)
    await ground.sweep()
    ground.clock.advance(hours=1)
    return ground


def held(ground: Ground, message: str) -> Message:
    found = ground.box.tenant.mailbox(ground.mailbox).message(message)
    assert found is not None
    return found


async def announced(ground: Ground, message: str) -> None:
    await ground.queues.send(MAIL_ARRIVED, arrived(ground.name, message))
    await ground.settle()


@pytest.mark.usefixtures("may_write")
async def test_a_filed_mail_is_marked_and_moved(ground: Ground) -> None:
    after = {"read": True, "category": "Filed in M-Files", "move-to": FILED}
    await begun(ground, after=after)
    message = ground.deliver()

    await announced(ground, message)

    mail = held(ground, message)
    assert (mail.is_read, mail.categories, mail.folder.name) == (True, ("Filed in M-Files",), "Filed")
    assert await ground.states_of([message]) == ["filed"]
    assert ground.documents(message) == 1


async def test_without_a_wish_permission_to_read_is_enough(ground: Ground) -> None:
    await begun(ground)
    message = ground.deliver()
    before = ground.counted("messages/")
    await announced(ground, message)

    assert await ground.states_of([message]) == ["filed"]
    assert not held(ground, message).is_read
    assert before.number == 2, "the message with its attachments, its MIME"


async def test_without_permission_mail_is_filed_and_waits_to_be_marked(ground: Ground) -> None:
    """A hold of this step alone, which says what is missing."""
    await begun(ground, after={"read": True})
    messages = [ground.deliver() for _ in range(3)]
    for message in messages:
        await ground.queues.send(MAIL_ARRIVED, arrived(ground.name, message))
    await ground.worker().run()

    assert await ground.states_of(messages) == ["filed"] * 3
    shut = {key: one for key, one in (await ground.breakers.read_all()).items() if one.is_shut}
    assert list(shut) == [BreakerKey("source", ground.name, "mailbox")]
    (hold,) = shut.values()
    assert "ErrorAccessDenied" in hold.reason
    assert "Mail.ReadWrite" in hold.remedy


@pytest.mark.usefixtures("may_write")
async def test_a_mail_that_is_deleted_stays_filed(ground: Ground) -> None:
    await begun(ground, after={"delete": True})
    message = ground.deliver()
    ground.allow_deletion()

    await announced(ground, message)

    assert ground.box.tenant.mailbox(ground.mailbox).message(message) is None
    assert await ground.states_of([message]) == ["filed"]
    assert ground.documents(message) == 1


@pytest.mark.usefixtures("may_write")
@pytest.mark.parametrize("after", [{"move-to": FILED, "category": "Filed"}, {"category": "Filed"}])
async def test_a_mail_that_comes_again_by_its_move_or_its_mark_is_filed_once(
    ground: Ground, after: dict[str, Any]
) -> None:
    """The target lies below a watched folder: `created` fires for it, and the sweeps of both see the mail."""
    await begun(ground, folders=["inbox"], subfolders=True, after=after)
    message = ground.deliver()
    await announced(ground, message)
    changes = held(ground, message).change_key

    await announced(ground, message)
    for _ in range(3):
        ground.clock.advance(hours=1)
        await ground.sweep()
        await ground.settle()

    row = await ground.row(message)
    assert row is not None
    assert (row.state, row.is_closed) == ("filed", True)
    assert ground.documents(message) == 1
    assert len(ground.vault.objects) == 1
    assert held(ground, message).change_key == changes, "and it is changed once"
    assert held(ground, message).categories == ("Filed",)


@pytest.mark.usefixtures("may_write")
async def test_a_folder_of_another_source_gives_it_a_mail_of_its_own_and_nothing_goes_round(
    ground: Ground, box: Sandbox, services: Services, clock: FakeClock
) -> None:
    """Each source files what comes into its folders, once; the first knows the mail when it is back."""
    await begun(ground, after={"move-to": FILED})
    other = Ground(box, services, clock)
    other.configure(mailbox=ground.mailbox, folders=[FILED], after={"move-to": "inbox"})
    await other.sweep()
    clock.advance(hours=1)
    message = ground.deliver()

    for _ in range(3):
        for one in (ground, other):
            await announced(one, message)
            await one.sweep()
            await one.settle()
        clock.advance(hours=1)

    assert (ground.documents(message), other.documents(message)) == (1, 1)
    assert held(ground, message).folder.well_known == "inbox"


@pytest.mark.usefixtures("may_write")
async def test_what_fails_half_way_is_done_later(ground: Ground) -> None:
    """Marked, and not yet moved: only what is left is done."""
    await begun(ground, after={"read": True, "move-to": FILED})
    message = ground.deliver()
    ground.box.faults.graph.add(Status(503, times=2, route=r"POST /move$"))
    marked = ground.box.faults.graph.add(Status(500, times=1, after=1, route=r"PATCH /messages/"))

    await announced(ground, message)

    assert (held(ground, message).is_read, held(ground, message).folder.name) == (True, "Filed")
    assert marked.struck == 0, "a second mark would have met it"
