"""What one mail costs in operations, by service: counted in a run that is not timed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack

import aiohttp
from azure.data.tables.aio import TableServiceClient

from bench.cost import QUEUE_OPERATIONS, TABLE_OPERATIONS, Mail, blob_reads, blob_writes
from bench.figures import Figure, Spread, at_most, figure
from bench.mails import letter, with_attachments
from bench.notifying import body, post
from bench.records import operations, requests, settings
from bench.world import Place, app_in
from sandbox.box import Sandbox
from shared.graph.mailbox import ASKED_FOR_ALONE
from shared.unfinished import UnfinishedTable

ATTACHMENTS = {0: 3, 2: 3, ASKED_FOR_ALONE: 1}
"""How often a mail with so many is counted. The last one's list is asked for alone, page by page."""
_WARMING = 3
"""Mails until tokens, structure and folders' names are known."""
_DELETED_WITHIN = 0.5
"""Seconds in which the host deletes the last message of a mail that is closed."""
_STORAGE = ("queue", "table", "blob")


def graph_requests(attachments: int) -> int:
    """Those of a mail: what it says with the list of attachments that are few, its MIME, each attachment."""
    return 2 + attachments


def storage_operations(attachments: int) -> int:
    """Those of a mail without after-actions, as docs/performance.md derives them."""
    mail = Mail(attachments=attachments)
    return QUEUE_OPERATIONS + TABLE_OPERATIONS + blob_writes(mail) + blob_reads(mail)


async def counted(box: Sandbox, place: Place) -> list[Figure]:
    """The operations of a mail by how many attachments it has; a timer's would show as a spread."""
    record = place.directory / "counted.jsonl"
    found: list[Figure] = []
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        tables = TableServiceClient.from_connection_string(box.storage.connection_string)
        unfinished = UnfinishedTable(await stack.enter_async_context(tables))
        more = settings(box, record)
        app = await stack.enter_async_context(app_in(box, place, "counted", "bench.apps.recorded", more))

        async def of_one(attachments: int) -> Counter[str]:
            before = operations(requests(record), box.storage.account.name)
            file = place.directory / "counted.eml"
            mail = with_attachments(file, [10_000] * attachments) if attachments else letter(5_000)
            delivered = await asyncio.to_thread(box.tenant.deliver, app.mailbox, mail)
            await post(session, app, body(app, [delivered.immutable_id]))
            await app.filed([delivered])
            await app.closed(unfinished)
            await asyncio.sleep(_DELETED_WITHIN)
            return operations(requests(record), box.storage.account.name) - before

        for _ in range(_WARMING):
            await of_one(1)
        for attachments, rounds in ATTACHMENTS.items():
            found += _figures(attachments, [await of_one(attachments) for _ in range(rounds)])
    return found


def _figures(attachments: int, found: Sequence[Counter[str]]) -> list[Figure]:
    what = f"{attachments} attachments"
    names = sorted(set[str]().union(*found))
    return [
        Figure(
            f"{what}: requests to Graph",
            Spread.of(_sum(one, ("graph",)) for one in found),
            "",
            at_most(graph_requests(attachments)) if attachments < ASKED_FOR_ALONE else None,
        ),
        Figure(
            f"{what}: operations of storage",
            Spread.of(_sum(one, _STORAGE) for one in found),
            "",
            at_most(storage_operations(attachments)),
        ),
        *(figure(f"{what}, of which {name}", [one[name] for one in found], "") for name in names),
    ]


def _sum(found: Counter[str], services: tuple[str, ...]) -> int:
    return sum(number for name, number in found.items() if name.startswith(services))
