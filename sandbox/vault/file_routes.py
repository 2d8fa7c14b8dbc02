"""Addresses of bytes: temporary uploads, contents of files.

developer.m-files.com/APIs/REST-API/Reference/resources/files
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import invalid, json_response, not_found, page_length_required
from sandbox.vault.object_routes import object_of
from sandbox.vault.rendering import escaped, file_name
from sandbox.vault.uploads import PIECE, Upload

RAW = ("", "application/octet-stream")
MULTIPART = "multipart/form-data"
UNKNOWN_INFORMATION = 0


def _upload_info(upload: Upload) -> dict[str, Any]:
    """Neither title nor extension: the client must say them when it creates the object."""
    return {
        "UploadID": upload.number,
        "Size": upload.size,
        "FileInformationType": UNKNOWN_INFORMATION,
    }


def content_type(request: web.Request) -> str:
    """The media type of a body without its parameters; empty when none is said."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


async def upload(call: Call) -> web.StreamResponse:
    """Keep the body, or each part of a form.

    Raw bytes come with `application/octet-stream` or no content type at all; others are refused here,
    which is unverified. One file is answered with an object, several with a list.
    """
    request = call.request
    if request.content_length is None:
        return page_length_required()
    kind = content_type(request)
    if kind in RAW:
        kept = await call.vault.files.keep(call.session, request.content.iter_chunked(PIECE))
        return json_response(_upload_info(kept))
    if kind != MULTIPART:
        raise invalid(f"A file cannot be uploaded as {kind}.")
    infos = await _form(call)
    return json_response(infos[0] if len(infos) == 1 else infos)


async def _form(call: Call) -> list[dict[str, Any]]:
    uploads: list[Upload] = []
    try:
        async for part in await call.request.multipart():
            if not isinstance(part, BodyPartReader) or part.filename is None:
                raise invalid("Every part of the form must be a file.")
            uploads.append(await call.vault.files.keep(call.session, _pieces(part)))
    except (ValueError, AssertionError) as error:
        raise invalid(f"The form cannot be read: {error}.") from None
    if not uploads:
        raise invalid("The form has no file.")
    return [_upload_info(kept) for kept in uploads]


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE):
        yield bytes(piece)


async def content(call: Call) -> web.StreamResponse:
    """The bytes of one file."""
    number = call.number("file")
    for file in object_of(call).files:
        if file.id == number:
            name = quote(escaped(file_name(file)), safe="")
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            }
            return web.FileResponse(file.path, chunk_size=PIECE, headers=headers)
    raise not_found()


ROUTES = (
    Route("POST", "files", upload),
    Route("GET", "objects/{type}/{id}/{version}/files/{file}/content", content),
)
