"""What one mail costs in operations, by service: counted in a run that is not timed."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import aiohttp

from bench.cost import QUEUE_OPERATIONS, TABLE_OPERATIONS, Mail, blob_reads, blob_writes
from bench.figures import Figure, Spread, at_most, figure
from bench.mails import letter, with_attachments
from bench.notifying import body, post
from bench.records import operations, requests, settings
from bench.world import Place, app_in
from sandbox.box import Sandbox

ATTACHMENTS = (0, 2)
_WARMING = 3
"""Mails until tokens, structure and folders' names are known."""
_STORAGE = ("queue", "table", "blob")


def graph_requests(attachments: int) -> int:
    """Those of a mail: what it says with its list of attachments, its MIME, and each attachment."""
    return 2 + attachments


def storage_operations(attachments: int) -> int:
    """Those of a mail without after-actions, as docs/performance.md derives them."""
    mail = Mail(attachments=attachments)
    return QUEUE_OPERATIONS + TABLE_OPERATIONS + blob_writes(mail) + blob_reads(mail)


async def counted(box: Sandbox, place: Place) -> list[Figure]:
    """The operations of a mail without attachments, and of one with two."""
    record = place.directory / "counted.jsonl"
    found: list[Figure] = []
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        more = settings(box, record)
        app = await stack.enter_async_context(app_in(box, place, "counted", "bench.apps.recorded", more))

        async def of_one(attachments: int) -> Counter[str]:
            before = operations(requests(record), box.storage.account.name)
            file = place.directory / "counted.eml"
            mail = with_attachments(file, [10_000] * attachments) if attachments else letter(5_000)
            delivered = await asyncio.to_thread(box.tenant.deliver, app.mailbox, mail)
            await post(session, app, body(app, [delivered.immutable_id]))
            await app.filed([delivered])
            # What follows a mail's document is of its cost as well.
            await asyncio.sleep(2.5)
            return operations(requests(record), box.storage.account.name) - before

        for _ in range(_WARMING):
            await of_one(1)
        for attachments in ATTACHMENTS:
            found += _figures(attachments, await of_one(attachments))
    return found


def _figures(attachments: int, found: Counter[str]) -> list[Figure]:
    what = f"{attachments} attachments"
    graph = sum(number for name, number in found.items() if name.startswith("graph "))
    storage = sum(number for name, number in found.items() if name.startswith(_STORAGE))
    return [
        Figure(f"{what}: requests to Graph", Spread.of([graph]), "", at_most(graph_requests(attachments))),
        Figure(
            f"{what}: operations of storage",
            Spread.of([storage]),
            "",
            at_most(storage_operations(attachments)),
        ),
        *(figure(f"{what}, of which {name}", [found[name]], "") for name in sorted(found)),
    ]
