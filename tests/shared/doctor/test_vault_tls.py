"""`vault-tls`: each fault on the way to the vault's server is told by its name, with what to do."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from sandbox.pki import Authority
from sandbox.serving import listening
from sandbox.vault import ExampleVault
from shared.doctor import tls_probe
from shared.doctor.finding import Finding
from shared.doctor.tls_probe import Place
from shared.doctor.vault_way import not_connected

from ..tls_server import tls_server
from .vault_ground import Ground, of, statuses

pytestmark = pytest.mark.anyio


@pytest.fixture
def ground(tmp_path: Path, authority: Authority) -> Ground:
    return Ground(ExampleVault(tmp_path / "vault"), authority)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody here trusts."""
    return Authority.create(tmp_path_factory.mktemp("stranger"))


async def failed(ground: Ground) -> Finding:
    """What `vault-tls` says, which has failed; what needs it was not run."""
    findings = await ground.findings()
    assert statuses(findings) == {
        "vault-tls": ["failed"],
        "vault-login": ["not-run"],
        "names": ["not-run"],
        "filing-key": ["not-run"],
    }
    return of("vault-tls", findings)


async def test_a_good_server_is_told_with_version_cipher_and_end(ground: Ground) -> None:
    found = of("vault-tls", await ground.findings())

    assert found.status == "ok"
    assert "speaks TLSv1.3 with TLS_AES_256_GCM_SHA384" in found.what
    assert "good until 3000-01-01" in found.what


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.parametrize("resets", [True, False], ids=["resets", "says so"])
async def test_an_old_windows_server_is_named_as_such(
    ground: Ground, version: ssl.TLSVersion, *, resets: bool
) -> None:
    """Whether it answers with an alert, or, as SCHANNEL may, hangs up."""
    with tls_server(ground.authority.server.old_context(version), resets=resets) as server:
        ground.origin = server.origin
        found = await failed(ground)

    assert f"speaks TLSv1{'.1' if version == ssl.TLSVersion.TLSv1_1 else ''} at most" in found.what
    assert "TLS 1.2 off, as before Server 2016" in found.what
    assert r"SCHANNEL\Protocols\TLS 1.2\Server" in found.remedy
    assert "Enabled=1 and DisabledByDefault=0" in found.remedy
    assert server.heard == []


async def test_an_old_vault_of_the_sandbox_is_told_the_same(ground: Ground) -> None:
    ground.context = ground.authority.server.old_context()

    assert "speaks TLSv1.1 at most" in (await failed(ground)).what


async def test_a_server_of_weak_ciphers_alone_is_no_old_one(ground: Ground) -> None:
    """OpenSSL's own level 1 refuses what has no keys at all; a Python may be built with less."""
    weak = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    with tls_server(weak) as server:
        ground.origin = server.origin
        found = await failed(ground)

    assert "speaks TLSv1.2, but only with ciphers or keys that are too weak" in found.what
    assert "Enable-TlsCipherSuite" in found.remedy


async def test_an_authority_of_ones_own_asks_for_the_setting(ground: Ground, stranger: Authority) -> None:
    ground.context = stranger.by_intermediate(shown=True).context()
    found = await failed(ground)

    assert "comes from" in found.what
    assert "is not trusted" in found.what
    assert "az functionapp config appsettings set --resource-group GROUP --name mail-app" in found.remedy
    assert '"VAULTPOST_VAULT_CA=FILE.pem"' in found.remedy


async def test_with_the_setting_it_is_well(ground: Ground, stranger: Authority) -> None:
    ground.context, ground.vault_ca = stranger.server_context(), stranger.bundle

    assert set(statuses(await ground.findings())["vault-tls"]) == {"ok"}


async def test_a_setting_with_another_authority_is_told_apart(ground: Ground, stranger: Authority) -> None:
    ground.context, ground.vault_ca = stranger.server_context(), ground.authority.bundle

    assert "the file that VAULTPOST_VAULT_CA names does not have it" in (await failed(ground)).remedy


async def test_a_missing_intermediate_certificate_is_told_as_what_iis_often_lacks(ground: Ground) -> None:
    ground.context = ground.authority.by_intermediate(shown=False).context()
    found = await failed(ground)

    assert "an intermediate authority whose certificate is missing, as often with IIS" in found.what
    assert "Intermediate Certification Authorities" in found.remedy
    assert "iisreset" in found.remedy


async def test_a_self_signed_certificate_is_told(ground: Ground) -> None:
    ground.context = ground.authority.self_signed().context()

    assert "is self-signed" in (await failed(ground)).what


async def test_an_expired_certificate_is_told_with_its_day(ground: Ground) -> None:
    ground.context = ground.authority.ending_in(-2).context()
    found = await failed(ground)

    assert "has expired on 20" in found.what
    assert "https binding" in found.remedy


