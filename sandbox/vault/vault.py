"""The example vault: its structure, its objects, and the bytes of their files below one directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path

from sandbox.vault.accounts import Account, Accounts
from sandbox.vault.creation import ObjectCreationInfo, plan
from sandbox.vault.errors import not_found
from sandbox.vault.example import ACCOUNT_ID, ADMINISTRATOR_ID, example_structure
from sandbox.vault.file_store import FileStore
from sandbox.vault.object_store import ObjectStore
from sandbox.vault.objects import StoredObject, VaultObject, readable
from sandbox.vault.relationships import Direction
from sandbox.vault.search import Search
from sandbox.vault.sessions import Session, Sessions
from sandbox.vault.structure import CLASS, CREATED, CREATED_BY, DELETED, DOCUMENT, LAST_MODIFIED, ValueList
from sandbox.vault.values import Value

EXAMPLE_GUID = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
EXAMPLE_USERNAME = "svc-mail"
EXAMPLE_PASSWORD = "example-password-1"  # noqa: S105

FIRST_OBJECT_ID = 1102
ITEM_ID_STEP = 3
USER_ID_STEP = 6


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class ExampleVault:
    """One vault on one server, with one account to begin with.

    Some things can be set at any time: `available` (False: every call is answered with 503), `broken` (True:
    every call is answered with a page of status 500), `max_upload_bytes` (the limit of IIS for a body, in
    bytes; None: none), `oversize_status` (404, 413 or 500: the page for a body over it), `create_delay`
    (seconds between the creation of an object and the answer that says so), `hides_new_objects` (True:
    whoever creates an object does not see it), `may_delete` (False: nobody may set or clear a deleted mark),
    `lets_in` (False: the server takes an account, and the vault does not, as one that is no user of it) and
    `search_lag` (seconds after its creation in which a search does not find an object).
    """

    def __init__(
        self,
        directory: Path,
        *,
        guid: str = EXAMPLE_GUID,
        username: str = EXAMPLE_USERNAME,
        password: str = EXAMPLE_PASSWORD,
        domain: str = "",
        max_upload_bytes: int | None = None,
        mail_properties: bool = True,
        email_types: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """With a Windows `domain`, the account is one of it; else it is one of M-Files.

        `mail_properties`, `email_types`: what the structure has of e-mail, see `example_structure`.
        """
        self.guid = guid
        self.name = "Example vault"
        self.max_upload_bytes = max_upload_bytes
        self.oversize_status = int(HTTPStatus.NOT_FOUND)
        self.available = True
        self.broken = False
        self.create_delay = 0.0
        self.hides_new_objects = False
        self.may_delete = True
        self.lets_in = True
        self.search_lag = 0.0
        self.store = ObjectStore()
        self.structure = example_structure(
            username, mail_properties=mail_properties, email_types=email_types, objects=self.store
        )
        self.accounts = Accounts(Account(username, password, domain, ACCOUNT_ID))
        self.sessions = Sessions(guid, self.accounts, now)
        self._now = now
        self.files = FileStore(directory)
        self._next_object = FIRST_OBJECT_ID

    # For demo and tests

    @property
    def username(self) -> str:
        """The user name of the first account."""
        return self.accounts.first.username

    @property
    def password(self) -> str:
        """The password of the first account."""
        return self.accounts.first.password

    def objects(self, first: int = 0) -> list[VaultObject]:
        """All objects in the order of their creation, deleted ones included, master data left out.

        Those before the `first` one, counted from 0, are left out as well.
        """
        filed = (stored for stored in self.store if not stored.master)
        return [readable(stored, self.structure) for stored in islice(filed, first, None)]

    def set_password(self, password: str) -> None:
        """Change the first account's password; tokens made of the old one are refused from now on."""
        self.accounts.change(replace(self.accounts.first, password=password))

    def add_account(self, username: str, password: str, *, name: str | None = None, domain: str = "") -> int:
        """One more account, whose user goes by `name` in the vault; gives the id of that user."""
        user = max(self.structure.users) + USER_ID_STEP
        self.accounts.change(Account(username, password, domain, user))
        self.structure = replace(self.structure, users={**self.structure.users, user: name or username})
        return user

    def add_object(
        self,
        object_type: int,
        class_id: int,
        values: Mapping[int, Value],
        *,
        number: int | None = None,
        external_id: str = "",
    ) -> int:
        """An object of the administrator's, as a customer: master data, which nobody filed. Gives its id.

        Raises KeyError for an unknown class, ValueError when the id is taken.
        """
        moment = self._now()
        chosen = self._take_object_id() if number is None else number
        stored = StoredObject(
            type=object_type,
            id=chosen,
            object_class=self.structure.classes[class_id],
            created=moment,
            values=_with_own_values({CLASS: class_id, **values}, moment, ADMINISTRATOR_ID),
            files=(),
            external_id=external_id,
            master=True,
        )
        self.store.add(stored, self.structure)
        return chosen

    def reveal(self) -> None:
        """Let everybody see all objects, those to come included."""
        self.hides_new_objects = False
        for stored in self.store:
            stored.hidden_from = None

    def expire_tokens(self) -> None:
        """Refuse every token given so far, and forget their uploads, as a restart of the server does."""
        self.sessions.end_all()

    def delete(self, object_id: int, *, object_type: int = DOCUMENT) -> None:
        """Mark an object deleted. Raises KeyError when there is none."""
        self.mark_deleted(self.store[object_type, object_id], deleted=True)

    # For the web service

    def user_of(self, session: Session) -> int:
        """The id of the user who is logged in."""
        return self.accounts.of(session.authentication).user

    def find(self, session: Session, search: Search) -> tuple[list[StoredObject], bool]:
        """The objects found, and whether there are more."""
        user = self.user_of(session)
        indexed = self._now() - timedelta(seconds=self.search_lag)
        return search.find(
            stored for stored in self.store if stored.hidden_from != user and stored.created <= indexed
        )

    def get(self, session: Session, object_type: int, reference: int | str) -> StoredObject:
        """One object by its id, or by its external id, a text.

        Raises ServiceError (404): what a user does not see is not there for him.
        """
        if isinstance(reference, int):
            stored = self.store.get(object_type, reference)
        else:
            stored = self.store.external(object_type, reference)
        if stored is None or stored.hidden_from == self.user_of(session):
            raise not_found()
        return stored

    def related(self, session: Session, stored: StoredObject, direction: Direction) -> list[StoredObject]:
        """The objects related to one, by type and id. Deleted ones are left out, which is unverified."""
        user = self.user_of(session)
        found = [self.store[key] for key in sorted(direction.keys(stored))]
        return [one for one in found if not one.deleted and one.hidden_from != user]

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
            id=self._take_object_id(),
            object_class=planned.object_class,
            created=created,
            values=_with_own_values(planned.values, created, user),
            files=tuple(self.files.take(session, file) for file in planned.files),
            hidden_from=user if self.hides_new_objects else None,
        )
        self.store.add(stored, self.structure)
        return stored

    def change(self, stored: StoredObject, values: Mapping[int, Value]) -> None:
        """Make a new version of an object."""
        stored.change(values, self._now())

    def add_item(self, value_list: ValueList, name: str, owner: int | None) -> int:
        """A new item of a value list; gives its id."""
        number = max(value_list.items, default=0) + ITEM_ID_STEP
        owners = value_list.owners if owner is None else {**value_list.owners, number: owner}
        changed = replace(value_list, items={**value_list.items, number: name}, owners=owners)
        known = self.structure
        self.structure = replace(known, value_lists={**known.value_lists, changed.id: changed})
        return number

    def _take_object_id(self) -> int:
        number = self._next_object
        self._next_object += 1
        return number

    def mark_deleted(self, stored: StoredObject, *, deleted: bool) -> None:
        """Set or clear the deleted mark; whether that makes a new version is unverified: it does not."""
        stored.deleted = deleted
        stored.values.pop(DELETED, None)
        if deleted:
            stored.values[DELETED] = self._now().replace(microsecond=0)


def _with_own_values(values: Mapping[int, Value], created: datetime, user: int) -> dict[int, Value]:
    moment = created.replace(microsecond=0)
    return {**values, CREATED: moment, LAST_MODIFIED: moment, CREATED_BY: user}
