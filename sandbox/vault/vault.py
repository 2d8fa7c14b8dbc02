"""The example vault: its structure, its objects, and the bytes of their files below one directory."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.vault.creation import ObjectCreationInfo, Plan, PlannedFile, plan
from sandbox.vault.errors import not_found
from sandbox.vault.example import ACCOUNT_ID, example_structure
from sandbox.vault.objects import StoredFile, StoredObject, VaultObject, readable
from sandbox.vault.search import Search
from sandbox.vault.sessions import Session, Sessions
from sandbox.vault.structure import CREATED, CREATED_BY, DELETED, DOCUMENT, LAST_MODIFIED
from sandbox.vault.uploads import Upload, receive
from sandbox.vault.values import Value

EXAMPLE_GUID = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
EXAMPLE_USERNAME = "svc-mail"
EXAMPLE_PASSWORD = "example-password-1"  # noqa: S105

FIRST_OBJECT_ID = 1102
FIRST_FILE_ID = 2345


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class ExampleVault:
    """One vault on one server, with one account.

    Three things can be set at any time: `available` (False: every call is answered with 503),
    `max_upload_bytes` (the limit of IIS for a body, in bytes; None: none) and `create_delay` (seconds
    between the creation of an object and the answer that says so).
    """

    def __init__(
        self,
        directory: Path,
        *,
        guid: str = EXAMPLE_GUID,
        username: str = EXAMPLE_USERNAME,
        password: str = EXAMPLE_PASSWORD,
        max_upload_bytes: int | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.guid = guid
        self.name = "Example vault"
        self.username = username
        self.password = password
        self.max_upload_bytes = max_upload_bytes
        self.available = True
        self.create_delay = 0.0
        self.structure = example_structure(username)
        self.sessions = Sessions(guid, lambda: (self.username, self.password), now)
        self._now = now
        self._files = directory / "files"
        self._uploads = directory / "uploads"
        self._objects: dict[tuple[int, int], StoredObject] = {}
        self._next_object = FIRST_OBJECT_ID
        self._next_file = FIRST_FILE_ID
        for place in (self._files, self._uploads):
            place.mkdir(parents=True, exist_ok=True)

    # For demo and tests

    def objects(self) -> list[VaultObject]:
        """All objects in the order of their creation, deleted ones included."""
        return [readable(stored, self.structure) for stored in self._objects.values()]

    def set_password(self, password: str) -> None:
        """Change the account's password; tokens made of the old one are refused from now on."""
        self.password = password

    def expire_tokens(self) -> None:
        """Refuse every token given so far, and forget their uploads, as a restart of the server does."""
        self.sessions.end_all()

    def delete(self, object_id: int, *, object_type: int = DOCUMENT) -> None:
        """Mark an object deleted. Raises KeyError when there is none."""
        self.mark_deleted(self._objects[object_type, object_id], deleted=True)

    # For the web service

    def find(self, search: Search) -> tuple[list[StoredObject], bool]:
        """The objects found, and whether there are more."""
        return search.find(self._objects.values())

    def get(self, object_type: int, object_id: int) -> StoredObject:
        """One object. Raises ServiceError (404)."""
        try:
            return self._objects[object_type, object_id]
        except KeyError:
            raise not_found() from None

    async def keep_upload(self, session: Session, pieces: AsyncIterator[bytes]) -> Upload:
        """Stream a temporary file in. It belongs to the session; a cut stream leaves nothing."""
        path = self._uploads / uuid.uuid4().hex
        size, sha256 = await receive(pieces, path)
        if session.ended:
            path.unlink()
        session.require()
        upload = Upload(session.next_upload(), path, size, sha256)
        session.uploads[upload.number] = upload
        return upload

    def create(self, session: Session, object_type: int, info: ObjectCreationInfo) -> StoredObject:
        """Create an object; the uploads it uses are consumed.

        Raises ServiceError: 404 for an unknown object type, 403 for a session that has ended, 400 for
        whatever speaks against the object; and then nothing has changed.
        """
        session.require()
        if object_type not in self.structure.object_types:
            raise not_found()
        planned = plan(info, object_type, self.structure, session.uploads)
        created = self._now()
        stored = StoredObject(
            type=object_type,
            id=self._next_object,
            object_class=planned.object_class,
            created=created,
            values=self._with_own_values(planned, created),
            files=tuple(self._take(session, file) for file in planned.files),
        )
        self._next_object += 1
        self._objects[stored.type, stored.id] = stored
        return stored

    def _with_own_values(self, planned: Plan, created: datetime) -> dict[int, Value]:
        moment = created.replace(microsecond=0)
        return {**planned.values, CREATED: moment, LAST_MODIFIED: moment, CREATED_BY: ACCOUNT_ID}

    def _take(self, session: Session, planned: PlannedFile) -> StoredFile:
        upload = session.uploads.pop(planned.upload.number)
        file_id = self._next_file
        self._next_file += 1
        path = upload.path.replace(self._files / str(file_id))
        return StoredFile(file_id, planned.title, planned.extension, upload.size, upload.sha256, path)

    def mark_deleted(self, stored: StoredObject, *, deleted: bool) -> None:
        """Set or clear the deleted mark; whether that makes a new version is unverified: it does not."""
        stored.deleted = deleted
        stored.values.pop(DELETED, None)
        if deleted:
            stored.values[DELETED] = self._now().replace(microsecond=0)
