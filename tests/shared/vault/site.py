"""An example vault of a test's own over TLS, with the app's client for it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from aiohttp import web

from sandbox.faults import ServiceFaults, refusals
from sandbox.faults.faults import Faults
from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.vault import ExampleVault, application
from shared.clock import Clock
from shared.configuration import Configuration, VaultSection
from shared.secret_store import SecretStore
from shared.services import Services
from shared.vault.mfiles import MFilesVault
from shared.vault.protocol import DataType, NewFile, NewObject, PropertyValue, VaultObject

from ..clock import FakeClock
from ..key_vault import KeyVault
from ..made import source

MAIL, PURCHASE_ORDER = 207, 211
TITLE, KEY, FROM = 0, 1301, 1302
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Instead = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class ServedVault:
    """A served vault, and its faults; `instead` answers in its place, or lets it answer."""

    example: ExampleVault
    client: MFilesVault
    origin: str
    faults: Faults
    requests: list[web.Request] = field(default_factory=list)
    instead: Instead | None = None

    @property
    def paths(self) -> list[str]:
        """Verb and path below /REST of every request so far."""
        return [f"{request.method} {request.path.removeprefix('/REST')}" for request in self.requests]

    def count(self, path: str) -> int:
        return self.paths.count(path)


_S = TypeVar("_S", bound=ServedVault)


@dataclass(kw_only=True)
class Site(ServedVault):
    """A served vault whose account is in Key Vault."""

    key_vault: KeyVault


@dataclass(frozen=True)
class FixedSecrets:
    """Secrets that nobody keeps: the account of an example vault, or one with another password."""

    example: ExampleVault
    password: str | None = None

    async def get(self, name: str) -> str:
        password = self.password or self.example.password
        return {"mfiles-username": self.example.username, "mfiles-password": password}[name]

    async def together(self, *names: str, anew: bool = False) -> tuple[str, ...]:
        return tuple([await self.get(name) for name in names])


def configuration_of(
    url: str,
    guid: str,
    *properties: str | int,
    class_: str | int = "CL.Mail",
    document: Mapping[str, Any] | None = None,
    **options: Any,
) -> Configuration:
    """A configuration whose one source uses that class and these properties, and more of `document`."""
    values = {str(reference): "{{ subject }}" for reference in properties}
    made = source("invoices", document={"class": class_, "properties": values, **(document or {})})
    return Configuration(VaultSection(url, guid, "PD.FilingKey", **options), (made,))


@asynccontextmanager
async def serving(
    directory: Path,
    authority: Authority,
    services: Services,
    key_vault: KeyVault,
    *properties: str | int,
    example: ExampleVault | None = None,
    **options: Any,
) -> AsyncIterator[Site]:
    """A vault and the app's client for it, with the account's secrets in Key Vault.

    `options` are those of the section [vault] of the client's configuration.
    """
    example = example or ExampleVault(directory)
    key_vault.secrets.set("mfiles-username", example.username)
    key_vault.secrets.set("mfiles-password", example.password)
    make = partial(Site, key_vault=key_vault)
    known = (services.secrets, services.clock)
    async with _serving(make, example, authority, known, *properties, **options) as site:
        yield site


@asynccontextmanager
async def serving_alone(
    example: ExampleVault,
    authority: Authority,
    *properties: str | int,
    clock: FakeClock | None = None,
    **options: Any,
) -> AsyncIterator[ServedVault]:
    """A vault and the app's client for it, without the other services."""
    known = (cast(SecretStore, FixedSecrets(example)), clock or FakeClock())
    async with _serving(ServedVault, example, authority, known, *properties, **options) as site:
        yield site


@asynccontextmanager
async def _serving(
    make: Callable[..., _S],
    example: ExampleVault,
    authority: Authority,
    known: tuple[SecretStore, Clock],
    *properties: str | int,
    **options: Any,
) -> AsyncIterator[_S]:
    faults = ServiceFaults().vault
    served_site = faults.wire(application(example), refusals.vault, example.expire_tokens)

    @web.middleware
    async def spoil(request: web.Request, handler: Handler) -> web.StreamResponse:
        site.requests.append(request)
        return await (site.instead(request, handler) if site.instead else handler(request))

    served_site.middlewares.insert(0, spoil)
    served = await serve(served_site, context=authority.server_context())
    configuration = configuration_of(served.origin, example.guid, *properties, **options)
    client = MFilesVault(configuration, *known)
    site = make(example=example, client=client, origin=served.origin, faults=faults)
    try:
        yield site
    finally:
        await client.close()
        await served.close()


def new(*further: PropertyValue, class_id: int = MAIL, key: str = "0" * 32) -> NewObject:
    """A document with title and key."""
    title, filing_key = (
        PropertyValue(TITLE, DataType.TEXT, "Invoice 4711"),
        PropertyValue(KEY, DataType.TEXT, key),
    )
    return NewObject(class_id, (title, filing_key, *further))


@dataclass
class Source:
    """A file whose reads are counted."""

    title: str
    content: bytes
    extension: str = "pdf"
    reads: int = 0
    fault: Exception | None = None

    async def read(self) -> AsyncGenerator[bytes, None]:
        self.reads += 1
        step = 300_000
        for at in range(0, len(self.content), step):
            yield self.content[at : at + step]
        if self.fault is not None:
            raise self.fault

    def file(self, size: int | None = None) -> NewFile:
        """The file, announced with its own size or another one."""
        return NewFile(self.title, self.extension, len(self.content) if size is None else size, self.read)


async def at_once() -> None:
    """Nothing is to be done before the create."""


async def created(site: ServedVault, *files: Source, **changed: Any) -> VaultObject:
    """A document of the app's own."""
    return await site.client.create(new(**changed), [file.file() for file in files], at_once)


def refusing(path: str, status: int, body: object = None, **headers: str) -> Instead:
    """Answer that request so: with JSON, or as a proxy does."""

    async def instead(request: web.Request, handler: Handler) -> web.StreamResponse:
        if f"{request.method} {request.path.removeprefix('/REST')}" != path:
            return await handler(request)
        await request.read()
        if body is None:
            return web.Response(status=status, text="<html>", content_type="text/html", headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return instead


def error(status: int, *, logged_in: bool = True) -> dict[str, Any]:
    """The body of an error of M-Files itself."""
    return {
        "Status": status,
        "Message": 'The value "Invoice 4711" of property "From" is not taken.',
        "ExceptionName": "SomeException",
        "IsLoggedToVault": logged_in,
    }


def body_of(answer: web.StreamResponse) -> Any:
    """The JSON of an answer."""
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    return json.loads(answer.body)


async def created_by(site: Site, username: str, password: str, *, key: str = "0" * 32) -> int:
    """The id of a document that another account has created."""
    login = {"Username": username, "Password": password, "VaultGuid": site.example.guid}
    values = [(TITLE, 1, "Invoice 4711"), (KEY, 1, key), (22, 8, False)]
    properties = [{"PropertyDef": n, "TypedValue": {"DataType": t, "Value": value}} for n, t, value in values]
    of_class = {"DataType": 9, "Lookup": {"Item": MAIL, "Version": -1}}
    body = {"PropertyValues": [*properties, {"PropertyDef": 100, "TypedValue": of_class}]}
    async with httpx.AsyncClient(base_url=f"{site.origin}/REST/") as client:
        token = (await client.post("server/authenticationtokens", json=login)).json()["Value"]
        answer = await client.post("objects/0", json=body, headers={"X-Authentication": token})
    assert answer.status_code == 200
    number: int = answer.json()["ObjVer"]["ID"]
    return number
