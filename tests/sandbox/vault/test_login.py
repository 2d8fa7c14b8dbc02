"""Tokens, cookies and refusals: MFWS reference, Authentication."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from sandbox.pki import Authority
from sandbox.vault import ExampleVault
from tests.sandbox.vault.bodies import create, document, file, upload
from tests.sandbox.vault.conftest import Site, serving

pytestmark = pytest.mark.anyio

RECORDED_REFUSAL = {
    "Status",
    "URL",
    "Method",
    "Exception",
    "Stack",
    "Message",
    "IsLoggedToVault",
    "IsLoggedToApplication",
    "ExceptionName",
}


async def refusal(client: httpx.AsyncClient) -> dict[str, object]:
    answer = await client.get("structure/classes")
    assert answer.status_code == 403
    body: dict[str, object] = answer.json()
    return body


async def test_a_token_lets_its_owner_in(site: Site, client: httpx.AsyncClient) -> None:
    assert (await client.get("structure/classes")).status_code == 200


async def test_tokens_look_like_recorded_ones(site: Site) -> None:
    async with site.browser() as browser:
        assert len(await site.log_in(browser)) == 342


@pytest.mark.parametrize("changed", [{"Password": "wrong"}, {"Username": "nobody"}])
async def test_wrong_credentials_get_a_token_and_are_refused_on_the_next_call(
    site: Site, changed: dict[str, str]
) -> None:
    async with site.browser() as browser:
        await site.log_in(browser, **changed)
        body = await refusal(browser)
    assert body.keys() == RECORDED_REFUSAL
    assert body["URL"] == "/structure/classes"
    assert body["Method"] == "GET"
    assert body["Exception"] == {
        "Name": "UnauthorizedAccessException",
        "Message": "Login to application failed",
    }
    assert body["IsLoggedToApplication"] is False
    assert body["IsLoggedToVault"] is False


@pytest.mark.parametrize(
    "guid",
    ["{00000000-5B47-4AC0-8EF7-835C166C8E24}", "C840BE1A-5B47-4AC0-8EF7-835C166C8E24", None],
    ids=["unknown", "without braces", "none"],
)
async def test_a_token_for_no_vault_of_this_server_leads_to_the_server_only(
    site: Site, guid: str | None
) -> None:
    async with site.browser() as browser:
        await site.log_in(browser, VaultGuid=guid)
        body = await refusal(browser)
        assert (await browser.get("server/vaults")).status_code == 200
    assert body["IsLoggedToApplication"] is True
    assert body["IsLoggedToVault"] is False


async def test_a_token_of_the_server_enters_the_vault_that_a_header_names(site: Site) -> None:
    async with site.browser() as browser:
        await site.log_in(browser, VaultGuid=None)
        browser.headers["X-Vault"] = site.vault.guid.lower()
        assert (await browser.get("structure/classes")).status_code == 200


async def test_the_list_of_vaults_has_a_token_for_each(site: Site) -> None:
    async with site.browser() as browser:
        await site.log_in(browser, VaultGuid=None)
        (vault,) = (await browser.get("server/vaults", params={"online": "true"})).json()
        browser.headers["X-Authentication"] = vault["Authentication"]
        assert (await browser.get("structure/classes")).status_code == 200
    assert vault["GUID"] == "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"
    assert vault.keys() == {"Name", "GUID", "Authentication", "DNSNames"}


async def test_without_a_token_there_is_only_the_status(site: Site) -> None:
    async with site.browser() as browser:
        assert (await browser.get("server/status")).json() == {"Successful": True, "Message": ""}
        assert (await refusal(browser))["ExceptionName"] == "UnauthorizedAccessException"
        for verb, address in (("GET", "server/vaults"), ("POST", "files"), ("GET", "no/such/address")):
            assert (await browser.request(verb, address)).status_code == 403


async def test_a_token_that_nobody_gave_is_refused(client: httpx.AsyncClient) -> None:
    client.headers["X-Authentication"] = "A" * 342
    assert (await refusal(client))["Message"] == "Token-based authentication failed."


async def test_without_the_sticky_cookie_the_token_cannot_be_decoded(
    site: Site, client: httpx.AsyncClient
) -> None:
    """Multi-Server Mode: the token belongs to the node that the cookie leads to."""
    del client.cookies["mfilesmsm"]
    body = await refusal(client)
    assert body["Exception"] == {
        "Name": "ForbiddenException",
        "Message": "Token-based authentication failed.",
        "InnerException": {
            "Name": "CryptographicException",
            "Message": "Error occurred while decoding OAEP padding.",
        },
    }


async def test_a_token_is_refused_on_another_node(site: Site, client: httpx.AsyncClient) -> None:
    async with site.browser() as other:
        await site.log_in(other)
        other.headers["X-Authentication"] = client.headers["X-Authentication"]
        assert (await refusal(other))["ExceptionName"] == "ForbiddenException"


async def test_whoever_has_the_sticky_cookie_stays_on_its_node(site: Site, client: httpx.AsyncClient) -> None:
    first = client.headers["X-Authentication"]
    await site.log_in(client)
    client.headers["X-Authentication"] = first
    assert (await client.get("structure/classes")).status_code == 200


async def test_the_session_cookie_comes_when_none_was_sent(site: Site) -> None:
    async with site.browser() as browser:
        first = await browser.get("server/status")
        second = await browser.get("server/status")
    header = first.headers["Set-Cookie"]
    assert header.startswith("ASP.NET_SessionId=")
    assert all(part in header for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Set-Cookie" not in second.headers


async def test_after_a_change_of_the_password_old_tokens_are_refused(
    site: Site, client: httpx.AsyncClient
) -> None:
    site.vault.set_password("another one")
    assert (await refusal(client))["Message"] == "Login to application failed"
    await site.log_in(client)
    assert (await client.get("structure/classes")).status_code == 200


async def test_expired_tokens_are_refused_until_a_new_one_is_asked_for(
    site: Site, client: httpx.AsyncClient
) -> None:
    site.vault.expire_tokens()
    assert (await refusal(client))["ExceptionName"] == "ForbiddenException"
    await site.log_in(client)
    assert (await client.get("structure/classes")).status_code == 200


async def test_a_token_ends_at_the_time_asked_for(site: Site) -> None:
    now = datetime.now(UTC)
    async with site.browser() as browser:
        await site.log_in(browser, Expiration=(now + timedelta(hours=1)).isoformat())
        assert (await browser.get("structure/classes")).status_code == 200
        await site.log_in(browser, Expiration=(now - timedelta(seconds=1)).isoformat())
        await refusal(browser)


async def test_only_a_session_with_an_id_can_be_logged_out(site: Site, client: httpx.AsyncClient) -> None:
    assert (await client.delete("session")).status_code == 400
    await site.log_in(client, SessionID="importer-7f3a")
    assert (await client.delete("session")).status_code == 204
    await refusal(client)


async def test_uploads_die_with_their_token(site: Site, client: httpx.AsyncClient) -> None:
    lost = await upload(client)
    site.vault.expire_tokens()
    await site.log_in(client)
    answer = await client.post("objects/0", json=document(files=[file(lost, "a", "txt")]))
    assert answer.status_code == 400
    again = await upload(client)
    assert again["UploadID"] == 1
    await create(client, document(files=[file(again, "a", "txt")]))


async def test_uploads_of_one_token_are_unknown_to_another(site: Site, client: httpx.AsyncClient) -> None:
    first = await upload(client, b"first")
    async with site.browser() as other:
        await site.log_in(other)
        answer = await other.post("objects/0", json=document(files=[file(first, "a", "txt")]))
        assert answer.status_code == 400
        second = await upload(other, b"second")
    assert first["UploadID"] == second["UploadID"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"Username": "svc-mail"}',
        b'{"Username": "a", "Password": "b", "Vault": "c"}',
        b'{"Username": "a", "Password": "b", "Expiration": "2026-11-24T00:00:00"}',
        b'{"Username": "a", "Password": "b", "ReadOnly": true}',
        b'{"Username": "\xff", "Password": "b"}',
    ],
)
async def test_what_is_no_request_for_a_token_gets_none(site: Site, content: bytes) -> None:
    async with site.browser() as browser:
        answer = await browser.post("server/authenticationtokens", content=content)
    assert answer.status_code == 400
    assert answer.json().keys() == RECORDED_REFUSAL


WINDOWS = {"Domain": "corp", "WindowsUser": True}


async def test_a_windows_account_logs_in_with_its_domain(tmp_path: Path, authority: Authority) -> None:
    vault = ExampleVault(tmp_path, domain="CORP")
    async with serving(vault, authority) as site, site.browser() as browser:
        await site.log_in(browser, **WINDOWS)
        session = (await browser.get("session")).json()
        created = await create(browser, document())
    assert (session["AccountName"], session["AuthenticationType"], session["UserID"]) == (
        "CORP\\svc-mail",
        2,
        25,
    )
    (stored,) = vault.objects()
    assert (stored.id, stored.values["Created by"]) == (created["ObjVer"]["ID"], "svc-mail")


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"Domain": "CORP"},
        {"WindowsUser": True},
        {"Domain": "OTHER", "WindowsUser": True},
        {**WINDOWS, "Password": "wrong"},
    ],
)
async def test_a_windows_account_is_refused_without_all_of_it(
    tmp_path: Path, authority: Authority, changed: dict[str, object]
) -> None:
    """As with any wrong credentials, a token comes first."""
    async with serving(ExampleVault(tmp_path, domain="CORP"), authority) as site, site.browser() as browser:
        await site.log_in(browser, **changed)
        assert (await refusal(browser))["Message"] == "Login to application failed"


@pytest.mark.parametrize("changed", [WINDOWS, {"Domain": "CORP"}, {"WindowsUser": True}])
async def test_an_account_of_m_files_is_refused_as_a_windows_account(
    site: Site, changed: dict[str, object]
) -> None:
    async with site.browser() as browser:
        await site.log_in(browser, **changed)
        assert (await refusal(browser))["IsLoggedToApplication"] is False


async def test_accounts_of_one_name_in_two_domains_are_two(site: Site) -> None:
    user = site.vault.add_account("svc-mail", "of the domain", domain="CORP", name="Mail service")
    async with site.browser() as browser:
        await site.log_in(browser, Password="of the domain", **WINDOWS)
        assert (await browser.get("session")).json()["UserID"] == user
        await site.log_in(browser)
        assert (await browser.get("session")).json()["UserID"] == 25


async def test_an_account_that_is_no_user_of_the_vault_is_let_into_the_server_alone(
    site: Site, client: httpx.AsyncClient
) -> None:
    site.vault.lets_in = False
    body = await refusal(client)

    assert (body["IsLoggedToApplication"], body["IsLoggedToVault"]) == (True, False)
    assert (await client.get("server/vaults")).status_code == 200
