"""What Graph does with subscriptions, and what it sends."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from shared.graph.faults import Refused
from shared.identities import MESSAGE_ID
from shared.subscription_lifetime import longest_lifetime
from tests.live.fact import Fact, Seen, settles
from tests.live.letters import plain
from tests.live.raw_graph import code_of, message_of, told
from tests.live.recorder import Behaviour, Post
from tests.live.world import World

_LIFE = "shared/subscription_lifetime.py"
_HELD = re.compile(r"[A-Za-z0-9_=+-]{20,}|[0-9a-fA-F-]{36}")
"""An id in a path."""


def _patience(world: World) -> float:
    return world.options.graph.seconds_for_notification


def _terms(world: World, folder: str, **more: Any) -> dict[str, Any]:
    mailbox = quote(world.mailbox, safe="@")
    notifications, lifecycle = world.addresses
    ends = datetime.now(UTC) + timedelta(minutes=60)
    return {
        "changeType": "created",
        "resource": f"users/{mailbox}/mailFolders/{folder}/messages",
        "notificationUrl": notifications,
        "lifecycleNotificationUrl": lifecycle,
        "expirationDateTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "clientState": f"live.{secrets.token_hex(8)}",
        "latestSupportedTlsVersion": "v1_2",
        **more,
    }


async def _create(world: World, terms: dict[str, Any]) -> httpx.Response:
    made = await world.graph.send("POST", "subscriptions", json=terms)
    if made.status_code == 201:
        path = f"subscriptions/{made.json()['id']}"
        world.clean_up.push_async_callback(world.graph.send, "DELETE", path)
    return made


async def _created(world: World, **more: Any) -> tuple[str, dict[str, Any]]:
    """A new folder and a subscription on it."""
    folder = await world.mailroom.folder()
    made = await _create(world, _terms(world, folder, **more))
    assert made.status_code == 201, f"{told(made)} {message_of(made)}"
    return folder, made.json()


def _in(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


@settles(
    Fact(
        "graph-subscription-without-roles",
        "Is POST /subscriptions granted to a token without roles (RBAC for Applications alone)?",
        expected="a token whose right to read mail comes from Exchange alone can subscribe",
        depends=("infra/exchange", "shared/subscriptions.py"),
        otherwise="the probe of infra/exchange fails, the tenant-wide grant stays, the doctor warns (scope)",
    )
)
async def subscription_without_roles(world: World) -> Seen:
    roles = sorted((await world.graph.claims()).get("roles", []))
    folder = await world.mailroom.folder()
    made = await _create(world, _terms(world, folder))
    text = f"roles of the token: {', '.join(roles) or 'none'}; POST /subscriptions: {told(made)}"
    mail_roles = any(role.startswith("Mail.") for role in roles)
    return Seen(text, None if mail_roles else made.status_code == 201)


@settles(
    Fact(
        "graph-subscription-lifetime",
        "Which life does a subscription on mail have at most, and what says the refusal?",
        expected="10,070 minutes; the refusal names its number in a way that the app reads",
        depends=(_LIFE, "shared/subscription_plan.py"),
        otherwise="the app asks for 10,000 minutes, and keeps below whatever number the refusal names",
    )
)
async def subscription_lifetime(world: World) -> Seen:
    folder = await world.mailroom.folder()
    refused = await _create(world, _terms(world, folder, expirationDateTime=_in(10_079)))
    if refused.status_code == 201:
        return Seen("10,079 minutes are taken", agrees=False)
    fault = Refused(refused.status_code, code_of(refused), message_of(refused))
    limit = longest_lifetime(fault)
    taken = await _create(world, _terms(world, folder, expirationDateTime=_in(10_069)))
    text = f"{told(refused)}: {message_of(refused)} 10,069 minutes: {told(taken)}"
    return Seen(text, limit == timedelta(minutes=10_070) and taken.status_code == 201)


@settles(
    Fact(
        "graph-subscription-shortest-life",
        "What becomes of a life of five minutes?",
        expected="it is raised to 45 minutes, in silence",
        depends=("shared/subscription_plan.py",),
        otherwise="nothing: the app asks for days",
    )
)
async def subscription_shortest_life(world: World) -> Seen:
    folder = await world.mailroom.folder()
    made = await _create(world, _terms(world, folder, expirationDateTime=_in(5)))
    if made.status_code != 201:
        return Seen(told(made), agrees=False)
    ends = datetime.fromisoformat(made.json()["expirationDateTime"])
    minutes = round((ends - datetime.now(UTC)).total_seconds() / 60)
    return Seen(f"it ends in {minutes} minutes", 44 <= minutes <= 46)


@settles(
    Fact(
        "graph-subscription-twice",
        "How is a second subscription on the same folder refused?",
        expected="409",
        depends=("shared/subscriptions.py", "shared/graph/faults.py"),
        otherwise="twins would live on: every mail would be announced twice, and filed once",
    )
)
async def subscription_twice(world: World) -> Seen:
    folder, _ = await _created(world)
    again = await _create(world, _terms(world, folder))
    spelt = _terms(world, folder)
    spelt["resource"] = spelt["resource"].replace(f"/mailFolders/{folder}/", f"/mailFolders('{folder}')/")
    other = await _create(world, spelt)
    text = f"same resource: {told(again)}; written with quotes: {told(other)}"
    return Seen(text, again.status_code == 409)


@settles(
    Fact(
        "graph-subscription-client-state",
        "Is the client state shown by GET and in the list, and how long may it be?",
        expected="hidden in the list; 128 characters are taken",
        depends=("shared/subscriptions.py", "shared/identities.py"),
        otherwise="nothing: the app looks at the table, and its client states have 107 characters at most",
    )
)
async def subscription_client_state(world: World) -> Seen:
    _, made = await _created(world, clientState="x" * 128)
    one = await world.graph.json("GET", f"subscriptions/{made['id']}")
    listed = await world.graph.json("GET", "subscriptions")
    ours: dict[str, Any] = next((each for each in listed["value"] if each["id"] == made["id"]), {})
    folder = await world.mailroom.folder()
    longer = await _create(world, _terms(world, folder, clientState="x" * 129))
    shown = [name for name, each in (("GET", one), ("the list", ours)) if each.get("clientState")]
    text = f"shown by: {', '.join(shown) or 'none'}; 129 characters: {told(longer)}"
    return Seen(text, not ours.get("clientState"))


@settles(
    Fact(
        "graph-subscription-lifecycle-address",
        "Can the lifecycle address be changed by PATCH?",
        expected="no: 400",
        depends=("shared/subscription_plan.py",),
        otherwise="nothing: the app replaces such a subscription, which is right in both cases",
    )
)
async def subscription_lifecycle_address(world: World) -> Seen:
    _, made = await _created(world)
    patched = await world.graph.send(
        "PATCH", f"subscriptions/{made['id']}", json={"lifecycleNotificationUrl": world.addresses[1]}
    )
    return Seen(told(patched), patched.status_code == 400)


@settles(
    Fact(
        "graph-subscription-reauthorize",
        "What is answered to reauthorize, and does it prolong a subscription?",
        expected="2xx, and its end stays",
        depends=("shared/subscriptions.py",),
        otherwise="nothing: the app renews, which reauthorises too",
    )
)
async def subscription_reauthorize(world: World) -> Seen:
    _, made = await _created(world)
    path = f"subscriptions/{made['id']}"
    answered = await world.graph.send("POST", f"{path}/reauthorize")
    after = await world.graph.json("GET", path)
    same = after["expirationDateTime"][:19] == made["expirationDateTime"][:19]
    return Seen(f"{told(answered)}; end {'unchanged' if same else 'changed'}", answered.is_success and same)


@settles(
    Fact(
        "graph-subscription-gone",
        "How is a subscription refused that was deleted?",
        expected="404, at DELETE and at PATCH",
        depends=("shared/graph/subscriptions.py", "shared/subscription_round.py"),
        otherwise="a round would report a fault for each subscription that is gone",
    )
)
async def subscription_gone(world: World) -> Seen:
    _, made = await _created(world)
    path = f"subscriptions/{made['id']}"
    await world.graph.send("DELETE", path)
    deleted = await world.graph.send("DELETE", path)
    patched = await world.graph.send("PATCH", path, json={"expirationDateTime": _in(60)})
    text = f"DELETE {told(deleted)}, PATCH {told(patched)}"
    return Seen(text, deleted.status_code == patched.status_code == 404)


@settles(
    Fact(
        "graph-handshake",
        "What does the validation request look like?",
        expected="POST with validationToken in the query and text/plain, once for each of the two addresses",
        depends=("handlers/notifications.py", "handlers/lifecycle.py"),
        otherwise="the app would answer it with 400 or 415, and no subscription could be made",
    )
)
async def handshake(world: World) -> Seen:
    recorder = world.listening
    before = len(recorder.posts)
    await _created(world)
    posts = [post for post in recorder.posts[before:] if post.token is not None]
    types = sorted({post.content_type for post in posts})
    paths = {post.path for post in posts}
    lengths = sorted({len(post.body) for post in posts})
    longest = max((len(post.token or "") for post in posts), default=0)
    text = f"{len(posts)} requests, content types {types}, body bytes {lengths}, token {longest} characters"
    return Seen(text, len(paths) == 2 and all(one.startswith("text/plain") for one in types))


async def _announced(world: World, put: Awaitable[str], subscription: str) -> tuple[str, list[Post], float]:
    """The id of the mail that `put` brings, what is sent about the subscription, and when it was put."""
    recorder = world.listening
    message = await put
    at = recorder.now()

    def wanted(post: Post) -> bool:
        return any(item.get("subscriptionId") == subscription for item in post.items)

    return message, await recorder.wait(wanted, _patience(world)), at


@settles(
    Fact(
        "graph-handshake-query",
        "Does a query in the notification address come back, and how is the token added to it?",
        depends=("shared/settings.py",),
        otherwise="nothing: the app's addresses have no query",
    )
)
async def handshake_query(world: World) -> Seen:
    recorder = world.listening
    known = len(recorder.posts)
    await _created(world, notificationUrl=f"{world.addresses[0]}?kept=yes")
    posts = [post for post in recorder.posts[known:] if post.path.endswith("/notifications")]
    return Seen(f"names in the query: {[list(post.query) for post in posts]}")


@settles(
    Fact(
        "graph-notification-shape",
        "What does a notification of a new mail look like?",
        expected=(
            "application/json; changeType created, the client state, and in resourceData the immutable id "
            "that GET knows"
        ),
        depends=("shared/notification.py", "shared/identities.py", "handlers/notifications.py"),
        otherwise="no mail would be taken from notifications: the sweep alone would find it",
    )
)
async def notification_shape(world: World) -> Seen:
    folder, made = await _created(world, clientState="live.shape")
    put = world.mailroom.put(plain("shape"), folder)
    message, posts, _ = await _announced(world, put, made["id"])
    if not posts:
        return Seen(f"nothing came within {_patience(world):.0f} s", agrees=False)
    item = next(one for one in posts[0].items if one.get("subscriptionId") == made["id"])
    data = item.get("resourceData") or {}
    resource = _HELD.sub("ID", str(item.get("resource", "")).replace(world.mailbox, "MAILBOX"))
    headers = [name for name in posts[0].headers if name not in ("host", "content-length", "accept-encoding")]
    text = (
        f"{posts[0].content_type}; {len(posts[0].body)} bytes; fields {sorted(item)}; changeType "
        f"{item.get('changeType')}; resource {resource}; type {data.get('@odata.type')}; headers {headers}"
    )
    fits = (
        posts[0].content_type.casefold().startswith("application/json")
        and str(item.get("changeType", "")).casefold() == "created"
        and item.get("clientState") == "live.shape"
        and data.get("id") == message
        and MESSAGE_ID.fullmatch(message) is not None
    )
    return Seen(text, fits)


@settles(
    Fact(
        "graph-notification-latency",
        "How long does a notification take?",
        expected="three minutes at most",
        depends=("docs/decisions/sweep.md",),
        otherwise="nothing is lost; the sweep files it within half an hour",
    )
)
async def notification_latency(world: World) -> Seen:
    folder, _ = await _created(world)
    seconds = []
    for number in range(3):
        known = len(world.listening.posts)
        await world.mailroom.put(plain(f"latency {number}"), folder)
        at = world.listening.now()
        posts = await world.listening.wait(lambda post: bool(post.items), _patience(world), after=known)
        if posts:
            seconds.append(posts[0].at - at)
    text = ", ".join(f"{one:.1f} s" for one in seconds) or "none came"
    told_of = sum(len(post.items) for post in world.listening.posts)
    return Seen(f"{text} (3 mails, {told_of} items)", len(seconds) == 3 and max(seconds) <= 180)


@settles(
    Fact(
        "graph-notification-of-move",
        "Is mail announced as created that is moved into the folder, and under the same immutable id?",
        expected="yes, under the id that it had",
        depends=("shared/sweep_plan.py", "docs/decisions/after.md", "docs/decisions/sweep.md"),
        otherwise="mail that is moved in is found by the sweep alone, within half an hour",
    )
)
async def notification_of_move(world: World) -> Seen:
    folder, made = await _created(world)
    elsewhere = await world.mailroom.folder()
    message = await world.mailroom.put(plain("moved in"), elsewhere)
    user = quote(world.mailbox, safe="@")

    async def move() -> str:
        body = {"destinationId": folder}
        moved = await world.graph.json("POST", f"users/{user}/messages/{message}/move", json=body)
        return str(moved["id"])

    moved, posts, _ = await _announced(world, move(), made["id"])
    told_ids = {
        item["resourceData"]["id"] for post in posts for item in post.items if item.get("resourceData")
    }
    text = f"{'announced' if posts else 'not announced'}; same id: {message in told_ids}, after the move: "
    return Seen(f"{text}{moved == message}", message in told_ids and moved == message)


@settles(
    Fact(
        "graph-notification-again",
        "Is a notification sent again that was answered with 503, and when?",
        expected="yes, the same one",
        depends=("shared/webhook.py",),
        otherwise="a mail whose notification could not be queued would wait for the sweep",
    )
)
async def notification_again(world: World) -> Seen:
    recorder = world.listening
    folder, made = await _created(world)
    recorder.behaviours.append(Behaviour(503))
    known = len(recorder.posts)
    await world.mailroom.put(plain("again"), folder)
    posts = await recorder.wait(lambda post: bool(post.items), 2 * _patience(world), number=2, after=known)
    if len(posts) < 2:
        return Seen(f"{len(posts)} deliveries within {2 * _patience(world):.0f} s", agrees=False)
    same = posts[0].items[0].get("resourceData") == posts[1].items[0].get("resourceData")
    text = f"again after {posts[1].at - posts[0].at:.0f} s, {'the same' if same else 'another'} one"
    return Seen(text, same and made["id"] == posts[1].items[0].get("subscriptionId"))


@settles(
    Fact(
        "graph-notification-slow",
        "Is an answer that takes five seconds taken for a delivery, and are later notifications delayed?",
        depends=("shared/webhook.py", "docs/decisions/sweep.md"),
        otherwise="nothing: the app answers within 2.5 s, and the sweep finds what was delayed or dropped",
    )
)
async def notification_slow(world: World) -> Seen:
    recorder = world.listening
    folder, _ = await _created(world)
    recorder.behaviours.append(Behaviour(202, seconds=5.0))
    known = len(recorder.posts)
    await world.mailroom.put(plain("slow"), folder)
    posts = await recorder.wait(lambda post: bool(post.items), _patience(world), number=2, after=known)
    again = f"sent again after {posts[1].at - posts[0].at:.0f} s" if len(posts) > 1 else "not sent again"
    at, known = recorder.now(), len(recorder.posts)
    await world.mailroom.put(plain("after slow"), folder)
    later = await recorder.wait(lambda post: bool(post.items), _patience(world), after=known)
    following = f"after {later[0].at - at:.0f} s" if later else f"not within {_patience(world):.0f} s"
    return Seen(f"an answer after 5 s: {again}; the next mail announced {following}")
