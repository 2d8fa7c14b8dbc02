"""Which folders a source watches, at Graph of the sandbox, and what its sweep makes of those that change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.faults import Status
from shared.errors import ConfigurationFault, Unavailable
from shared.queue_messages import FolderSweep
from shared.subscription_plan import Watched
from shared.tracing import traceparent
from shared.watched_folders import WatchedFolder, WatchedFolders, is_watched

from . import made
from .sweep_ground import Ground

pytestmark = pytest.mark.anyio
DAY = timedelta(days=1)


@pytest.fixture
def folders(ground: Ground) -> WatchedFolders:
    return ground.worker().services.watched_folders


async def named(ground: Ground, folders: WatchedFolders) -> list[tuple[str, str, str]]:
    """Name, address and the folder above."""
    return [(one.name, one.folder, one.above) for one in await folders.of(ground.source)]


async def test_well_known_names_and_ids_cost_no_request(ground: Ground, folders: WatchedFolders) -> None:
    ground.configure(folders=["Inbox", "AAMkAGI=", "inbox"])
    requests = ground.counted()

    assert await named(ground, folders) == [("inbox", "inbox", ""), ("AAMkAGI=", "AAMkAGI=", "")]
    assert requests.number == 0


async def test_a_path_is_found_by_its_id(ground: Ground, folders: WatchedFolders) -> None:
    scans = ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans/2026")
    ground.configure(folders=["INBOX/scans/2026"])

    assert await named(ground, folders) == [("inbox/scans/2026", scans.id, "")]


async def test_subfolders_are_those_of_all_depths(ground: Ground, folders: WatchedFolders) -> None:
    tenant = ground.box.tenant
    made_ = [tenant.add_folder(ground.mailbox, path) for path in ("inbox/A", "inbox/A/B", "inbox/C")]
    tenant.add_folder(ground.mailbox, "archive/D")
    ground.configure(folders=["inbox"], subfolders=True)

    found = await named(ground, folders)

    assert found[0] == ("inbox", "inbox", "")
    assert set(found[1:]) == {(one.id, one.id, "inbox") for one in made_}
    watched = [one.watched for one in await folders.of(ground.source)]
    assert watched[0] == Watched(ground.name, ground.mailbox, "inbox")
    assert len(watched) == 4


async def test_a_folder_that_is_named_and_stands_below_another_is_watched_once(
    ground: Ground, folders: WatchedFolders
) -> None:
    scans = ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans")
    ground.configure(folders=["inbox/Scans", "inbox"], subfolders=True)

    assert [one[1] for one in await named(ground, folders)] == [scans.id, "inbox"]


@pytest.mark.parametrize("changed", [{"folders": ["inbox/None"]}, {"folders": ["None"], "subfolders": True}])
async def test_a_folder_that_is_not_there_is_a_fault(
    ground: Ground, folders: WatchedFolders, changed: dict[str, Any]
) -> None:
    ground.configure(**changed)

    with pytest.raises(ConfigurationFault, match="None"):
        await folders.of(ground.source)


@pytest.mark.parametrize("subfolders", [False, True])
async def test_one_that_is_not_there_keeps_no_other_from_being_found(
    ground: Ground, folders: WatchedFolders, subfolders: bool
) -> None:
    scans = ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans")
    ground.configure(folders=["inbox/None", "inbox/Scans", "archive/No"], subfolders=subfolders)

    found, faults = await folders.found(ground.source)

    assert [one.folder for one in found] == [scans.id]
    assert [str(fault).count("inbox/None") for fault in faults] == [1, 0]
    assert [type(fault) for fault in faults] == [ConfigurationFault] * 2
    with pytest.raises(ConfigurationFault, match="inbox/None"):
        await folders.of(ground.source)


async def test_where_graph_stumbles_over_one_the_others_are_found(
    ground: Ground, folders: WatchedFolders
) -> None:
    """A name that needs no look is found while Graph is down."""
    ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans")
    ground.configure(folders=["inbox/Scans", "inbox"])
    ground.box.faults.graph.add(Status(status=503, route=f"GET /{ground.mailbox}/mailFolders"))

    found, faults = await folders.found(ground.source)

    assert [one.folder for one in found] == ["inbox"]
    assert [type(fault) for fault in faults] == [Unavailable]


async def test_where_the_list_of_those_below_breaks_off_what_came_of_it_counts(
    ground: Ground, folders: WatchedFolders
) -> None:
    below = ground.box.tenant.add_folder(ground.mailbox, "inbox/A")
    ground.box.tenant.add_folder(ground.mailbox, "inbox/A/B")
    ground.configure(folders=["inbox"], subfolders=True)
    fault = Status(status=503, route=f"GET /{ground.mailbox}/mailFolders/.*childFolders", after=1)
    ground.box.faults.graph.add(fault)

    found, faults = await folders.found(ground.source)

    assert [one.folder for one in found] == ["inbox", below.id]
    assert [type(fault) for fault in faults] == [Unavailable]


async def test_one_is_found_by_the_name_that_its_sweep_has(ground: Ground, folders: WatchedFolders) -> None:
    scans = ground.box.tenant.add_folder(ground.mailbox, "inbox/Scans")
    name, mailbox = ground.name, ground.mailbox
    asked = [
        await folders.find(ground.source, *one)
        for one in (("inbox", ""), ("inbox/Scans", ""), (scans.id, "inbox"))
    ]

    assert asked == [
        WatchedFolder(name, mailbox, "inbox", "inbox"),
        WatchedFolder(name, mailbox, "inbox/Scans", scans.id),
        WatchedFolder(name, mailbox, scans.id, scans.id, "inbox"),
    ]


@pytest.mark.parametrize(
    ("folders", "subfolders", "name", "above", "expected"),
    [
        (["Inbox"], False, "inbox", "", True),
        (["inbox/Scans"], False, "inbox/Scans", "", True),
        (["inbox"], False, "archive", "", False),
        (["inbox"], True, "AAMk=", "inbox", True),
        (["inbox"], False, "AAMk=", "inbox", False),
        (["archive"], True, "AAMk=", "inbox", False),
        (["AAMk="], True, "AAMk=", "", True),
        (["inbox"], True, "AAMk=", "", False),
    ],
)
def test_what_is_watched_is_what_the_configuration_says_now(
    folders: list[str], subfolders: bool, name: str, above: str, expected: bool
) -> None:
    source = made.source(folders=folders, subfolders=subfolders)

    assert is_watched(source, name, above) is expected


@pytest.fixture
def with_subfolders(ground: Ground) -> Ground:
    """The inbox with `inbox/A` below it."""
    ground.configure(subfolders=True)
    ground.box.tenant.add_folder(ground.mailbox, "inbox/A")
    return ground


async def test_mail_below_a_folder_is_filed_from_the_same_time_on(with_subfolders: Ground) -> None:
    ground = with_subfolders
    old = [ground.deliver(folder=folder, ago=DAY) for folder in ("inbox", "inbox/A")]
    new = [ground.deliver(folder=folder) for folder in ("inbox", "inbox/A")]

    await ground.sweep()

    assert await ground.states_of(old + new) == ["passed-over"] * 2 + ["filed"] * 2


async def test_a_new_subfolder_is_swept_from_when_the_one_above_was_first_seen(
    with_subfolders: Ground,
) -> None:
    """It came with mail in it, some of which is older; what was moved there is not filed twice."""
    ground = with_subfolders
    moved = ground.deliver()
    await ground.sweep()
    for _ in range(2):
        ground.clock.advance(hours=1)
        await ground.sweep()
    ground.box.tenant.add_folder(ground.mailbox, "inbox/B")
    ground.box.tenant.move(ground.mailbox, moved, "inbox/B")
    old, since = (ground.deliver(folder="inbox/B", ago=ago) for ago in (DAY, timedelta(minutes=90)))
    new = ground.deliver(folder="inbox/B")

    await ground.sweep()

    assert await ground.states_of([moved, old, since, new]) == ["filed", "passed-over", "filed", "filed"]
    assert ground.documents(moved) == 1
    below = ground.box.tenant.folder(ground.mailbox, "inbox/B").id
    assert (await ground.folder(below)).first_start == (await ground.folder()).first_start


async def test_a_new_subfolder_full_of_old_mail_asks_over_all_its_slices(
    with_subfolders: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is none that was swept before is known in the second slice, too."""
    monkeypatch.setattr("shared.sweeping.RUNS_FOR", 0.0)
    monkeypatch.setattr("shared.sweep_intake.MOST_COMPARED", 5)
    ground = with_subfolders
    await ground.sweep()
    ground.clock.advance(hours=5)
    await ground.sweep()
    ground.box.tenant.add_folder(ground.mailbox, "inbox/B")
    ground.fill(9, timedelta(hours=1), "inbox/B")

    await ground.sweep()

    below = ground.box.tenant.folder(ground.mailbox, "inbox/B").id
    assert (await ground.state(below)).asked
    assert not (await ground.state()).asked


