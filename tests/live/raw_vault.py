"""Requests to the vault whose raw answers matter, and the documents of a check."""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from functools import cached_property
from typing import Any

import httpx

from shared.services import Services
from shared.vault.creation import creation_info
from shared.vault.protocol import DOCUMENT, ClassDef, DataType, NewObject, PropertyValue
from shared.vault.session import PASSWORD, USERNAME
from shared.vault.structure import MFilesStructure
from shared.vault.typed_values import typed
from tests.live.options import VaultOptions

Json = dict[str, Any]
_CHOSEN = (DataType.LOOKUP, DataType.MULTI_SELECT_LOOKUP)


class RawVault:
    """Sends what it is told to, with a token of its own; documents that it makes are marked deleted."""

    def __init__(
        self, options: VaultOptions, services: Services, http: httpx.AsyncClient, clean_up: AsyncExitStack
    ) -> None:
        self.options = options
        self.http = http
        self._services = services
        self._clean_up = clean_up
        self._token = ""

    @cached_property
    def base(self) -> str:
        """The address of the web service."""
        return f"{self.options.url.rstrip('/')}/REST"

    async def structure(self) -> MFilesStructure:
        """As the app reads it."""
        return await self._services.vault.structure()

    async def class_(self) -> ClassDef:
        """The class that documents are made of."""
        return await (await self.structure()).class_(self.options.class_)

    async def log_in(self, password: str | None = None, **more: Any) -> httpx.Response:
        """Ask for a token with the app's account, and its password unless another one is given."""
        secret = self._services.secrets
        account = {
            "Username": await secret.get(USERNAME),
            "Password": await secret.get(PASSWORD) if password is None else password,
            "VaultGuid": "{" + self.options.guid.strip("{}") + "}",
        }
        return await self.http.post(f"{self.base}/server/authenticationtokens", json={**account, **more})

    async def token(self) -> str:
        """The token of this check."""
        if not self._token:
            self._token = (await self.log_in()).json()["Value"]
        return self._token

    async def send(
        self, method: str, path: str, *, token: str | None = None, **request: Any
    ) -> httpx.Response:
        """The answer to one request below /REST."""
        headers = {
            "Accept": "application/json",
            "X-Authentication": await self.token() if token is None else token,
            **request.pop("headers", {}),
        }
        return await self.http.request(method, f"{self.base}{path}", headers=headers, **request)

    async def upload(self, content: bytes, *, token: str | None = None) -> Json:
        """Send bytes; what the vault says of them."""
        response = await self.send("POST", "/files", token=token, content=content)
        assert response.is_success, told(response)
        answer = response.json()
        one: Json = answer[0] if isinstance(answer, list) else answer
        return one

    async def body(self, *files: Json, key: str = "", title: str = "Vaultpost live check") -> Json:
        """What a creation says: the class, its title, a filing key, what the options have, and `files`."""
        structure, kind = await self.structure(), await self.class_()
        key_property = structure.property(self.options.filing_key)
        values = [PropertyValue(key_property.id, DataType.TEXT, key or new_key())]
        if not kind.has_automatic_name:
            values.insert(0, PropertyValue(kind.name_property, DataType.TEXT, title))
        for reference, text in self.options.properties.items():
            values.append(await self._value(structure, reference, text))
        new = NewObject(class_id=kind.id, properties=tuple(values))
        return creation_info(new, list(files), can_have_files=True)

    async def _value(self, structure: MFilesStructure, reference: str, text: str) -> PropertyValue:
        definition = structure.property(reference)
        kind = DataType(definition.data_type)
        if kind not in _CHOSEN:
            return PropertyValue(definition.id, kind, typed(text, kind))
        item = await structure.choose(definition, text)
        return PropertyValue(definition.id, kind, (item,) if kind is DataType.MULTI_SELECT_LOOKUP else item)

    async def file(self, content: bytes = b"live check", title: str = "live check") -> Json:
        """An uploaded file, as a creation names it."""
        sent = await self.upload(content)
        return {"UploadID": sent["UploadID"], "Title": title, "Extension": "txt", "Size": len(content)}

    async def create(self, body: Json, object_type: int = DOCUMENT, **request: Any) -> httpx.Response:
        """Send a creation; what comes of it is marked deleted after the check."""
        response = await self.send("POST", f"/objects/{object_type}", json=body, **request)
        if response.is_success:
            self.forget(response.json()["ObjVer"])
        return response

    def forget(self, version: Json) -> None:
        """Mark that object deleted after the check."""
        self._clean_up.push_async_callback(self.delete, version["Type"], version["ID"])

    async def delete(self, object_type: int, number: int) -> httpx.Response:
        """Mark an object deleted."""
        path = f"/objects/{object_type}/{number}/deleted"
        return await self.send("POST", path, params={"_method": "PUT"}, json={"Value": True})

    async def find(self, key: str, *, deleted: bool = True) -> list[Json]:
        """What has that filing key."""
        number = (await self.structure()).property(self.options.filing_key).id
        query = {"o": str(DOCUMENT), f"p{number}": key, **({"d": "include"} if deleted else {})}
        response = await self.send("GET", "/objects", params=query)
        assert response.is_success, told(response)
        items: list[Json] = response.json()["Items"]
        return items


def new_key() -> str:
    """A filing key of no mail."""
    return secrets.token_hex(16)


def value(number: int, data_type: int, content: Any) -> Json:
    """A property as a creation names it."""
    if data_type == DataType.LOOKUP:
        return {
            "PropertyDef": number,
            "TypedValue": {"DataType": 9, "Lookup": {"Item": content, "Version": -1}},
        }
    if data_type == DataType.MULTI_SELECT_LOOKUP:
        chosen = [{"Item": content, "Version": -1}]
        return {"PropertyDef": number, "TypedValue": {"DataType": 10, "Lookups": chosen}}
    return {"PropertyDef": number, "TypedValue": {"DataType": data_type, "Value": content}}


def told(response: httpx.Response) -> str:
    """Status, and the exception of M-Files or that it is a page: what of an answer is written down."""
    if response.is_success:
        return str(response.status_code)
    try:
        error = response.json()
        name = (error.get("Exception") or {}).get("Name") or error.get("ExceptionName") or "no name"
    except (ValueError, AttributeError):
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        name = f"a page ({kind or 'no type'})"
    return f"{response.status_code} {name}"
