"""How Graph refuses, and how much it takes at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from urllib.parse import quote

import httpx

from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.graph_messages import user_of
from tests.live.letters import large, plain
from tests.live.raw_graph import code_of, told
from tests.live.world import World

_FAULTS = ("shared/graph/faults.py",)


@settles(
    Fact(
        "graph-error-token",
        "How is a token refused that is none?",
        expected="401",
        depends=_FAULTS,
        otherwise="the app would not ask for a new token",
    )
)
async def error_token(world: World) -> Seen:
    answer = await world.graph.send("GET", f"{user_of(world)}/mailFolders/inbox", token="none")
    inner = answer.json().get("error", {}) if code_of(answer) else {}
    names = sorted(inner.get("innerError") or inner.get("innererror") or {})
    challenge = "WWW-Authenticate" in answer.headers
    return Seen(f"{told(answer)}; innerError {names}; challenge {challenge}", answer.status_code == 401)


@settles(
    Fact(
        "graph-error-not-found",
        "How are an unknown message, folder, mailbox and a malformed id refused?",
        expected="404 ErrorItemNotFound for a message and a folder, 400 for what is no id",
        depends=(*_FAULTS, "shared/graph/folders.py", "shared/receiving.py"),
        otherwise="mail that is gone would be waited for, or a missing folder be called an outage",
    )
)
async def error_not_found(world: World) -> Seen:
    folder = await world.mailroom.folder()
    gone = await world.mailroom.put(plain("gone"), folder)
    removed = await world.graph.send("DELETE", f"{user_of(world)}/messages/{gone}")
    if removed.status_code == 403:
        raise NotPossible("the app may not delete mail: grant Mail.ReadWrite for this run")
    paths = {
        "message": f"{user_of(world)}/messages/{gone}",
        "malformed": f"{user_of(world)}/messages/none",
        "folder": f"{user_of(world)}/mailFolders/searchfolders",
        "mailbox": f"users/vaultpost-live-nobody@{world.mailbox.partition('@')[2]}/mailFolders/inbox",
    }
    found: dict[str, httpx.Response] = {}
    for name, path in paths.items():
        found[name] = await world.graph.send("GET", path)
    text = ", ".join(f"{name}: {told(answer)}" for name, answer in found.items())
    right = (
        told(found["message"]) == told(found["folder"]) == "404 ErrorItemNotFound"
        and found["malformed"].status_code == 400
    )
    return Seen(text, right)


@settles(
    Fact(
        "graph-error-outside-scope",
        "How is a mailbox refused that the app may not read?",
        expected="403",
        depends=(*_FAULTS, "shared/doctor", "infra/exchange"),
        otherwise="the doctor could not tell a right that is too wide, or missing",
    )
)
async def error_outside_scope(world: World) -> Seen:
    outside = world.options.graph.outside_mailbox or world.settings.outside_mailbox
    if not outside:
        raise NotPossible("set graph.outside-mailbox")
    answer = await world.graph.send("GET", f"users/{quote(outside, safe='@')}/mailFolders/inbox")
    return Seen(told(answer), answer.status_code == 403)


async def _at_once(world: World, paths: list[str]) -> list[httpx.Response]:
    return await asyncio.gather(*(world.graph.send("GET", path) for path in paths))


def _statuses(answers: list[httpx.Response]) -> str:
    counted = Counter(told(one) for one in answers)
    return ", ".join(f"{number} times {status}" for status, number in sorted(counted.items()))


@settles(
    Fact(
        "graph-concurrency",
        "How many requests at once does one mailbox take, and do two mailboxes share that number?",
        depends=("shared/graph/client.py",),
        otherwise="429 is waited for; the app sends at most 4 at once to one mailbox from one instance",
    )
)
async def concurrency(world: World) -> Seen:
    message = await world.mailroom.put(large(2_000_000), await world.mailroom.folder())
    path = f"{user_of(world)}/messages/{message}/$value"
    four, twelve = await _at_once(world, [path] * 4), await _at_once(world, [path] * 12)
    waits = sorted({one.headers.get("Retry-After", "none") for one in twelve if one.status_code == 429})
    text = f"4 at once: {_statuses(four)}; 12: {_statuses(twelve)}; Retry-After {waits or 'not sent'}"
    second = world.options.graph.second_mailbox
    if not second:
        return Seen(f"{text}; a second mailbox was not named")
    other = f"users/{quote(second, safe='@')}/messages?$top=50&$select=id"
    both = await _at_once(world, [path] * 4 + [other] * 4)
    return Seen(f"{text}; 4 and 4 to two mailboxes: {_statuses(both)}")
