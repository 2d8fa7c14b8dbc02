"""How the checks bring mail into a real mailbox: the sandbox makes no drafts, so requests are read."""

from __future__ import annotations

import base64
import json
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.live.fact import NotPossible
from tests.live.letters import FILE, INLINE, plain, with_attachments
from tests.live.mailroom import GraphMailroom
from tests.live.raw_graph import RawGraph

pytestmark = pytest.mark.anyio
ENDPOINT = "https://graph.example/v1.0"


async def token() -> str:
    return "token"


class Graph:
    """Answers as the documentation says, and keeps the requests."""

    def __init__(self, status: int = 201) -> None:
        self.requests: list[httpx.Request] = []
        self.status = status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "DELETE":
            return httpx.Response(204)
        return httpx.Response(self.status, json={"id": f"id-{len(self.requests)}"})


async def test_a_mail_is_a_draft_in_a_folder_of_the_checks_own_which_is_deleted_with_it() -> None:
    graph = Graph()
    async with httpx.AsyncClient(transport=httpx.MockTransport(graph)) as http:
        raw = RawGraph(ENDPOINT, token, http)
        async with AsyncExitStack() as clean_up:
            room = GraphMailroom(raw, "a b@example.com", clean_up)
            folder = await room.folder()
            message = await room.put(plain("one"), folder)

    made, put, removed = graph.requests
    folders = f"{ENDPOINT}/users/a%20b@example.com/mailFolders"
    assert (folder, message) == ("id-1", "id-2")
    assert (made.method, str(made.url)) == ("POST", folders)
    assert json.loads(made.content)["displayName"].startswith("Vaultpost live check ")
    assert (put.method, str(put.url)) == ("POST", f"{folders}/id-1/messages")
    assert put.headers["Content-Type"] == "text/plain"
    assert base64.b64decode(put.content) == plain("one")
    assert (removed.method, str(removed.url)) == ("DELETE", f"{folders}/id-1")
    assert {one.headers["Prefer"] for one in graph.requests} == {'IdType="ImmutableId"'}


async def test_without_the_right_to_write_nothing_is_looked_at() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(Graph(403))) as http, AsyncExitStack() as undo:
        with pytest.raises(NotPossible, match=r"Mail\.ReadWrite"):
            await GraphMailroom(RawGraph(ENDPOINT, token, http), "a@example.com", undo).folder()


async def test_the_letter_has_a_file_a_picture_and_a_mail() -> None:
    letter = with_attachments()

    assert base64.b64encode(FILE)[:60] in letter
    assert base64.b64encode(INLINE)[:60] in letter
    assert b"message/rfc822" in letter
