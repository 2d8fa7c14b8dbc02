"""The example vault: its structure, its objects, and the bytes of their files below one directory."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
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
USER_ID_STEP = 6


@dataclass(frozen=True)
class Account:
    """Who may log in, and the user that this is in the vault."""

    password: str
    user: int


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class ExampleVault:
    """One vault on one server, with one account to begin with.

    Some things can be set at any time: `available` (False: every call is answered with 503),
    `max_upload_bytes` (the limit of IIS for a body, in bytes; None: none), `create_delay` (seconds
    between the creation of an object and the answer that says so), `hides_new_objects` (True: whoever
    creates an object does not see it) and `may_delete` (False: nobody may set or clear a deleted mark).
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
        self.hides_new_objects = False
        self.may_delete = True
        self.structure = example_structure(username)
        self.sessions = Sessions(guid, self._accepts, now)
        self._others: dict[str, Account] = {}
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

    def add_account(self, username: str, password: str, *, name: str | None = None) -> int:
        """One more account, whose user goes by `name` in the vault; gives the id of that user."""
        user = max(self.structure.users) + USER_ID_STEP
        self._others[username] = Account(password, user)
        self.structure = replace(self.structure, users={**self.structure.users, user: name or username})
        return user

    def reveal(self) -> None:
        """Let everybody see all objects, those to come included."""
        self.hides_new_objects = False
        for stored in self._objects.values():
            stored.hidden_from = None

    def expire_tokens(self) -> None:
        """Refuse every token given so far, and forget their uploads, as a restart of the server does."""
        self.sessions.end_all()

    def delete(self, object_id: int, *, object_type: int = DOCUMENT) -> None:
        """Mark an object deleted. Raises KeyError when there is none."""
        self.mark_deleted(self._objects[object_type, object_id], deleted=True)

    # For the web service

    def user_of(self, session: Session) -> int:
        """The id of the user who is logged in."""
        username = session.authentication.username
        return ACCOUNT_ID if username == self.username else self._others[username].user

    def find(self, session: Session, search: Search) -> tuple[list[StoredObject], bool]:
        """The objects found, and whether there are more."""
        user = self.user_of(session)
        return search.find(stored for stored in self._objects.values() if stored.hidden_from != user)

    def get(self, session: Session, object_type: int, object_id: int) -> StoredObject:
        """One object. Raises ServiceError (404): what a user does not see is not there for him."""
        stored = self._objects.get((object_type, object_id))
        if stored is None or stored.hidden_from == self.user_of(session):
            raise not_found()
        return stored

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
        created, user = self._now(), self.user_of(session)
        stored = StoredObject(
            type=object_type,
            id=self._next_object,
            object_class=planned.object_class,
            created=created,
            values=self._with_own_values(planned, created, user),
            files=tuple(self._take(session, file) for file in planned.files),
            hidden_from=user if self.hides_new_objects else None,
        )
        self._next_object += 1
        self._objects[stored.type, stored.id] = stored
        return stored

    def _accepts(self, username: str, password: str) -> bool:
        if username == self.username:
            return password == self.password
        other = self._others.get(username)
        return other is not None and password == other.password

    @staticmethod
    def _with_own_values(planned: Plan, created: datetime, user: int) -> dict[int, Value]:
        moment = created.replace(microsecond=0)
        return {**planned.values, CREATED: moment, LAST_MODIFIED: moment, CREATED_BY: user}

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
