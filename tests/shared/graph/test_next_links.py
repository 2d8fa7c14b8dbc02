"""Addresses of next pages, as odd as they come: each is asked for, or is an answer that cannot be used."""

from __future__ import annotations

import asyncio
import string
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.pki import Authority
from shared.errors import Unavailable, VaultpostError
from shared.graph.answers import Attachment, Page
from shared.graph.client import GraphClient

from .stub import answering, client_of

pytestmark = pytest.mark.anyio
ADDRESS = "invoices@example.com"
SHORT, LONG = 60, 20_000
LONGEST = 65_536
"""Characters that httpx takes for an address."""
tails = st.text(max_size=30) | st.text(string.printable, max_size=30)


async def asked(client: GraphClient, link: str) -> str:
    """The fault of a request for that page, or nothing."""
    try:
        await client.answer(client.page_after(link), Page[Attachment], mailbox=ADDRESS)
    except VaultpostError as fault:
        return type(fault).__name__
    return ""


@pytest.mark.parametrize(
    "tail", ["/v1.0/x?$skiptoken=\x7f", "/v1.0/x?$skiptoken=a\nb", f"/v1.0/x?$skiptoken={'a' * LONGEST}"]
)
async def test_what_is_no_address_is_refused_before_it_is_kept(authority: Authority, tail: str) -> None:
    async with answering(authority, no_more) as origin, client_of(origin) as client:
        with pytest.raises(Unavailable, match="is none"):
            client.page_after(f"{origin}{tail}")


async def test_any_link_is_asked_for_or_refused(authority: Authority, pytestconfig: pytest.Config) -> None:
    loop, outcomes = asyncio.get_running_loop(), set[str]()
    async with answering(authority, no_more) as origin, client_of(origin) as client:

        @settings(max_examples=LONG if pytestconfig.getoption("--long") else SHORT, deadline=None)
        @given(st.sampled_from(["", f"{origin}/v1.0/", f"{origin}/?$skiptoken=", origin]), tails)
        def holds(beginning: str, tail: str) -> None:
            outcome: Any = asyncio.run_coroutine_threadsafe(asked(client, beginning + tail), loop).result()
            outcomes.add(outcome)

        await asyncio.to_thread(holds)

    assert {"", "Unavailable"} <= outcomes <= {"", "Unavailable", "Refused", "NotFound"}


async def no_more(_: web.Request) -> web.Response:
    """A page with no other after it."""
    return web.json_response({"value": []})
