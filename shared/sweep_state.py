"""Container `state`: how far the sweep of each folder has come (design, section 5).

Delta links are opaque and long, so they stand in blobs: `delta/{source}/{folder key}.json`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.blob_container import BlobContainer
from shared.errors import NotYet, Unavailable
from shared.folder_register import SweptFolder
from shared.sweep_plan import Round

CONTAINER = "state"
VERSION = 1
LATER_VERSION_WAITS = 300.0


class SweepState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A round under way since `began`, or, without it, at rest with the link of the next one.

    `folder` is how Graph was asked for the folder that the link is of. `compared` counts the old mail of this
    round that nobody knows; `asked` says that the operator was asked whether it is to be filed.
    `unannounced` counts the mail of this round that no notification had announced.
    """

    round: Round
    began: datetime | None = None
    link: str | None = None
    folder: str = ""
    mailbox: str = ""
    compared: int = 0
    asked: bool = False
    unannounced: int = 0
    v: int = VERSION


class SweepStates:
    """Reads and writes them, on the ETag that was read: of two sweeps of one folder one goes on."""

    def __init__(self, container: BlobContainer) -> None:
        self._container = container

    async def read(self, folder: SweptFolder) -> tuple[SweepState | None, str]:
        """The state of a folder's sweep, and its ETag; None and no ETag where it was never swept.

        Raises NotYet when a later version has written it, and Unavailable.
        """
        body, etag = await self._container.get_with_etag(state_name(folder))
        if body is None:
            return None, ""
        try:
            state = msgspec.json.decode(body, type=SweepState)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unavailable(
                f"state: {state_name(folder)} cannot be read ({type(error).__name__})", origin="storage"
            ) from None
        if state.v > VERSION:
            raise NotYet(f"{state_name(folder)} is of version {state.v}", after=LATER_VERSION_WAITS)
        return state, etag

    async def write(self, folder: SweptFolder, state: SweepState, etag: str) -> str:
        """Write the state that was read as `etag`, or the first one without; answers its new ETag.

        Raises Stale when another sweep was first, and Unavailable.
        """
        return await self._container.put_if(state_name(folder), msgspec.json.encode(state), etag)

    async def forget(self, folder: SweptFolder) -> None:
        """Take the state of a folder away that is gone. Raises Unavailable."""
        await self._container.delete(state_name(folder))


def state_name(folder: SweptFolder) -> str:
    """The blob of a folder's state."""
    return f"delta/{folder.source}/{folder.key}.json"