async def test_a_certificate_that_soon_ends_is_a_warning(ground: Ground) -> None:
    ground.context = ground.authority.ending_in(20.5).context()
    findings = await ground.findings()
    found = of("vault-tls", findings)

    assert found.status == "warning"
    assert "20 more days" in found.what
    assert statuses(findings)["vault-login"] == ["ok"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda authority: authority.ending_in(120).context(), "is not valid yet, but from 20"),
        (lambda authority: authority.for_other_host().context(), 'another host than "127.0.0.1"'),
    ],
    ids=["not yet valid", "other host"],
)
async def test_other_faults_of_a_certificate_are_told(
    ground: Ground, wrong: Callable[[Authority], ssl.SSLContext], said: str
) -> None:
    ground.context = wrong(ground.authority)
    found = await failed(ground)

    assert said in found.what
    assert "https binding" in found.remedy
    assert "other.example.com" not in found.what + found.remedy


async def test_a_port_without_tls_is_told(ground: Ground) -> None:
    with tls_server(None, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") as server:
        ground.origin = server.origin

        assert "speaks no TLS" in (await failed(ground)).what


async def test_a_binding_without_certificate_is_told(ground: Ground) -> None:
    """The server hangs up, whatever it is offered."""
    with tls_server(None) as server:
        ground.origin = server.origin
        found = await failed(ground)

    assert "ends the connection in the TLS handshake" in found.what
    assert 'host name (SNI), the host name "127.0.0.1"' in found.remedy


async def test_a_port_that_nobody_listens_on_is_told(ground: Ground) -> None:
    with listening() as sock:
        ground.origin = f"https://127.0.0.1:{sock.getsockname()[1]}"
    found = await failed(ground)

    assert "refuses the connection" in found.what
    assert "port in vault.url" in found.remedy


async def test_a_name_that_nobody_knows_is_told(ground: Ground) -> None:
    ground.origin = "https://vault.invalid"
    found = await failed(ground)

    assert 'the name "vault.invalid"' in found.what
    assert "nslookup vault.invalid" in found.remedy


async def test_a_server_that_says_nothing_is_told(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_probe, "SECONDS", 0.05)
    with listening() as sock:
        ground.origin = f"https://127.0.0.1:{sock.getsockname()[1]}"
        found = await failed(ground)

    assert "says nothing to a TLS handshake" in found.what


def test_a_firewall_that_drops_all_is_told() -> None:
    found = not_connected(Place("vault.example.com", 443), TimeoutError("timed out"))

    assert "does not answer" in found.what
    assert "possibleOutboundIpAddresses" in found.remedy


def test_another_fault_of_the_network_is_told_by_its_kind() -> None:
    found = not_connected(Place("vault.example.com", 443), OSError(101, "Network is unreachable"))

    assert "(Network is unreachable)" in found.what


async def test_http_on_this_machine_is_well_and_says_so(ground: Ground) -> None:
    with tls_server(None) as server:
        ground.origin = server.origin.replace("https", "http")
        findings = await ground.findings()

    assert statuses(findings)["vault-tls"] == ["ok"]
    assert "without TLS" in of("vault-tls", findings).what


async def test_http_on_a_port_that_nobody_listens_on_is_told(ground: Ground) -> None:
    with listening() as sock:
        ground.origin = f"http://127.0.0.1:{sock.getsockname()[1]}"

    assert "refuses the connection" in (await failed(ground)).what


@pytest.mark.parametrize(("excepted", "status"), [("", "warning"), ("127.0.0.1", "ok")])
async def test_a_server_behind_a_proxy_is_left_to_the_log_in(
    ground: Ground, excepted: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app does not go there directly, so a direct look would say nothing of it."""
    for name, value in {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": excepted}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)  # which counts before the other one
    findings = await ground.findings()

    assert of("vault-tls", findings).status == status
    assert of("vault-login", findings).status == ("ok" if status == "ok" else "failed")


@pytest.mark.parametrize(
    ("url", "place", "text"),
    [
        ("https://vault.example.com", Place("vault.example.com", 443), "vault.example.com:443"),
        ("http://localhost/x", Place("localhost", 80), "localhost:80"),
        ("https://[::1]:8443/m-files", Place("::1", 8443), "[::1]:8443"),
    ],
)
def test_host_and_port_are_those_of_the_address(url: str, place: Place, text: str) -> None:
    assert Place.of(url) == place
    assert str(place) == text


def test_what_an_authority_calls_itself_cannot_spoil_a_line(tmp_path: Path) -> None:
    name = 'Evil"\n\x1b[31m' + "x" * 60
    made = trustme.CA(organization_unit_name=name).issue_cert("127.0.0.1")
    file = tmp_path / "evil.pem"
    made.private_key_and_cert_chain_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with tls_server(context) as server:
        (sent,) = tls_probe.chain(Place("127.0.0.1", server.port))

    assert sent.issuer.startswith("Evil'[31m")
    assert sent.issuer.isprintable()
