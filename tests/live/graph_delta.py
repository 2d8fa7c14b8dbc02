"""What the delta query tells."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from shared.graph.client import IMMUTABLE_IDS
from shared.graph.faults import is_token_loss
from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.graph_messages import moved, user_of
from tests.live.letters import plain
from tests.live.raw_graph import code_of, told
from tests.live.world import World

_SELECT = "id,receivedDateTime,createdDateTime,lastModifiedDateTime,internetMessageId,isDraft"


def _delta(world: World, folder: str) -> str:
    return f"{user_of(world)}/mailFolders/{folder}/messages/delta"


async def _round(
    world: World, start: str, query: dict[str, str] | None = None, *, size: int = 50
) -> tuple[list[dict[str, Any]], str, int]:
    """The entries of a round, its delta link, and how many pages it had."""
    headers = {"Prefer": f"odata.maxpagesize={size}, {IMMUTABLE_IDS}"}
    page = await world.graph.json("GET", start, headers=headers, params=query)
    entries, pages = list(page["value"]), 1
    while "@odata.nextLink" in page:
        page = await world.graph.json("GET", page["@odata.nextLink"], headers=headers)
        entries += page["value"]
        pages += 1
    return entries, page["@odata.deltaLink"], pages


async def _until(world: World, link: str, message: str) -> list[dict[str, Any]]:
    """The entries about a mail, as soon as there are some, or after a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + world.options.graph.seconds_for_change
    while True:
        entries, _, _ = await _round(world, link)
        found = [one for one in entries if one["id"] == message]
        if found or loop.time() > end:
            return found
        await asyncio.sleep(min(2, world.options.graph.seconds_for_change))


def _as_told(entries: list[dict[str, Any]]) -> str:
    if not entries:
        return "nothing"
    kinds = [
        f"@removed ({one['@removed'].get('reason')})" if "@removed" in one else "an entry" for one in entries
    ]
    return " and ".join(kinds)


async def _moved_in(world: World, query: dict[str, str]) -> tuple[str, str]:
    """What the delta query of a folder tells of an old mail that is moved in, and that of the one it left."""
    folder, other = await world.mailroom.folder(), await world.mailroom.folder()
    message = await world.mailroom.put(plain("old"), other)
    await asyncio.sleep(1.1)
    if "$filter" in query:
        since = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {**query, "$filter": f"receivedDateTime ge {since}"}
    _, into, _ = await _round(world, _delta(world, folder), {"$select": _SELECT, **query})
    _, left, _ = await _round(world, _delta(world, other), {"$select": _SELECT, **query})
    await moved(world, message, folder)
    arrived = await _until(world, into, message)
    gone, _, _ = await _round(world, left)
    return _as_told(arrived), _as_told([one for one in gone if one["id"] == message])


@settles(
    Fact(
        "graph-delta-moved-in",
        "What does delta tell of an old mail that is moved in, with changeType=created and without?",
        expected="with changeType=created, the folder that it comes into tells it as an entry",
        depends=("shared/graph/delta.py", "shared/sweep_plan.py", "docs/decisions/sweep.md"),
        otherwise="mail that is moved in is filed by its notification alone; the sweep does not guarantee it",
    )
)
async def delta_moved_in(world: World) -> Seen:
    created = await _moved_in(world, {"changeType": "created"})
    every = await _moved_in(world, {})
    text = (
        f"changeType=created: {created[0]}, and in the folder that it left {created[1]}; "
        f"without: {every[0]}, and in the folder that it left {every[1]}"
    )
    return Seen(text, created[0].startswith("an entry"))


@settles(
    Fact(
        "graph-delta-moved-in-filtered",
        "What does delta with a filter of receivedDateTime tell of a mail moved in that is older than that?",
        depends=("shared/graph/delta.py",),
        otherwise="nothing: the app does not filter, since such a mail could be left out",
    )
)
async def delta_moved_in_filtered(world: World) -> Seen:
    told_of, left = await _moved_in(world, {"$filter": "receivedDateTime ge now"})
    return Seen(f"{told_of}; in the folder that it left {left}")


