"""Bytes of the vault below one directory: temporary files, and the files of objects."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

from sandbox.vault.chunks import Chunk, PartialUpload
from sandbox.vault.creation import PlannedFile
from sandbox.vault.objects import StoredFile
from sandbox.vault.sessions import Session
from sandbox.vault.uploads import Upload, receive

FIRST_FILE_ID = 2345


class FileStore:
    """Temporary files belong to a session, until an object takes them."""

    def __init__(self, directory: Path) -> None:
        self._files = directory / "files"
        self._uploads = directory / "uploads"
        self._next_file = FIRST_FILE_ID
        for place in (self._files, self._uploads):
            place.mkdir(parents=True, exist_ok=True)

    async def keep(self, session: Session, pieces: AsyncIterator[bytes]) -> Upload:
        """Stream a temporary file in. It belongs to the session; a cut stream leaves nothing."""
        path = self._upload_path()
        size, sha256 = await receive(pieces, path)
        if session.ended:
            path.unlink()
        session.require()
        upload = Upload(session.next_upload(), path, size, sha256)
        session.uploads[upload.number] = upload
        return upload

    def begin(self, session: Session, size: int) -> PartialUpload:
        """A temporary file of so many bytes that comes in chunks."""
        session.require()
        partial = PartialUpload(session.next_upload(), self._upload_path(), size)
        session.partial[partial.number] = partial
        return partial

    async def append(
        self, session: Session, partial: PartialUpload, chunk: Chunk, pieces: AsyncIterator[bytes]
    ) -> None:
        """Stream a chunk in; with the last one the file is an upload like any other."""
        try:
            await partial.append(chunk, pieces)
        finally:
            if session.ended:
                partial.path.unlink(missing_ok=True)
        session.require()
        if partial.is_complete:
            del session.partial[partial.number]
            session.uploads[partial.number] = Upload(
                partial.number, partial.path, partial.size, partial.digest.hexdigest()
            )

    def take(self, session: Session, planned: PlannedFile) -> StoredFile:
        """Make an upload the file of an object; it is consumed."""
        upload = session.uploads.pop(planned.upload.number)
        file_id = self._next_file
        self._next_file += 1
        path = upload.path.replace(self._files / str(file_id))
        return StoredFile(file_id, planned.title, planned.extension, upload.size, upload.sha256, path)

    def _upload_path(self) -> Path:
        return self._uploads / uuid.uuid4().hex