async def test_a_subfolder_that_is_renamed_or_moved_within_goes_on_where_it_was(
    with_subfolders: Ground,
) -> None:
    """Its id stays."""
    ground = with_subfolders
    first = ground.deliver(folder="inbox/A")
    await ground.sweep()
    tenant = ground.box.tenant
    tenant.rename_folder(ground.mailbox, "inbox/A", "Z")
    tenant.add_folder(ground.mailbox, "inbox/C")
    tenant.move_folder(ground.mailbox, "inbox/Z", "inbox/C")
    second = ground.deliver(folder="inbox/C/Z")
    requests = ground.counted("messages/delta.*deltatoken")

    await ground.sweep()

    assert requests.number == 2
    assert [ground.documents(mail) for mail in (first, second)] == [1, 1]


async def test_a_subfolder_that_is_gone_is_forgotten_and_the_others_go_on(with_subfolders: Ground) -> None:
    """Its order may have been under way; a copy of it does not bring it back."""
    ground = with_subfolders
    await ground.sweep()
    below = ground.box.tenant.folder(ground.mailbox, "inbox/A").id
    ground.box.tenant.remove_folder(ground.mailbox, "inbox/A")
    mail = ground.deliver()
    order = FolderSweep(source=ground.name, traceparent=traceparent(), folder=below)
    worker = ground.worker()

    for _ in range(2):
        await worker.services.sweeper.sweep(order)
    await ground.sweep()

    assert [one.name async for one in ground.register.rows()] == ["inbox"]
    assert ground.states.container.names() == [
        f"delta/{ground.name}/{(await ground.folder()).key}.json",
    ]
    assert await ground.states_of([mail]) == ["filed"]


