"""`vault-login`: each way in which a log-in fails has a remedy of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sandbox.pki import Authority
from sandbox.vault import ExampleVault
from shared.doctor.finding import Finding
from shared.errors import Unavailable

from ..vault.site import FixedSecrets, error, refusing
from .vault_ground import Ground, of, statuses, text_of

pytestmark = pytest.mark.anyio
LOG_IN = "POST /server/authenticationtokens"


@pytest.fixture
def ground(tmp_path: Path, authority: Authority) -> Ground:
    return Ground(ExampleVault(tmp_path / "vault"), authority)


async def failed(ground: Ground) -> Finding:
    """What `vault-login` says, which alone has failed; no finding tells the account's secrets."""
    findings = await ground.findings()
    assert statuses(findings) == {
        "vault-tls": ["ok"],
        "vault-login": ["failed"],
        "names": ["not-run"],
        "filing-key": ["not-run"],
    }
    for secret in (ground.example.username, ground.example.password, ground.password):
        assert secret is None or secret not in text_of(findings)
    return of("vault-login", findings)


async def test_a_log_in_is_told_with_account_and_vault(ground: Ground) -> None:
    found = of("vault-login", await ground.findings())

    assert (found.status, found.what) == ("ok", 'svc-mail is logged in to vault "Example vault"')


async def test_a_wrong_password_asks_for_the_secrets(ground: Ground) -> None:
    ground.password = "not-the-password"
    found = await failed(ground)

    assert "user name or password is wrong" in found.what
    for name in ("mfiles-username", "mfiles-password"):
        assert f"az keyvault secret set --vault-name secrets --name {name} --file FILE" in found.remedy


async def test_without_its_secrets_it_is_not_run(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with those is told by the check of secrets."""

    async def none(self: FixedSecrets, name: str) -> str:
        raise Unavailable(f"Key Vault has no secret {name}.", origin="keyvault")

    monkeypatch.setattr(FixedSecrets, "get", none)
    findings = await ground.findings()

    assert statuses(findings)["vault-login"] == ["not-run"]
    assert "mfiles-username" in of("vault-login", findings).what
    assert statuses(findings)["names"] == ["not-run"]


async def test_a_wrong_guid_asks_for_the_guid(ground: Ground) -> None:
    ground.vault = {"guid": "{11111111-2222-3333-4444-555555555555}"}
    found = await failed(ground)

    assert "does not let it into the vault {11111111-2222-3333-4444-555555555555}" in found.what
    assert "vault.guid" in found.remedy


async def test_an_account_that_is_no_user_of_the_vault_asks_for_one(ground: Ground) -> None:
    ground.example.lets_in = False
    found = await failed(ground)

    assert "does not let it into the vault" in found.what
    assert "New User" in found.remedy
    assert "license" in found.remedy


async def test_a_windows_account_asks_for_its_domain(tmp_path: Path, authority: Authority) -> None:
    example = ExampleVault(tmp_path / "vault", username="svc-mail@corp.example.com", domain="CORP")
    found = await failed(Ground(example, authority))

    assert "set vault.domain in mail-sources.toml" in found.remedy


async def test_an_account_of_m_files_asks_for_no_domain(ground: Ground) -> None:
    ground.vault = {"domain": "CORP"}
    found = await failed(ground)

    assert 'in domain "CORP"' in found.what
    assert "take it out for an account of M-Files itself" in found.remedy


async def test_a_windows_account_with_its_domain_is_told_with_it(
    tmp_path: Path, authority: Authority
) -> None:
    ground = Ground(ExampleVault(tmp_path / "vault", domain="CORP"), authority, vault={"domain": "CORP"})

    assert of("vault-login", await ground.findings()).what.startswith("CORP\\svc-mail is logged in")


async def test_a_firewall_that_answers_403_is_told_as_such(ground: Ground) -> None:
    for path in (LOG_IN, "GET /session"):
        ground.instead = refusing(path, 403)
        found = await failed(ground)

        assert "a web server in front of M-Files answers 403" in found.what
        assert "Request Filtering" in found.remedy


async def test_a_site_without_web_service_is_told(ground: Ground) -> None:
    ground.path = "/m-files"
    found = await failed(ground)

    assert "no M-Files Web Service at /m-files/REST" in found.what
    assert "M-Files Classic Web" in found.remedy


async def test_a_web_server_that_refuses_the_method_is_told(ground: Ground) -> None:
    ground.instead = refusing(LOG_IN, 405)

    assert "answers 405 to /REST" in (await failed(ground)).what


async def test_a_redirection_is_told_and_not_followed(ground: Ground) -> None:
    async def elsewhere(request: web.Request, handler: Any) -> web.StreamResponse:
        raise web.HTTPFound("https://portal.example.com/REST")

    ground.instead = elsewhere
    found = await failed(ground)

    assert "sends the app elsewhere (302)" in found.what
    assert "vault.url" in found.remedy


async def test_a_server_that_is_down_is_told(ground: Ground) -> None:
    ground.example.available = False
    found = await failed(ground)

    assert "503" in found.what
    assert "M-Files Server" in found.remedy


async def test_a_site_that_is_no_m_files_is_told(ground: Ground) -> None:
    async def other(request: web.Request, handler: Any) -> web.StreamResponse:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    ground.instead = other

    assert "cannot be read" in (await failed(ground)).what


async def test_a_refusal_of_the_log_in_itself_is_told(ground: Ground) -> None:
    ground.instead = refusing(LOG_IN, 400, error(400))
    found = await failed(ground)

    assert "400 SomeException to the log-in itself" in found.what
    assert found.remedy == "Look at vault.guid and vault.domain."


async def test_a_refusal_of_the_first_request_asks_for_the_license(ground: Ground) -> None:
    ground.instead = refusing("GET /session", 403, error(403))

    assert "license" in (await failed(ground)).remedy


async def test_a_vault_whose_name_the_server_does_not_tell_is_told_by_its_guid(ground: Ground) -> None:
    for status, body in ((403, None), (404, error(404)), (503, None)):
        ground.instead = refusing("GET /server/vaults", status, body)
        found = of("vault-login", await ground.findings())

        assert (found.status, found.what) == (
            "ok",
            f"svc-mail is logged in to the vault {ground.example.guid}",
        )
