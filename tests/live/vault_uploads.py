"""How the vault takes bytes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx

from shared.vault.refusals import TooLarge, fault_of
from shared.vault.uploads import CHUNK
from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.letters import plain
from tests.live.raw_vault import told
from tests.live.world import World

_MEGABYTE = 1024 * 1024
_UPLOADS = ("shared/vault/uploads.py",)


@settles(
    Fact(
        "vault-upload-answer",
        "What is answered to a file as raw bytes: one object or a list, and what of an e-mail?",
        expected="UploadID and Size, as an object or a list of one",
        depends=(*_UPLOADS, "shared/vault/answers.py"),
        otherwise="nothing could be filed",
    )
)
async def upload_answer(world: World) -> Seen:
    letter = plain("upload")
    response = await world.vault.send(
        "POST", "/files", content=letter, headers={"Content-Type": "application/octet-stream"}
    )
    if not response.is_success:
        return Seen(told(response), agrees=False)
    answer = response.json()
    one = answer[0] if isinstance(answer, list) else answer
    right = isinstance(one.get("UploadID"), int) and one.get("Size") == len(letter)
    shape = "a list" if isinstance(answer, list) else "an object"
    return Seen(f"{shape} with {sorted(one)}; FileInformationType {one.get('FileInformationType')}", right)


@settles(
    Fact(
        "vault-upload-empty",
        "Is an empty file taken?",
        expected="yes, with size 0",
        depends=("shared/file_plan.py", *_UPLOADS),
        otherwise="mail with an empty attachment would fail, with the vault's reason",
    )
)
async def upload_empty(world: World) -> Seen:
    response = await world.vault.send(
        "POST",
        "/files",
        content=b"",
        headers={"Content-Type": "application/octet-stream", "Content-Length": "0"},
    )
    return Seen(told(response), response.is_success)


@settles(
    Fact(
        "vault-upload-unknown-length",
        "Is a body in chunks of HTTP taken, whose length is not told?",
        depends=("shared/vault/session.py",),
        otherwise="nothing: the app always tells the length",
    )
)
async def upload_unknown_length(world: World) -> Seen:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"live "
        yield b"check"

    try:
        response = await world.vault.send("POST", "/files", content=pieces())
    except httpx.HTTPError as error:
        return Seen(f"the connection ends ({type(error).__name__})")
    return Seen(told(response))


@settles(
    Fact(
        "vault-upload-types",
        "Which content types of an upload are taken?",
        depends=("shared/vault/session.py", "sandbox/vault/file_routes.py"),
        otherwise="nothing: the app sends application/octet-stream; the sandbox would say otherwise",
    )
)
async def upload_types(world: World) -> Seen:
    seen = []
    for kind in ("application/octet-stream", "text/plain"):
        sent = await world.vault.send("POST", "/files", content=b"x", headers={"Content-Type": kind})
        seen.append(f"{kind}: {told(sent)}")
    form = await world.vault.send("POST", "/files", files={"file": ("live.txt", b"x")})
    shape = f", {'a list' if isinstance(form.json(), list) else 'an object'}" if form.is_success else ""
    return Seen(f"{'; '.join(seen)}; a form with one file: {told(form)}{shape}")


@settles(
    Fact(
        "vault-upload-other-token",
        "Can an upload be used with another token of the same account?",
        expected="no: it is refused",
        depends=("shared/vault/mfiles.py", *_UPLOADS),
        otherwise="nothing: after a new log-in the app uploads anew, which is right in both cases",
    )
)
async def upload_other_token(world: World) -> Seen:
    file = await world.vault.file()
    other = (await world.vault.log_in()).json()["Value"]
    made = await world.vault.create(await world.vault.body(file), token=other)
    return Seen(told(made), not made.is_success)


@settles(
    Fact(
        "vault-upload-twice",
        "Can an upload be used for a second object?",
        depends=_UPLOADS,
        otherwise="nothing: the app uploads for each create",
    )
)
async def upload_twice(world: World) -> Seen:
    file = await world.vault.file()
    first = await world.vault.create(await world.vault.body(file))
    second = await world.vault.create(await world.vault.body(file))
    return Seen(f"first {told(first)}, second {told(second)}", None if first.is_success else False)


@settles(
    Fact(
        "vault-upload-numbers",
        "Do upload ids count from 1 within a token?",
        depends=_UPLOADS,
        otherwise="nothing: the app takes them as they come",
    )
)
async def upload_numbers(world: World) -> Seen:
    other = (await world.vault.log_in()).json()["Value"]
    ours = [(await world.vault.upload(b"x"))["UploadID"] for _ in range(2)]
    theirs = (await world.vault.upload(b"x", token=other))["UploadID"]
    return Seen(f"two of one token: {ours}, the first of another: {theirs}")


@settles(
    Fact(
        "vault-upload-limit",
        "From which size on is a file refused, and does the app know the refusal?",
        expected="a refusal for its size is known as one",
        depends=("shared/vault/refusals.py", "docs/configuration.md"),
        otherwise="such a mail would be tried for three days instead of failing at once with the remedy",
    )
)
async def upload_limit(world: World) -> Seen:
    taken, size = 0, 1
    largest = max(world.options.vault.largest_upload_mb, 1)
    while size <= largest:
        response = await world.vault.send(
            "POST",
            "/files",
            content=bytes(size * _MEGABYTE),
            headers={"Content-Type": "application/octet-stream"},
        )
        if not response.is_success:
            fault = fault_of(response)
            text = f"{taken} MB taken, {size} MB: {told(response)}, known as {type(fault).__name__}"
            return Seen(text, isinstance(fault, TooLarge))
        taken, size = size, size * 2
    return Seen(f"{taken} MB taken; more was not tried")


@settles(
    Fact(
        "vault-upload-in-parts",
        "Is a file taken in parts, without the last call that commits it?",
        expected="yes: a document can be made of it",
        depends=_UPLOADS,
        otherwise="leave vault.chunked-upload out, and raise the limits of the vault's web server",
    )
)
async def upload_in_parts(world: World) -> Seen:
    if not world.options.vault.largest_upload_mb:
        raise NotPossible("vault.largest-upload-mb is 0")
    content = bytes(CHUNK + 1)
    about = {"Title": "parts", "Extension": "bin", "Size": len(content)}
    begun = await world.vault.send("POST", "/files/upload", json=about)
    if not begun.is_success:
        return Seen(f"the first call: {told(begun)}", agrees=False)
    upload = begun.json()["UploadID"]
    for number, part in enumerate((content[:CHUNK], content[CHUNK:]), 1):
        query = {"resumableChunkNumber": number, "resumableTotalChunks": 2, "resumableChunkSize": CHUNK}
        sent = await world.vault.send(
            "POST",
            f"/files/upload/{upload}",
            params=query,
            content=part,
            headers={"Content-Type": "application/octet-stream"},
        )
        if not sent.is_success:
            return Seen(f"part {number}: {told(sent)}", agrees=False)
    made = await world.vault.create(await world.vault.body({"UploadID": upload, **about}))
    if not made.is_success:
        return Seen(f"the create: {told(made)}", agrees=False)
    size = made.json()["Files"][0]["Size"]
    return Seen(f"a document with {size} of {len(content)} bytes", size == len(content))
