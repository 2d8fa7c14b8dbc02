"""M-Files through its Web Service (developer.m-files.com, REST API)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from shared.clock import Clock
from shared.configuration import Configuration
from shared.errors import ConfigurationFault, Unavailable
from shared.secret_store import SecretStore
from shared.vault.answers import ObjectFile, ObjectVersion, Results
from shared.vault.creation import creation_info, texts, too_large, why_refused
from shared.vault.ownership import made_by_own_account
from shared.vault.protocol import DOCUMENT, NewFile, NewObject, VaultObject
from shared.vault.references import references
from shared.vault.refusals import RequestRefused, ServerFault, TooLarge
from shared.vault.session import Session
from shared.vault.structure import MFilesStructure
from shared.vault.uploads import Uploads
from shared.vault.value_lists import ValueLists

_OF_NO_MAIL = "0" * 32
"""A filing key that finds nothing."""
_STRUCTURE_KEPT_FOR = 15 * 60.0
_CREATE_WITHIN = 60.0


class MFilesVault:
    """The vault that the configuration names."""

    def __init__(
        self,
        configuration: Configuration,
        secrets: SecretStore,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`tls` is the context of its connections; without it, the default one."""
        vault = configuration.vault
        self._session = Session(
            vault.url,
            vault.guid,
            secrets,
            domain=vault.domain,
            at_once=vault.at_once,
            tls=tls,
            clock=clock.monotonic,
        )
        self._uploads = Uploads(self._session, in_chunks=vault.chunked_upload)
        self._lists = ValueLists(self._session)
        self._configuration = configuration
        self._clock = clock
        self._structure: MFilesStructure | None = None
        self._structure_read_at = 0.0

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def structure(self, *, fresh: bool = False) -> MFilesStructure:
        """The metadata structure, at most 15 minutes old, and read anew after a refused create.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        now = self._clock.monotonic()
        if fresh or self._structure is None or now - self._structure_read_at > _STRUCTURE_KEPT_FOR:
            aliases = references(self._configuration)
            self._structure = await MFilesStructure.read(self._session, self._lists, aliases)
            self._structure_read_at = now
        return self._structure

    async def find(self, property_id: int, value: str, object_type: int = DOCUMENT) -> Sequence[VaultObject]:
        """The objects of that type whose Text property has that value, deleted ones too.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        query = {"o": str(object_type), f"p{property_id}": value, "d": "include"}

        async def work(token: str) -> Results[ObjectVersion]:
            return await self._session.answer(token, "GET", "/objects", Results[ObjectVersion], params=query)

        try:
            found = await self._session.with_login(work)
        except RequestRefused as error:
            self._structure = None  # what was searched by may be gone
            raise Unavailable(
                f"the vault cannot be searched ({error.told([value])})", origin="vault"
            ) from None
        # What is found is seen, whatever a field says that is about an operation.
        return [await self._with_files(version, visible=True) for version in found.items or ()]

    async def ping(self) -> None:
        """Search, with a new log-in if need be.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        key_property = (await self.structure()).property(self._configuration.vault.filing_key)
        await self.find(key_property.id, _OF_NO_MAIL)

    async def create(
        self,
        new: NewObject,
        files: Sequence[NewFile],
        about_to_create: Callable[[], Awaitable[None]],
        words: Sequence[str] = (),
    ) -> VaultObject:
        """Send the files, call `about_to_create`, create the object; all of it again after a new log-in.

        Uploads belong to the log-in that made them. What M-Files says is told without what it repeats of
        `words`, and of the object itself: an item that an id stands for may be called by a word of a mail.
        Raises MailFault or ConfigurationFault after a definite refusal; after Unavailable the object may be
        there. Also what `about_to_create`, which must not call the vault, and reading the files raise, and
        Transient when the log-in is refused.
        """
        can_have_files = new.object_type == DOCUMENT or await self._can_have_files(new.object_type)

        async def work(token: str) -> ObjectVersion:
            uploads = [await self._uploads.send(token, file) for file in files]
            body = creation_info(new, uploads, can_have_files=can_have_files)
            # A place for the request first: once the mark is set, it must not wait for one.
            async with self._session.place():
                await about_to_create()
                return await self._post(token, new.object_type, body)

        try:
            made = await self._session.with_login(work)
        except TooLarge as error:
            raise too_large(error) from None
        except ServerFault as error:
            names = self._structure.names() if self._structure is not None else ()
            raise error.told([*texts(new, files), *words], names) from None
        except RequestRefused as error:
            # An id that it was given may be gone by now.
            fresh = await self.structure(fresh=True)
            raise await why_refused(error, new, [*texts(new, files), *words], fresh) from None
        # With a log-in of its own: one that is lost now must not create a second time.
        return await self._with_files(made, visible=made.visible_after_operation)

    async def _can_have_files(self, object_type: int) -> bool:
        return (await self.structure()).object_type(object_type).can_have_files

    async def is_own(self, found: VaultObject) -> bool:
        """Whether the app's account has created that object; False when in doubt.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        return await made_by_own_account(self._session, found)

    async def mark_deleted(self, found: VaultObject) -> None:
        """Mark the object deleted; one that already is, or is gone, is left at that.

        developer.m-files.com/APIs/REST-API/Deleting-Objects. How a server refuses to delete what is deleted,
        if it does, is not documented: after a refusal the object itself is looked at.
        Raises ConfigurationFault when the account may not, Unavailable, and Transient when the log-in is
        refused.
        """
        address = f"/objects/{found.type}/{found.id}"

        async def work(token: str) -> None:
            try:
                await self._session.perform(
                    token, "POST", f"{address}/deleted", params={"_method": "PUT"}, json={"Value": True}
                )
            except RequestRefused:
                if not await self._is_deleted(token, address):
                    raise

        try:
            await self._session.with_login(work)
        except RequestRefused as error:
            raise _deletion_refusal(error) from None

    async def _is_deleted(self, token: str, address: str) -> bool:
        """Whether the object is shown as deleted, or as unknown: deleted ones are hidden from most users."""
        try:
            return (await self._session.answer(token, "GET", f"{address}/latest", ObjectVersion)).deleted
        except RequestRefused as error:
            return error.status == HTTPStatus.NOT_FOUND

    async def _post(self, token: str, object_type: int, body: dict[str, Any]) -> ObjectVersion:
        path = f"/objects/{object_type}"
        try:
            # Below the time that the journal's mark holds, whatever the phases of the request may take.
            async with asyncio.timeout(_CREATE_WITHIN):
                return await self._session.answer(
                    token, "POST", path, ObjectVersion, has_place=True, json=body
                )
        except TimeoutError:
            raise Unavailable("M-Files did not answer to a create in time", origin="vault") from None

    async def _with_files(self, version: ObjectVersion, *, visible: bool) -> VaultObject:
        """The object with its files, which are asked for where the answer has no list of them.

        None are asked for of what is deleted or not visible: the answer would be that it is unknown.
        Raises Unavailable, whatever the reason: the object is there.
        """
        if version.files is not None or version.deleted or not visible:
            return version.value(version.files or [], visible=visible)
        path = f"/objects/{version.obj_ver.type}/{version.obj_ver.id}/latest/files"

        async def work(token: str) -> list[ObjectFile]:
            return await self._session.answer(token, "GET", path, list[ObjectFile])

        try:
            return version.value(await self._session.with_login(work))
        except (RequestRefused, ConfigurationFault) as error:
            raise Unavailable(f"the files of an object cannot be listed ({error})", origin="vault") from None


def _deletion_refusal(error: RequestRefused) -> ConfigurationFault | Unavailable:
    if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ConfigurationFault(
            f"{error}: the account may not mark a document deleted.",
            "Let the account of mfiles-username delete the documents that it has created.",
        )
    # For instance because somebody has checked it out.
    return Unavailable(f"a document cannot be marked deleted ({error})", origin="vault")
