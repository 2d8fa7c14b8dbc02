"""How far a sweep has come: in Azure's container, and in memory."""

from __future__ import annotations

import msgspec
import pytest

from shared.blob_container import BlobContainer
from shared.errors import NotYet, Stale, Unavailable
from shared.folder_register import SweptFolder
from shared.sweep_state import CONTAINER, SweepState, SweepStates, state_name
from shared.testing.sweep_states import InMemorySweepStates

from .accounts import Stores
from .clock import NOON

pytestmark = pytest.mark.anyio
INBOX = SweptFolder("invoices", "inbox", NOON)
LEAST = SweepState("first")
WHOLE = SweepState(
    "again",
    began=NOON,
    link="https://graph.microsoft.com/v1.0/users/x/delta?$skiptoken=" + "ß%3D" * 2000,
    folder="AQMkA=",
    compared=12,
    asked=True,
    unannounced=3,
)


@pytest.fixture(params=["azure", "fake"])
def container(request: pytest.FixtureRequest) -> BlobContainer:
    """Both kinds, empty."""
    if request.param == "fake":
        return InMemorySweepStates().container
    stores: Stores = request.getfixturevalue("stores")
    return BlobContainer(stores.blobs, CONTAINER, "state")


@pytest.fixture
def states(container: BlobContainer) -> SweepStates:
    return SweepStates(container)


async def test_a_folder_that_was_never_swept_has_none(states: SweepStates) -> None:
    assert await states.read(INBOX) == (None, "")
    await states.forget(INBOX)


@pytest.mark.parametrize("state", [LEAST, WHOLE], ids=["least", "most"])
async def test_a_state_comes_back_as_it_was_written(states: SweepStates, state: SweepState) -> None:
    etag = await states.write(INBOX, state, "")

    assert await states.read(INBOX) == (state, etag)


async def test_each_folder_has_its_own(states: SweepStates) -> None:
    others = [SweptFolder("orders", "inbox", NOON), SweptFolder("invoices", "Inbox", NOON)]

    await states.write(INBOX, WHOLE, "")

    assert [await states.read(other) for other in others] == [(None, "")] * 2
    assert len({state_name(folder) for folder in (INBOX, *others)}) == 3


async def test_of_two_sweeps_of_one_folder_one_goes_on(states: SweepStates) -> None:
    """Whether it is the first page, or a later one."""
    etag = await states.write(INBOX, LEAST, "")
    with pytest.raises(Stale):
        await states.write(INBOX, WHOLE, "")

    await states.write(INBOX, WHOLE, etag)
    with pytest.raises(Stale):
        await states.write(INBOX, LEAST, etag)

    assert (await states.read(INBOX))[0] == WHOLE


async def test_a_sweep_whose_folder_was_forgotten_does_not_go_on(states: SweepStates) -> None:
    etag = await states.write(INBOX, LEAST, "")
    await states.forget(INBOX)

    with pytest.raises(Stale):
        await states.write(INBOX, WHOLE, etag)

    assert await states.read(INBOX) == (None, "")


async def test_a_state_of_a_later_version_waits_for_that_version(
    states: SweepStates, container: BlobContainer
) -> None:
    """A roll-back must not begin anew, and overwrite it."""
    later = {**msgspec.to_builtins(WHOLE), "v": 2, "new": 1}
    await container.put(state_name(INBOX), msgspec.json.encode(later), overwrite=True)

    with pytest.raises(NotYet, match="version 2") as caught:
        await states.read(INBOX)

    assert caught.value.after


async def test_what_another_version_wrote_beside_is_left_alone(
    states: SweepStates, container: BlobContainer
) -> None:
    await container.put(
        state_name(INBOX), b'{"round": "next", "link": "x", "new": [1], "v": 1}', overwrite=True
    )

    state, _ = await states.read(INBOX)

    assert state == SweepState("next", link="x")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"round": "sideways"}', b"\xff"])
async def test_a_state_that_cannot_be_read_is_told(
    states: SweepStates, container: BlobContainer, body: bytes
) -> None:
    await container.put(state_name(INBOX), body, overwrite=True)

    with pytest.raises(Unavailable, match="cannot be read"):
        await states.read(INBOX)
