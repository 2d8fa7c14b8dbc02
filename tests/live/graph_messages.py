"""What Graph says of a mail, its MIME and its attachments."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from urllib.parse import quote

import httpx

from shared.graph.client import IMMUTABLE_IDS
from shared.graph.mailbox import ASKED_FOR_ALONE, EXPANDED
from shared.identities import MESSAGE_ID
from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.letters import FILE, plain, with_attachments, with_files
from tests.live.raw_graph import told
from tests.live.world import World

_TIMES = "createdDateTime,lastModifiedDateTime,receivedDateTime,parentFolderId,isDraft"


def user_of(world: World) -> str:
    """The path of the test mailbox."""
    return f"users/{quote(world.mailbox, safe='@')}"


def _message(world: World, message: str) -> str:
    return f"{user_of(world)}/messages/{message}"


async def moved(world: World, message: str, folder: str) -> dict[str, Any]:
    """Move a mail; what Graph says of it then. Raises NotPossible where the app may not."""
    answer = await world.graph.send(
        "POST", f"{_message(world, message)}/move", json={"destinationId": folder}
    )
    if answer.status_code == 403:
        raise NotPossible(f"the app may not move mail ({told(answer)}): grant Mail.ReadWrite for this run")
    assert answer.status_code == 201, told(answer)
    body: dict[str, Any] = answer.json()
    return body


@settles(
    Fact(
        "graph-message-id",
        "Does an immutable id stay when a mail is moved, of which characters is it, and does case count?",
        expected="it stays; letters, digits and _=+/- alone; in another case it is no id of this mail",
        depends=("shared/identities.py", "shared/notification.py", "shared/sweeping.py"),
        otherwise="a mail that moves would be filed once more, unless its fingerprint tells",
    )
)
async def message_id(world: World) -> Seen:
    folder, other = await world.mailroom.folder(), await world.mailroom.folder()
    message = await world.mailroom.put(plain("id"), folder)
    regular = await world.graph.json("GET", _message(world, message), immutable=False)
    after = (await moved(world, message, other))["id"]
    swapped = await world.graph.send("GET", _message(world, message.swapcase()))
    found = swapped.is_success and swapped.json()["id"] == message
    text = (
        f"{len(message)} characters; the same after a move: {after == message}; regular id differs: "
        f"{regular['id'] != message}; in another case: {told(swapped)}"
    )
    return Seen(text, after == message and MESSAGE_ID.fullmatch(message) is not None and not found)


@settles(
    Fact(
        "graph-message-times-after-move",
        "Which times does a move set?",
        expected="lastModifiedDateTime; those of receipt and creation stay",
        depends=("shared/sweep_plan.py",),
        otherwise=(
            "old mail that is moved in, and was passed over before, is begun anew by its notification alone, "
            "not by a sweep"
        ),
    )
)
async def times_after_move(world: World) -> Seen:
    folder, other = await world.mailroom.folder(), await world.mailroom.folder()
    message = await world.mailroom.put(plain("times"), folder)
    before = await world.graph.json("GET", _message(world, message), params={"$select": _TIMES})
    await asyncio.sleep(1.1)
    await moved(world, message, other)
    after = await world.graph.json("GET", _message(world, message), params={"$select": _TIMES})
    changed = [name for name in _TIMES.split(",") if name.endswith("Time") and before[name] != after[name]]
    return Seen(f"changed: {', '.join(changed) or 'none'}", changed == ["lastModifiedDateTime"])


async def _digest(world: World, path: str) -> tuple[httpx.Response, str, int]:
    response = await world.graph.send("GET", path, headers={"Accept-Encoding": "identity"})
    assert response.is_success, told(response)
    return response, hashlib.sha256(response.content).hexdigest(), len(response.content)


def _framing(response: httpx.Response) -> str:
    """How the end of a body is told (RFC 9112, 6.3)."""
    if "Content-Length" in response.headers:
        return "Content-Length"
    if "Transfer-Encoding" in response.headers:
        return "chunked"
    return "the end of an HTTP/2 stream" if response.http_version == "HTTP/2" else "nothing"


@settles(
    Fact(
        "graph-mime-twice",
        "Are two downloads of the MIME of one mail equal, and equal to what was put there?",
        depends=("shared/graph/mailbox.py", "shared/fingerprints.py", "docs/decisions/protocol.md"),
        otherwise="nothing: MIME is fetched once, from its start, and no duplicate is told by its bytes",
    )
)
async def mime_twice(world: World) -> Seen:
    letter = with_attachments()
    message = await world.mailroom.put(letter, await world.mailroom.folder())
    path = f"{_message(world, message)}/$value"
    _, first, size = await _digest(world, path)
    _, second, again = await _digest(world, path)
    same = hashlib.sha256(letter).hexdigest() == first
    text = f"twice: {'equal' if first == second else 'different'} ({size} and {again} bytes); as it was put: "
    return Seen(text + ("equal" if same else f"different ({len(letter)} bytes)"))


@settles(
    Fact(
        "graph-mime-framing",
        "How does the MIME tell its end, in which type does it come, and is it compressed?",
        expected="a length, chunks or HTTP/2; not compressed when identity is asked for",
        depends=("shared/graph/client.py",),
        otherwise="such a mail is refused as unreadable, and tried again until it is given up",
    )
)
async def mime_framing(world: World) -> Seen:
    message = await world.mailroom.put(plain("framing"), await world.mailroom.folder())
    response, _, _ = await _digest(world, f"{_message(world, message)}/$value")
    encoding = response.headers.get("Content-Encoding", "none")
    text = f"{response.http_version}, {_framing(response)}, {response.headers.get('Content-Type')}, "
    return Seen(
        f"{text}encoding {encoding}", _framing(response) != "nothing" and encoding in ("none", "identity")
    )


async def _attachments(world: World, message: str) -> list[dict[str, Any]]:
    query = {"$select": "id,name,contentType,size,isInline"}
    listed = await world.graph.json("GET", f"{_message(world, message)}/attachments", params=query)
    found: list[dict[str, Any]] = listed["value"]
    return found


@settles(
    Fact(
        "graph-attachments",
        "How are a file, a picture in the text and a mail attached: kind, size, bytes, hasAttachments?",
        expected="a fileAttachment has the file's bytes; its size is not that of the file",
        depends=("shared/graph/answers.py", "shared/graph/mailbox.py", "shared/awaiting.py"),
        otherwise="bytes that differ would be filed as Graph gives them; the sandbox would say otherwise",
    )
)
async def attachments(world: World) -> Seen:
    message = await world.mailroom.put(with_attachments(), await world.mailroom.folder())
    seen, whole = [], False
    for one in await _attachments(world, message):
        kind = one["@odata.type"].rpartition(".")[2]
        response = await world.graph.send("GET", f"{_message(world, message)}/attachments/{one['id']}/$value")
        size = len(response.content) if response.is_success else 0
        whole = whole or (kind == "fileAttachment" and response.content == FILE)
        mime = response.headers.get("Content-Type")
        seen.append(
            f"{kind} inline {one['isInline']}: size {one['size']}, {told(response)}, {size} bytes, {mime}"
        )
    asked = {"$select": "hasAttachments"}
    has = (await world.graph.json("GET", _message(world, message), params=asked))["hasAttachments"]
    return Seen(f"{'; '.join(seen)}; hasAttachments {has}; the file's bytes: {whole}", whole)


async def _expanded(world: World, letter: bytes) -> tuple[list[dict[str, Any]], bool, int]:
    """The attachments in a message as the app asks for it, whether it names a next page, and its size."""
    message = await world.mailroom.put(letter, await world.mailroom.folder())
    query = {"$select": "id,subject", "$expand": EXPANDED}
    response = await world.graph.send("GET", _message(world, message), params=query)
    assert response.is_success, told(response)
    body = response.json()
    return body["attachments"], "attachments@odata.nextLink" in body, len(response.content)


@settles(
    Fact(
        "graph-expanded-bytes",
        "Are the bytes of attachments left out of a list that is expanded within its message with $select?",
        expected="yes: no contentBytes",
        depends=("shared/graph/mailbox.py", "shared/graph/client.py"),
        otherwise=(
            "the app stops reading at 4 MiB, and from then on asks for each message and its list apart, "
            "until it is started anew"
        ),
    )
)
async def expanded_bytes(world: World) -> Seen:
    listed, _, size = await _expanded(world, with_attachments())
    names = sorted({name for one in listed for name in one if not name.startswith("@")})
    is_without = bool(listed) and "contentBytes" not in names and size < len(FILE)
    return Seen(f"{len(listed)} attachments in {size} bytes, properties {names}", is_without)


@settles(
    Fact(
        "graph-expanded-many",
        "Are 19 attachments all in a list that is expanded within its message, and are 25?",
        expected="19 are",
        depends=("shared/graph/mailbox.py",),
        otherwise="attachments would be missing without a word: ask for every list alone (ASKED_FOR_ALONE)",
    )
)
async def expanded_many(world: World) -> Seen:
    seen, numbers = [], (ASKED_FOR_ALONE - 1, 25)
    for number in numbers:
        listed, has_more, _ = await _expanded(world, with_files(number))
        seen.append((len(listed), has_more))
    text = "; ".join(
        f"of {number}: {found}, next page {more}" for number, (found, more) in zip(numbers, seen, strict=True)
    )
    found, has_more = seen[0]
    return Seen(text, found == numbers[0] or has_more)


@settles(
    Fact(
        "graph-reference-attachment",
        "How is $value of a link to OneDrive answered, and what does the link say of where it leads?",
        expected="405",
        depends=("shared/attachments.py", "shared/graph/answers.py"),
        otherwise="after five attempts such an attachment stays within the message, with a warning",
    )
)
async def reference_attachment(world: World) -> Seen:
    message = world.options.graph.reference_message
    if not message:
        raise NotPossible("set graph.reference-message: a mail with a link cannot be made by version 1.0")
    listed = await world.graph.json("GET", f"{_message(world, message)}/attachments")
    links = [one for one in listed["value"] if one["@odata.type"].endswith("referenceAttachment")]
    if not links:
        raise NotPossible("the mail of graph.reference-message has no link attached")
    answered = await world.graph.send(
        "GET", f"{_message(world, message)}/attachments/{links[0]['id']}/$value"
    )
    names = sorted(name for name in links[0] if not name.startswith("@"))
    return Seen(f"$value: {told(answered)}; properties {names}", answered.status_code == 405)


@settles(
    Fact(
        "graph-headers",
        "Does a mail list its internet headers where they are asked for?",
        depends=("shared/mail_kinds.py", "docs/decisions/kinds.md"),
        otherwise="nothing: of mail that lists none, the head of its MIME is read",
    )
)
async def headers(world: World) -> Seen:
    message = await world.mailroom.put(plain("headers"), await world.mailroom.folder())
    query = {"$select": "internetMessageHeaders,isDraft,receivedDateTime"}
    body = await world.graph.json("GET", _message(world, message), params=query)
    listed = body.get("internetMessageHeaders") or []
    own = any(one.get("name", "").casefold() == "x-vaultpost-live" for one in listed)
    return Seen(f"draft {body.get('isDraft')}: {len(listed)} headers, our own among them: {own}")


@settles(
    Fact(
        "graph-deleted-message",
        "Where is a mail that was deleted by DELETE?",
        expected="not found, or in Deleted Items or Recoverable Items, which count as deleted",
        depends=("shared/graph/changing.py", "docs/decisions/after.md"),
        otherwise="after.delete would delete a mail again that Exchange keeps elsewhere",
    )
)
async def deleted_message(world: World) -> Seen:
    message = await world.mailroom.put(plain("deleted"), await world.mailroom.folder())
    deleted = await world.graph.send("DELETE", _message(world, message))
    if deleted.status_code == 403:
        raise NotPossible("the app may not delete mail: grant Mail.ReadWrite for this run")
    found = await world.graph.send("GET", _message(world, message), params={"$select": "parentFolderId"})
    if not found.is_success:
        return Seen(f"DELETE {told(deleted)}, then {told(found)}", found.status_code == 404)
    parent, known = found.json()["parentFolderId"], {}
    for name in ("deleteditems", "recoverableitemsdeletions"):
        folder = await world.graph.send(
            "GET", f"{user_of(world)}/mailFolders/{name}", params={"$select": "id"}
        )
        known[name] = folder.json()["id"] if folder.is_success else told(folder)
    place = next((name for name, number in known.items() if number == parent), "another folder")
    return Seen(f"DELETE {told(deleted)}, then it is in {place}", place != "another folder")


@settles(
    Fact(
        "graph-batch",
        "Does each request within a batch need its own Prefer for immutable ids?",
        expected="one that has it gets the immutable id",
        depends=("shared/graph/batch.py", "shared/graph/subscriptions.py"),
        otherwise="subscriptions that are made in a batch would announce ids that change with a move",
    )
)
async def batch(world: World) -> Seen:
    message = await world.mailroom.put(plain("batch"), await world.mailroom.folder())
    part = {"method": "GET", "url": f"/{_message(world, message)}?$select=id"}
    parts = [{**part, "id": "1", "headers": {"Prefer": IMMUTABLE_IDS}}, {**part, "id": "2"}]
    body = await world.graph.json("POST", "$batch", json={"requests": parts})
    ids = {one["id"]: one.get("body", {}).get("id") for one in body["responses"]}
    text = f"with it: {_same(ids.get('1'), message)}; without: {_same(ids.get('2'), message)}"
    return Seen(text, ids.get("1") == message)


def _same(one: str | None, immutable: str) -> str:
    return "the immutable id" if one == immutable else "another id"
