"""The example vault over TLS, and clients of it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.vault import ExampleVault, application


@dataclass(frozen=True)
class Site:
    """A served vault."""

    vault: ExampleVault
    origin: str
    trust: ssl.SSLContext

    def browser(self) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """A client with cookies of its own, not logged in."""
        return httpx.AsyncClient(base_url=f"{self.origin}/REST/", verify=self.trust)

    async def log_in(self, client: httpx.AsyncClient, **changed: object) -> str:
        """Ask for a token, use it from now on, and give it back."""
        body = {
            "Username": self.vault.username,
            "Password": self.vault.password,
            "VaultGuid": self.vault.guid,
        }
        answer = await client.post("server/authenticationtokens", json=body | changed)
        assert answer.status_code == 200
        token: str = answer.json()["Value"]
        client.headers["X-Authentication"] = token
        return token


@asynccontextmanager
async def serving(vault: ExampleVault, authority: Authority) -> AsyncIterator[Site]:
    """This vault over TLS."""
    served = await serve(application(vault), context=authority.server_context())
    trust = ssl.create_default_context(cafile=str(authority.bundle))
    try:
        yield Site(vault, served.origin, trust)
    finally:
        await served.close()


@pytest.fixture
async def site(tmp_path: Path, authority: Authority) -> AsyncIterator[Site]:
    """A vault of its own for each test."""
    async with serving(ExampleVault(tmp_path / "vault"), authority) as made:
        yield made


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is logged in to the vault."""
    async with site.browser() as browser:
        await site.log_in(browser)
        yield browser
