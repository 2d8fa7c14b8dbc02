"""TLS 1.2 at least, and certificates are checked: of each service that the app speaks to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web
from azure.core.pipeline.transport import AioHttpTransport
from azure.identity.aio import ClientSecretCredential
from azure.keyvault.secrets.aio import SecretClient

from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.storage.account import Account
from sandbox.vault import ExampleVault, application
from shared.errors import ConfigurationFault, Unavailable
from shared.graph.client import GraphClient
from shared.secret_store import SecretStore
from shared.services import Services
from shared.settings import GraphSettings, StorageSettings
from shared.storage_clients import blob_service, queue_service, table_service
from shared.storage_errors import storage_faults
from shared.tls import client_context, connection_fault, what_is_wrong
from shared.vault.mfiles import MFilesVault

from .clock import FakeClock
from .graph.stub import FixedToken, settings_of
from .tls_server import Server, tls_server
from .vault.site import FixedSecrets, Handler, configuration_of, serving_alone

pytestmark = pytest.mark.anyio
Ask = Callable[[str], Awaitable[None]]


async def ask_entra(origin: str) -> None:
    credential = ClientSecretCredential(
        "tenant", "client", "secret", authority=origin, disable_instance_discovery=True
    )
    client = GraphClient(
        GraphSettings("https://127.0.0.1:1/v1.0", origin, "client-secret", "tenant", "client"), credential
    )
    try:
        await client.ping("invoices@example.com")
    finally:
        await client.close()
        await credential.close()


async def ask_graph(origin: str) -> None:
    client = GraphClient(settings_of(origin), FixedToken())
    try:
        await client.ping("invoices@example.com")
    finally:
        await client.close()


async def ask_key_vault(origin: str) -> None:
    store = SecretStore(SecretClient(origin, FixedToken(), verify_challenge_resource=False), lambda: 0.0)
    try:
        await store.get("mfiles-password")
    finally:
        await store.close()


def storage_at(origin: str) -> StorageSettings:
    addresses = dict.fromkeys(("Blob", "Queue", "Table"), f"{origin}/account")
    return StorageSettings(Account("account", "a2V5").connection_string(addresses))


async def ask_blobs(origin: str) -> None:
    with storage_faults("staging area"):
        async with blob_service(storage_at(origin), None) as service:
            await service.get_service_properties()


async def ask_queues(origin: str) -> None:
    with storage_faults("queues"):
        async with queue_service(storage_at(origin), None) as service:
            await service.get_service_properties()


async def ask_tables(origin: str) -> None:
    with storage_faults("journal"):
        async with table_service(storage_at(origin), None) as service:
            await service.get_service_properties()


def vault_at(origin: str, directory: Path, tls: ssl.SSLContext | None = None) -> MFilesVault:
    example = ExampleVault(directory)
    secrets = cast(SecretStore, FixedSecrets(example))
    return MFilesVault(configuration_of(origin, example.guid), secrets, FakeClock(), tls)


async def ask_vault(server: Server, directory: Path, tls: ssl.SSLContext | None = None) -> None:
    """Ask a vault that says nothing of sense."""
    vault = vault_at(server.origin, directory, tls)
    try:
        with pytest.raises(Unavailable, match=r"cannot be read|did not answer in full"):
            await vault.ping()
    finally:
        await vault.close()


@pytest.fixture
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """How the service that the test is for is asked, as the app does it."""

    async def ask_vault(origin: str) -> None:
        vault = vault_at(origin, tmp_path / "vault")
        try:
            await vault.ping()
        finally:
            await vault.close()

    found: Ask = {**SERVICES, "vault": ask_vault}[request.param]
    return found


SERVICES: dict[str, Ask] = {
    "entra": ask_entra,
    "graph": ask_graph,
    "keyvault": ask_key_vault,
    "blobs": ask_blobs,
    "queues": ask_queues,
    "tables": ask_tables,
}
each_service = pytest.mark.parametrize("ask", [*SERVICES, "vault"], indirect=True)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs try again, after seconds each time."""

    async def at_once(self: AioHttpTransport, duration: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(AioHttpTransport, "sleep", at_once)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody here trusts."""
    return Authority.create(tmp_path_factory.mktemp("stranger"))


async def refused(ask: Ask, context: ssl.SSLContext) -> str:
    """What the app says of a server with that context, which must not have heard anything."""
    with tls_server(context) as server, pytest.raises(Unavailable) as fault:
        await ask(server.origin)
    assert server.heard == []
    return str(fault.value)


@each_service
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
async def test_no_service_is_told_anything_over_tls_before_1_2(
    ask: Ask, version: ssl.TLSVersion, authority: Authority
) -> None:
    assert "speaks no TLS 1.2 or newer" in await refused(ask, authority.server.old_context(version))


@each_service
async def test_no_service_is_told_anything_whose_certificate_is_not_trusted(
    ask: Ask, stranger: Authority
) -> None:
    said = await refused(ask, stranger.server_context())

    assert "its certificate is not trusted" in said
    assert "trustme" not in said  # nothing that the certificate says


@each_service
async def test_no_service_is_told_anything_whose_certificate_has_expired(
    ask: Ask, authority: Authority
) -> None:
    assert "its certificate has expired" in await refused(ask, authority.ending_in(-1).context())


@each_service
async def test_no_service_is_told_anything_whose_certificate_is_for_another_host(
    ask: Ask, authority: Authority
) -> None:
    said = await refused(ask, authority.for_other_host().context())

    assert "its certificate is for another host" in said
    assert "other.example.com" not in said


@each_service
async def test_a_good_server_hears_the_request(ask: Ask, authority: Authority) -> None:
    """So that the tests above say something."""
    with tls_server(authority.server_context()) as server, pytest.raises(Unavailable):
        await ask(server.origin)

    assert server.heard


@pytest.mark.parametrize(
    "wrong",
    [
        lambda authority: authority.by_intermediate(shown=False).context(),
        lambda authority: authority.self_signed().context(),
        lambda authority: authority.ending_in(120).context(),
    ],
    ids=["intermediate missing", "self-signed", "not yet valid"],
)
@pytest.mark.parametrize("ask", ["vault"], indirect=True)
async def test_other_certificates_that_cannot_be_checked_are_refused(
    ask: Ask, wrong: Callable[[Authority], ssl.SSLContext], authority: Authority
) -> None:
    assert "its certificate is not" in await refused(ask, wrong(authority))


async def test_a_vault_with_a_private_authority_is_told_by_setting(
    stranger: Authority, authority: Authority, tmp_path: Path
) -> None:
    """Beside the default ones: a vault whose certificate these have signed goes on."""
    trusted = client_context(stranger.bundle)
    for one in (stranger, authority):
        with tls_server(one.server_context()) as server:
            await ask_vault(server, tmp_path / one.directory.name, trusted)
        assert server.heard


async def test_the_app_takes_the_authorities_of_its_settings(
    services: Services, stranger: Authority, tmp_path: Path
) -> None:
    example = ExampleVault(tmp_path, username="svc-mail")
    secrets = await services.secrets.get("mfiles-username"), await services.secrets.get("mfiles-password")
    example.accounts.change(replace(example.accounts.first, username=secrets[0], password=secrets[1]))
    served = await serve(application(example), context=stranger.server_context())
    settings = replace(services.settings, vault_ca=stranger.bundle)
    made = Services(settings, configuration_of(served.origin, example.guid), services.clock)
    try:
        await made.vault.ping()
    finally:
        await made.close()
        await served.close()


async def test_the_authority_of_the_setting_may_be_an_intermediate_one(
    stranger: Authority, tmp_path: Path
) -> None:
    """What is named is trusted: the certificate that IIS does not send, or the server's own."""
    chain = stranger.by_intermediate(shown=True)
    own, intermediate = chain.chain.read_text(encoding="ascii").split("-----BEGIN CERTIFICATE-----\n")[1:]
    for named in (own, intermediate):
        file = tmp_path / "named.pem"
        file.write_text(f"-----BEGIN CERTIFICATE-----\n{named}", encoding="ascii")
        with tls_server(chain.context()) as server:
            await ask_vault(server, tmp_path, client_context(file))
        assert server.heard


@pytest.mark.parametrize("content", [None, b"", b"no certificate", b"\0\xff"])
def test_a_file_of_authorities_that_is_none_is_a_fault_of_the_setting(
    content: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(ConfigurationFault, match="VAULTPOST_VAULT_CA") as fault:
        client_context(file)
    assert str(tmp_path) not in str(fault.value)


def test_the_setting_takes_nothing_from_what_is_checked() -> None:
    for context in (client_context(), client_context(Path(ssl.get_default_verify_paths().cafile or ""))):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.verify_mode == ssl.CERT_REQUIRED
        assert context.check_hostname


def test_without_variables_the_public_authorities_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)

    names = str(client_context().get_ca_certs())

    assert "DigiCert" in names
    assert "Vaultpost" not in names


async def test_the_account_and_the_token_go_to_no_other_address(authority: Authority, tmp_path: Path) -> None:
    """A redirection is a refusal: of the log-in, and of what follows it."""
    with tls_server(authority.server_context()) as other:
        for status in (301, 302, 307, 308):
            answer = f"HTTP/1.1 {status} Moved\r\nLocation: {other.origin}/REST\r\nContent-Length: 0\r\n\r\n"
            with tls_server(authority.server_context(), answer.encode()) as server:
                vault = vault_at(server.origin, tmp_path)
                with pytest.raises(ConfigurationFault, match=str(status)):
                    await vault.ping()
                await vault.close()
            assert server.heard
        assert other.heard == []


async def test_the_token_goes_to_no_other_address(authority: Authority, tmp_path: Path) -> None:
    """A redirection of what follows the log-in is a refusal, too."""
    with tls_server(authority.server_context()) as other:

        async def elsewhere(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.endswith("/authenticationtokens"):
                return await handler(request)
            assert request.headers["X-Authentication"]
            raise web.HTTPTemporaryRedirect(f"{other.origin}{request.path}")

        async with serving_alone(ExampleVault(tmp_path), authority) as site:
            site.instead = elsewhere
            with pytest.raises(ConfigurationFault, match="307"):
                await site.client.ping()
    assert other.heard == []


def test_what_ends_a_connection_is_not_taken_for_a_fault_of_tls() -> None:
    ended = ConnectionError("cut")
    ended.__cause__ = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")

    assert what_is_wrong(ended) is None
    assert connection_fault("M-Files", ended) == "M-Files did not answer in full (ConnectionError)"


def test_causes_that_go_in_a_circle_have_an_end() -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__context__ = second, first

    assert what_is_wrong(first) is None