async def test_a_mailbox_that_is_not_found_costs_no_folder_its_place(with_subfolders: Ground) -> None:
    """As while it is moved: the code is not that of a folder."""
    ground = with_subfolders
    await ground.sweep()
    below = ground.box.tenant.folder(ground.mailbox, "inbox/A").id
    fault = Status(
        status=404, code="MailboxNotEnabledForRESTAPI", route=f"GET /{ground.mailbox}/.*messages/delta"
    )
    ground.box.faults.graph.add(fault)

    await ground.sweep()

    assert {one.name async for one in ground.register.rows()} == {"inbox", below}
    assert (await ground.state(below)).round == "next"


async def test_a_path_that_leads_to_another_folder_now_is_swept_anew(ground: Ground) -> None:
    """The former one was renamed, and one of its name was made."""
    tenant = ground.box.tenant
    tenant.add_folder(ground.mailbox, "inbox/Scans")
    ground.configure(folders=["inbox/Scans"])
    first = ground.deliver(folder="inbox/Scans")
    await ground.sweep()
    ground.clock.advance(hours=1)
    tenant.rename_folder(ground.mailbox, "inbox/Scans", "Scans 2025")
    await ground.sweep()
    tenant.add_folder(ground.mailbox, "inbox/Scans")
    tenant.move(ground.mailbox, first, "inbox/Scans")
    second = ground.deliver(folder="inbox/Scans")

    await ground.sweep()

    assert [ground.documents(mail) for mail in (first, second)] == [1, 1]
    new = tenant.folder(ground.mailbox, "inbox/Scans").id
    assert (await ground.state("inbox/Scans")).folder == new


async def test_a_subfolder_that_is_configured_by_its_id_later_stays_watched(with_subfolders: Ground) -> None:
    """And one that was configured, when it is found below another one."""
    ground = with_subfolders
    below = ground.box.tenant.folder(ground.mailbox, "inbox/A").id
    mails = []
    for changed in (
        {"subfolders": True},
        {"folders": [below]},
        {"folders": ["inbox"], "subfolders": True},
    ):
        ground.configure(**changed)
        mails.append(ground.deliver(folder="inbox/A"))
        await ground.sweep()
        ground.clock.advance(minutes=30)

    assert await ground.states_of(mails) == ["filed"] * 3
    assert [ground.documents(mail) for mail in mails] == [1] * 3
    assert (await ground.folder(below)).above == "inbox"


async def test_what_is_not_watched_any_more_is_not_filed(with_subfolders: Ground) -> None:
    ground = with_subfolders
    await ground.sweep()
    below = ground.box.tenant.folder(ground.mailbox, "inbox/A").id
    ground.configure(subfolders=False)
    mail = ground.deliver(folder="inbox/A")

    order = FolderSweep(source=ground.name, traceparent=traceparent(), folder=below)
    await ground.worker().services.sweeper.sweep(order)
    await ground.sweep()

    assert await ground.states_of([mail]) == [""]