@settles(
    Fact(
        "graph-delta-links",
        "Are links of the delta query on the host of the endpoint, and are pages as small as asked for?",
        expected="on the same host; odata.maxpagesize holds",
        depends=("shared/graph/client.py", "shared/graph/delta.py", "shared/sweeping.py"),
        otherwise="a link to another host is not followed: the sweep of that folder stands still, and tells",
    )
)
async def delta_links(world: World) -> Seen:
    folder = await world.mailroom.folder()
    messages = {await world.mailroom.put(plain(f"page {number}"), folder) for number in range(3)}
    query = {"$select": _SELECT, "changeType": "created"}
    entries, link, pages = await _round(world, _delta(world, folder), query, size=1)
    same = urlsplit(link).netloc == urlsplit(world.graph.endpoint).netloc
    token = urlsplit(link).query.partition("=")[0]
    text = f"{pages} pages for 3 mails; {len(entries)} entries; same host {same}; {token}, "
    text += f"{len(link)} characters"
    return Seen(text, same and pages >= 3 and messages == {one["id"] for one in entries})


@settles(
    Fact(
        "graph-delta-lag",
        "How late is the delta query?",
        depends=("docs/decisions/sweep.md",),
        otherwise="nothing: what one sweep misses, the next one finds",
    )
)
async def delta_lag(world: World) -> Seen:
    folder = await world.mailroom.folder()
    _, link, _ = await _round(world, _delta(world, folder), {"$select": _SELECT, "changeType": "created"})
    began = asyncio.get_running_loop().time()
    message = await world.mailroom.put(plain("lag"), folder)
    found = await _until(world, link, message)
    return Seen(
        f"told after {asyncio.get_running_loop().time() - began:.0f} s" if found else "not told in time"
    )


@settles(
    Fact(
        "graph-delta-bad-token",
        "How is a delta token refused that is none, and one of another folder?",
        depends=("shared/graph/faults.py", "shared/graph/delta.py"),
        otherwise="a refusal not known as the loss of a token stops the sweep of that folder, and tells",
    )
)
async def delta_bad_token(world: World) -> Seen:
    folder, other = await world.mailroom.folder(), await world.mailroom.folder()
    _, link, _ = await _round(world, _delta(world, folder), {"$select": _SELECT})
    token = urlsplit(link).query
    bad = await world.graph.send("GET", f"{_delta(world, folder)}?$deltatoken=none")
    foreign = await world.graph.send("GET", f"{_delta(world, other)}?{token}")
    known = [is_token_loss(one.status_code, code_of(one)) for one in (bad, foreign)]
    return Seen(f"none: {told(bad)}, of another folder: {told(foreign)}; taken for a loss: {known}")


@settles(
    Fact(
        "graph-delta-token-life",
        "How long does a delta token live?",
        depends=("shared/sweeping.py", "docs/decisions/sweep.md"),
        otherwise="nothing: a lost token begins a new round, in which known mail is left alone",
    )
)
async def delta_token_life(world: World) -> Seen:
    """Keeps a link beside the results, of the inbox of the test mailbox; a run days later tries it."""
    if world.state is None:
        raise NotPossible("there is no place to keep a link in")
    kept = json.loads(world.state.read_text(encoding="utf-8")) if world.state.exists() else None
    if kept is None:
        query = {"$select": "id", "changeType": "created"}
        _, link, _ = await _round(world, _delta(world, "inbox"), query)
        kept = {"at": datetime.now(UTC).isoformat(), "link": link}
        world.state.write_text(json.dumps(kept), encoding="utf-8")
        return Seen("a first link is kept: run this check again after some days, or weeks")
    days = (datetime.now(UTC) - datetime.fromisoformat(kept["at"])).total_seconds() / 86400
    answer = await world.graph.send("GET", kept["link"])
    if not answer.is_success:
        world.state.unlink()
    return Seen(f"after {days:.1f} days: {told(answer)}")
