"""How a check gets mail into its mailbox, and out again."""

from __future__ import annotations

import base64
import secrets
from contextlib import AsyncExitStack
from typing import Protocol
from urllib.parse import quote

from tests.live.fact import NotPossible
from tests.live.raw_graph import RawGraph, told

FOLDER = "Vaultpost live check"


class Mailroom(Protocol):
    """Folders and mail of one check."""

    async def folder(self) -> str:
        """The id of a new, empty folder, which is deleted with all that is in it after the check."""

    async def put(self, mime: bytes, folder: str) -> str:
        """Put a mail there; its immutable id."""


class GraphMailroom:
    """Makes folders and drafts by Graph, which Mail.ReadWrite is enough for.

    A draft in MIME: learn.microsoft.com/graph/outlook-send-mime-message. Folders are deleted with what is in
    them: learn.microsoft.com/graph/api/mailfolder-delete.
    """

    def __init__(self, graph: RawGraph, mailbox: str, clean_up: AsyncExitStack) -> None:
        self._graph = graph
        self._folders = f"users/{quote(mailbox, safe='@')}/mailFolders"
        self._clean_up = clean_up

    async def folder(self) -> str:
        """As `Mailroom` says. Raises NotPossible where the app may not write."""
        name = f"{FOLDER} {secrets.token_hex(4)}"
        made = await self._graph.send("POST", self._folders, json={"displayName": name})
        if made.status_code == 403:
            raise NotPossible(
                f"the app may not make a folder ({told(made)}): grant Mail.ReadWrite for this run"
            )
        assert made.status_code == 201, told(made)
        folder = str(made.json()["id"])
        self._clean_up.push_async_callback(self._remove, folder)
        return folder

    async def put(self, mime: bytes, folder: str) -> str:
        """As `Mailroom` says."""
        made = await self._graph.send(
            "POST",
            f"{self._folders}/{folder}/messages",
            content=base64.b64encode(mime),
            headers={"Content-Type": "text/plain"},
        )
        assert made.status_code == 201, told(made)
        return str(made.json()["id"])

    async def _remove(self, folder: str) -> None:
        removed = await self._graph.send("DELETE", f"{self._folders}/{folder}")
        assert removed.status_code in (204, 404), told(removed)
