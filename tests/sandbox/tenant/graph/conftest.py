"""A tenant with its Graph running, and an application that may read its mail."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from sandbox.pki import Authority
from sandbox.serving import Served, serve
from sandbox.tenant.graph import Notifier, Tenant, application
from sandbox.tenant.tokens import TokenIssuer

from .published import TYPES, PublishedTypes

TENANT_ID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
APP_ID = "24d3b144-21ae-4080-943f-7067b395b913"
AUDIENCE = "https://graph.example"
MAILBOX = "invoices@example.com"

IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    time: datetime = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **amount: float) -> None:
        self.time += timedelta(**amount)


@dataclass
class Service:
    """A running Graph with one mailbox."""

    tenant: Tenant
    served: Served
    issuer: TokenIssuer
    clock: Clock
    client: httpx.AsyncClient

    @property
    def root(self) -> str:
        return f"{self.served.origin}/v1.0"

    @property
    def user(self) -> str:
        return f"{self.root}/users/{MAILBOX}"

    def token(self, *roles: str, app_id: str = APP_ID, audience: str = AUDIENCE) -> str:
        return self.issuer.issue(app_id, audience, roles, timedelta(days=30))

    def authorization(self, *roles: str, app_id: str = APP_ID) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(*roles, app_id=app_id)}"}

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"{self.user}{path}", headers=headers)

    async def json(self, path: str, **headers: str) -> Any:
        answer = await self.get(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def subscription(self, url: str, **changes: Any) -> dict[str, Any]:
        """The body of a good POST, with some of its properties changed, or left out (None)."""
        body = {
            "changeType": "created",
            "notificationUrl": url,
            "resource": f"users/{MAILBOX}/mailFolders/inbox/messages",
            "expirationDateTime": self.until(minutes=10_000),
            "clientState": "invoices.secret",
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def until(self, **amount: float) -> str:
        return (self.clock() + timedelta(**amount)).isoformat()

    async def subscribe(
        self, url: str, headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        body = self.subscription(url, **changes)
        return await self.client.post(f"{self.root}/subscriptions", json=body, headers=headers or {})


def refusal(answer: httpx.Response, status: int, code: str) -> str:
    """Check that an answer is this refusal, in Graph's shape; its message."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert set(error) == {"code", "message", "innerError"}
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    message: str = error["message"]
    return message


@pytest.fixture(scope="session")
def token_issuer() -> TokenIssuer:
    """One issuer, whose key takes long to make, with a clock of its own: tokens outlive every test's time."""
    return TokenIssuer(TENANT_ID, Clock())


@pytest.fixture(scope="session")
def server_context(authority: Authority) -> ssl.SSLContext:
    return authority.server_context()


@pytest.fixture(scope="session")
def client_context(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.bundle)


@pytest.fixture
async def graph(
    tmp_path: Path,
    token_issuer: TokenIssuer,
    server_context: ssl.SSLContext,
    client_context: ssl.SSLContext,
) -> AsyncIterator[Service]:
    clock = Clock()
    tenant = Tenant(tmp_path / "mail", TENANT_ID, now=clock)
    tenant.add_mailbox(MAILBOX)
    notifier = Notifier(client_context, first_retry=0.05, give_up_after=0.5)
    app = application(tenant, token_issuer, audience=AUDIENCE, notify=notifier)
    served = await serve(app, context=server_context)
    async with httpx.AsyncClient(verify=client_context) as client:
        service = Service(tenant, served, token_issuer, clock, client)
        client.headers.update(service.authorization("Mail.Read"))
        yield service
    await served.close()


@dataclass
class Receiver:
    """An endpoint for notifications; its answers can be spoiled."""

    tokens: list[str] = field(default_factory=list)
    requests: list[web.BaseRequest] = field(default_factory=list)
    batches: list[list[dict[str, Any]]] = field(default_factory=list)
    validate: Callable[[str], web.Response] = lambda token: web.Response(text=token)
    statuses: list[int] = field(default_factory=list)
    seconds: float = 0.0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    origin: str = ""

    @property
    def url(self) -> str:
        return f"{self.origin}/notifications"

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for batch in self.batches for item in batch]

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        await asyncio.sleep(self.seconds)
        if "validationToken" in request.query:
            assert await request.read() == b""
            self.tokens.append(request.query["validationToken"])
            return self.validate(request.query["validationToken"])
        self.batches.append((await request.json())["value"])
        self.arrived.set()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 202)

    async def wait_for(self, number: int) -> list[dict[str, Any]]:
        """The items, once there are `number` of them."""
        async with asyncio.timeout(5):
            while len(self.items) < number:
                await self.arrived.wait()
                self.arrived.clear()
        return self.items


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.handle)
    served = await serve(app, context=None)
    receiver.origin = served.origin
    yield receiver
    await served.close()


@pytest.fixture(scope="session")
def published() -> PublishedTypes:
    if not TYPES.exists():
        pytest.skip(f"the published types are not at {TYPES.name} beside this checkout")
    return PublishedTypes()
