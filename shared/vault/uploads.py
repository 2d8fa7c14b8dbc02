"""Sending files to M-Files before the object that they become part of (developer.m-files.com, /files)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from shared.errors import ConfigurationFault, Unavailable
from shared.vault.answers import Upload, UploadBegun
from shared.vault.protocol import NewFile
from shared.vault.refusals import RequestRefused, TooLarge
from shared.vault.session import Session

CHUNK = 2 * 1024 * 1024
"""Bytes: the size that M-Files' own library has (M-Files/Libraries.MFWSClient)."""


class Uploads:
    """Sends files whole, or in parts what is refused for its size.

    Uploading in parts is not documented: its addresses are those of M-Files' own library, which calls them
    not for production. So it is an option, and used only where it is needed.
    """

    def __init__(self, session: Session, *, in_chunks: bool = False) -> None:
        self._session = session
        self._in_chunks = in_chunks
        self._refused_from: int | None = None

    async def send(self, token: str, file: NewFile) -> dict[str, Any]:
        """Send one file; what a creation says of it. Uploads belong to the log-in that made them.

        Raises TooLarge, and what Session.answer and reading the file raise.
        """
        return {
            "UploadID": await self._sent(token, file),
            "Title": file.title,
            "Extension": file.extension,
            "Size": file.size,
        }

    async def _sent(self, token: str, file: NewFile) -> int:
        if self._in_chunks and self._refused_from is not None and file.size >= self._refused_from:
            return await self._sent_in_chunks(token, file)
        try:
            return await self._sent_whole(token, file)
        except TooLarge:
            if not self._in_chunks or not file.size:
                raise
        self._refused_from = min(file.size, self._refused_from or file.size)
        return await self._sent_in_chunks(token, file)

    async def _sent_whole(self, token: str, file: NewFile) -> int:
        # One file is answered by one object, by the documentation by a list of one.
        kind: Any = Upload | list[Upload]
        answered = await self._session.post_stream(token, "/files", file.read(), file.size, kind)
        answers: list[Upload] = answered if isinstance(answered, list) else [answered]
        if len(answers) != 1:
            raise Unavailable(f"M-Files answered to one file as if to {len(answers)}", origin="vault")
        (answer,) = answers
        if answer.size != file.size:
            raise Unavailable("M-Files has another size for a file than was sent", origin="vault")
        return answer.upload_id

    async def _sent_in_chunks(self, token: str, file: NewFile) -> int:
        """Parts of equal size, but the last, which is as long as what is left: M-Files/Libraries.MFWSClient,
        whose own last part is too long, and its number of parts one too many where the size is a multiple.
        The upload becomes whole with the object, without the library's last call to commit it.
        """
        try:
            return await self._begun_and_sent(token, file)
        except (RequestRefused, ConfigurationFault, TooLarge) as error:
            status = error.status if isinstance(error, RequestRefused) else 404
            raise TooLarge(status, file.size, in_chunks=True) from None

    async def _begun_and_sent(self, token: str, file: NewFile) -> int:
        about = {"Title": file.title, "Extension": file.extension, "Size": file.size}
        begun = await self._session.answer(token, "POST", "/files/upload", UploadBegun, json=about)
        total = -(-file.size // CHUNK)
        async with aclosing(file.read()) as whole:
            content = _Parts(whole)
            for number in range(1, total + 1):
                length = min(CHUNK, file.size - CHUNK * (number - 1))
                query = {
                    "resumableChunkNumber": str(number),
                    "resumableTotalChunks": str(total),
                    "resumableChunkSize": str(CHUNK),
                }
                path = f"/files/upload/{begun.upload_id}"
                anything: Any = Any
                await self._session.post_stream(
                    token, path, content.next(length), length, anything, params=query
                )
            if not await content.has_ended():
                raise Unavailable("a file has another length than was said")
        return begun.upload_id


class _Parts:
    """A stream of bytes, cut into parts as they are asked for; never more than one piece of it is held."""

    def __init__(self, content: AsyncGenerator[bytes, None]) -> None:
        self._content = content
        self._left = b""

    async def next(self, length: int) -> AsyncGenerator[bytes, None]:
        """The next `length` bytes, or what is there of them."""
        while length and not await self.has_ended():
            piece, self._left = self._left[:length], self._left[length:]
            length -= len(piece)
            yield piece

    async def has_ended(self) -> bool:
        """Whether nothing is left."""
        while not self._left:
            piece = await anext(self._content, None)
            if piece is None:
                return True
            self._left = piece
        return False
