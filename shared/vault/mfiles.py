"""M-Files through its Web Service (developer.m-files.com, REST API)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from shared.clock import Clock
from shared.configuration import Configuration
from shared.errors import ConfigurationFault, MailFault, Unavailable
from shared.secret_store import SecretStore
from shared.vault.answers import ObjectFile, ObjectVersion, Results, Upload
from shared.vault.ownership import made_by_own_account
from shared.vault.protocol import DataType, NewFile, NewObject, PropertyValue, VaultObject
from shared.vault.session import RequestRefused, Session, TooLarge
from shared.vault.structure import MFilesStructure

DOCUMENT = 0
"""The object type Document (developer.m-files.com, MFBuiltInObjectType)."""
SINGLE_FILE, CLASS = 22, 100
"""Built-in properties (developer.m-files.com, MFBuiltInPropertyDef)."""
_LATEST = -1
_OF_NO_MAIL = "0" * 32
"""A filing key that finds nothing."""
_STRUCTURE_KEPT_FOR = 15 * 60.0
_CREATE_WITHIN = 60.0
_NEVER_TOO_LARGE = 1024 * 1024
"""Bytes: a refusal of less is no limit of IIS, whose own one is 28.6 MB (maxAllowedContentLength)."""


class MFilesVault:
    """The vault that the configuration names."""

    def __init__(self, configuration: Configuration, secrets: SecretStore, clock: Clock) -> None:
        self._session = Session(configuration.vault.url, configuration.vault.guid, secrets)
        self._configuration = configuration
        self._clock = clock
        self._structure: MFilesStructure | None = None
        self._structure_read_at = 0.0

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def structure(self, *, fresh: bool = False) -> MFilesStructure:
        """The metadata structure, at most 15 minutes old. Raises ConfigurationFault, Unavailable."""
        now = self._clock.monotonic()
        if fresh or self._structure is None or now - self._structure_read_at > _STRUCTURE_KEPT_FOR:
            properties, classes = _references(self._configuration)
            self._structure = await MFilesStructure.read(self._session, properties, classes)
            self._structure_read_at = now
        return self._structure

    async def find(self, property_id: int, value: str) -> Sequence[VaultObject]:
        """The documents whose Text property has that value, deleted ones too.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        query = {"o": str(DOCUMENT), f"p{property_id}": value, "d": "include"}

        async def work(token: str) -> Results[ObjectVersion]:
            return await self._session.answer(token, "GET", "/objects", Results[ObjectVersion], params=query)

        try:
            found = await self._session.with_login(work)
        except RequestRefused as error:
            raise Unavailable(f"the vault cannot be searched ({error})", origin="vault") from None
        # What is found is seen, whatever a field says that is about an operation.
        return [await self._with_files(version, visible=True) for version in found.items or ()]

    async def ping(self) -> None:
        """Search, with a new log-in if need be.

        Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
        """
        key_property = (await self.structure()).property(self._configuration.vault.filing_key)
        await self.find(key_property.id, _OF_NO_MAIL)

    async def create(
        self, new: NewObject, files: Sequence[NewFile], about_to_create: Callable[[], Awaitable[None]]
    ) -> VaultObject:
        """Send the files, call `about_to_create`, create the document; all of it again after a new log-in.

        Uploads belong to the log-in that made them. Raises MailFault or ConfigurationFault after a definite
        refusal; after Unavailable the document may be there. Also what `about_to_create` and reading the
        files raise, and Transient when the log-in is refused.
        """

        async def work(token: str) -> ObjectVersion:
            uploads = [await self._upload(token, file) for file in files]
            body = {"PropertyValues": _property_values(new, len(files)), "Files": uploads}
            await about_to_create()
            return await self._post(token, body)

        try:
            made = await self._session.with_login(work)
        except TooLarge as error:
            if max(file.size for file in files) < _NEVER_TOO_LARGE:
                raise Unavailable(
                    f"M-Files' web server did not take a small file ({error})", origin="vault"
                ) from None
            raise MailFault(
                "The web server in front of M-Files refuses a file of this mail for its size.",
                "Raise its limits (maxAllowedContentLength, maxRequestLength), then replay the mail.",
            ) from None
        except RequestRefused as error:
            raise _refusal(error) from None
        # With a log-in of its own: one that is lost now must not create a second time.
        return await self._with_files(made, visible=made.visible_after_operation)

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

    async def _post(self, token: str, body: dict[str, Any]) -> ObjectVersion:
        try:
            # Below the time that the journal's mark holds, whatever the phases of the request may take.
            async with asyncio.timeout(_CREATE_WITHIN):
                return await self._session.answer(
                    token, "POST", f"/objects/{DOCUMENT}", ObjectVersion, json=body
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

    async def _upload(self, token: str, file: NewFile) -> dict[str, Any]:
        # One file is answered by one object, by the documentation by a list of one.
        kind: Any = Upload | list[Upload]
        answered = await self._session.post_stream(token, "/files", file.read(), file.size, kind)
        answers: list[Upload] = answered if isinstance(answered, list) else [answered]
        if len(answers) != 1:
            raise Unavailable(f"M-Files answered to one file as if to {len(answers)}", origin="vault")
        (answer,) = answers
        if answer.size != file.size:
            raise Unavailable("M-Files has another size for a file than was sent", origin="vault")
        return {
            "UploadID": answer.upload_id,
            "Title": file.title,
            "Extension": file.extension,
            "Size": file.size,
        }


def _references(configuration: Configuration) -> tuple[set[str | int], set[str | int]]:
    properties: set[str | int] = {configuration.vault.filing_key}
    for source in configuration.source:
        properties.update(source.document.properties)
    return properties, {source.document.class_ for source in configuration.source}


def _property_values(new: NewObject, files: int) -> list[dict[str, Any]]:
    # Always told: without it, some servers refuse a type that can have files.
    single = PropertyValue(SINGLE_FILE, DataType.BOOLEAN, files == 1)
    of_class = PropertyValue(CLASS, DataType.LOOKUP, new.class_id)
    return [_wire(value) for value in (of_class, single, *new.properties)]


def _wire(value: PropertyValue) -> dict[str, Any]:
    typed: dict[str, Any] = {"DataType": int(value.data_type)}
    if value.data_type is DataType.LOOKUP:
        typed["Lookup"] = {"Item": value.value, "Version": _LATEST}
    elif value.data_type is DataType.MULTI_SELECT_LOOKUP and isinstance(value.value, tuple):
        typed["Lookups"] = [{"Item": item, "Version": _LATEST} for item in value.value]
    else:
        typed["Value"] = value.value
    return {"PropertyDef": value.id, "TypedValue": typed}


def _refusal(error: RequestRefused) -> ConfigurationFault | MailFault:
    if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ConfigurationFault(
            f"{error}: the account may not create this document.",
            "Let the account of mfiles-username create documents of this class.",
        )
    if error.status == HTTPStatus.NOT_FOUND:
        return ConfigurationFault(
            f"{error}: the vault lacks something that this document needs.",
            "Look whether class and properties of the source are still in the vault.",
        )
    return MailFault(f"{error}: the vault refuses this document.", "Look at the mail, then replay it.")


def _deletion_refusal(error: RequestRefused) -> ConfigurationFault | Unavailable:
    if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ConfigurationFault(
            f"{error}: the account may not mark a document deleted.",
            "Let the account of mfiles-username delete the documents that it has created.",
        )
    # For instance because somebody has checked it out.
    return Unavailable(f"a document cannot be marked deleted ({error})", origin="vault")
