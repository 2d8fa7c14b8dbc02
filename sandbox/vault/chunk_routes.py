"""Addresses of files that come in chunks."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from msgspec import Struct

from sandbox.vault.chunks import Chunk, PartialUpload
from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import invalid, json_response, not_found, page_length_required
from sandbox.vault.file_routes import RAW, UNKNOWN_INFORMATION, content_type
from sandbox.vault.uploads import PIECE

_OPTIONS = ("resumableChunkNumber", "resumableTotalChunks", "resumableChunkSize")


class NewUpload(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """An UploadInfo of a file to come; whether the server keeps title and extension is unverified."""

    title: str
    extension: str
    size: int
    upload_id: int | None = None
    file_information_type: int | None = None


def _upload_info(number: int, size: int) -> dict[str, Any]:
    return {"UploadID": number, "Size": size, "FileInformationType": UNKNOWN_INFORMATION}


async def begin(call: Call) -> web.StreamResponse:
    """Announce a file; an empty one has no chunk, and the official client refuses to send it."""
    sent = await call.body(NewUpload)
    if sent.size < 1:
        raise invalid("The file must have a size.")
    begun = call.vault.files.begin(call.session, sent.size)
    return json_response(_upload_info(begun.number, begun.size))


async def append(call: Call) -> web.StreamResponse:
    """Take one chunk, raw bytes."""
    partial, chunk = _partial(call), _chunk(call)
    length = call.request.content_length
    if length is None:
        return page_length_required()
    kind = content_type(call.request)
    if kind not in RAW:
        raise invalid(f"A chunk cannot be uploaded as {kind}.")
    partial.check(chunk, length)
    await call.vault.files.append(call.session, partial, chunk, call.request.content.iter_chunked(PIECE))
    return json_response(_upload_info(partial.number, partial.size))


def _partial(call: Call) -> PartialUpload:
    partial = call.session.partial.get(call.number("upload"))
    if partial is None:
        raise not_found()
    return partial


def _chunk(call: Call) -> Chunk:
    numbers = []
    for name in _OPTIONS:
        text = call.options.get(name, "")
        if not text.isascii() or not text.isdigit():
            raise invalid(f'Parameter {name} cannot be "{text}".')
        numbers.append(int(text))
    return Chunk(*numbers)


async def commit(call: Call) -> web.StreamResponse:
    """Make an upload available to other processes, which its own session does without; what is answered is
    unverified, but for its being a number."""
    kept = call.session.uploads.get(call.number("upload"))
    if kept is None:
        raise not_found()
    if kept.size != call.number("size"):
        raise invalid(f"Upload {kept.number} has {kept.size} bytes.")
    return json_response(0)


ROUTES = (
    Route("POST", "files/upload", begin),
    Route("POST", "files/upload/{upload}", append, options=frozenset(_OPTIONS)),
    Route("POST", "files/{upload}/{size}/uploadtemporarycommit", commit),
)
