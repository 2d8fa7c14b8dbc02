"""What the vault refuses, and in which shape."""

from __future__ import annotations

import httpx
import pytest

from .conftest import AUTHORITY_URL, Vault

pytestmark = pytest.mark.anyio


def error(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() >= {"code", "message"}
    return answer.status_code, body["error"]["code"]


async def test_a_request_without_a_token_is_challenged_before_anything_else(vault: Vault) -> None:
    """The SDK sends its first request without a token, and without the body of a set."""
    async with httpx.AsyncClient(base_url=vault.url) as client:
        answer = await client.put("/secrets/not_a_name")

    assert error(answer) == (401, "Unauthorized")
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer authorization="{AUTHORITY_URL}", resource="https://vault.azure.net"'
    )


async def test_a_token_for_another_service_is_challenged_too(vault: Vault) -> None:
    headers = {"Authorization": f"Bearer {vault.token(vault.owner, 'https://storage.azure.com')}"}
    async with httpx.AsyncClient(base_url=vault.url, headers=headers) as client:
        answer = await client.get("/secrets/name?api-version=7.4")

    assert error(answer) == (401, "Unauthorized")
    assert "wrong audience" in answer.json()["error"]["message"]
    assert "WWW-Authenticate" in answer.headers


async def test_a_refusal_for_lack_of_a_permission_says_whose_and_which(vault: Vault) -> None:
    answer = await vault.request("GET", "/secrets/name", who=vault.stranger)

    assert error(answer) == (403, "Forbidden")
    assert vault.stranger.client_id in answer.json()["error"]["message"]
    assert answer.json()["error"]["innererror"] == {"code": "AccessDenied"}


@pytest.mark.parametrize("version", [None, "", "7", "2099-01-01"])
async def test_a_version_that_is_missing_or_unknown_is_refused(vault: Vault, version: str | None) -> None:
    vault.store.set("name", "value")

    assert error(await vault.request("GET", "/secrets/name", version=version)) == (400, "BadParameter")


@pytest.mark.parametrize("version", ["2016-10-01", "7.6", "2026-04-01"])
async def test_older_and_newer_known_versions_are_served(vault: Vault, version: str) -> None:
    vault.store.set("name", "value")

    assert (await vault.request("GET", "/secrets/name", version=version)).status_code == 200


@pytest.mark.parametrize("name", ["with_underscore", "with.dot", "ä", "a" * 128, "%20"])
async def test_a_name_with_other_characters_or_too_long_is_refused(vault: Vault, name: str) -> None:
    assert error(await vault.request("GET", f"/secrets/{name}")) == (400, "BadParameter")
    assert error(await vault.request("PUT", f"/secrets/{name}", json={"value": "x"})) == (400, "BadParameter")


async def test_names_differ_by_more_than_case(vault: Vault) -> None:
    vault.store.set("Notification-Key", "value")

    answer = await vault.request("GET", "/secrets/notification-key")

    assert answer.json()["value"] == "value"
    assert "/secrets/Notification-Key/" in answer.json()["id"]


async def test_an_empty_version_means_the_current_one_and_an_unknown_one_is_not_found(vault: Vault) -> None:
    made = vault.store.set("name", "value")

    assert (await vault.request("GET", "/secrets/name/")).json()[
        "id"
    ] == f"{vault.url}/secrets/name/{made.version}"
    assert error(await vault.request("GET", f"/secrets/name/{'0' * 32}")) == (404, "SecretNotFound")
    assert error(await vault.request("GET", "/secrets/other/versions")) == (404, "SecretNotFound")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"value": None},
        {"value": 1},
        {"value": "x", "unknown": 1},
        {"value": "x", "attributes": {"unknown": 1}},
        {"value": "x", "attributes": {"enabled": 1}},
        {"value": "x", "attributes": {"exp": True}},
        {"value": "x", "tags": {"a": 1}},
        {"value": "x" * (25 * 1024 + 1)},
    ],
)
async def test_a_body_that_is_no_secret_is_refused_and_nothing_is_set(vault: Vault, body: object) -> None:
    answer = await vault.request("PUT", "/secrets/name", json=body)

    assert answer.status_code in {400, 415}
    assert answer.json()["error"]["code"] == "BadParameter"
    assert vault.store.get("name") is None


async def test_broken_json_is_refused(vault: Vault) -> None:
    headers = {"Authorization": f"Bearer {vault.token(vault.owner)}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(base_url=vault.url, headers=headers) as client:
        answer = await client.put("/secrets/name?api-version=7.4", content=b'{"value": "\xff')

    assert error(answer) == (400, "BadParameter")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/secrets/name", {"maxresults": "1"}),
        ("/secrets", {"$filter": "x"}),
        ("/secrets", {"maxresults": "0"}),
        ("/secrets", {"maxresults": "26"}),
        ("/secrets", {"maxresults": "x"}),
        ("/secrets", {"$skiptoken": "x"}),
    ],
)
async def test_unknown_and_wrong_query_options_are_refused(
    vault: Vault, path: str, query: dict[str, str]
) -> None:
    vault.store.set("name", "value")

    assert error(await vault.request("GET", path, query=query)) == (400, "BadParameter")


async def test_lists_never_carry_values(vault: Vault) -> None:
    vault.store.set("name", "value")

    for path in ("/secrets", "/secrets/name/versions"):
        (item,) = (await vault.request("GET", path)).json()["value"]
        assert item.keys() == {"id", "attributes"}


@pytest.mark.parametrize(
    ("verb", "path"), [("POST", "/secrets/name"), ("HEAD", "/secrets"), ("GET", "/keys")]
)
async def test_other_verbs_and_paths_are_refused(vault: Vault, verb: str, path: str) -> None:
    assert (await vault.request(verb, path)).status_code in {404, 405}


async def test_a_disabled_version_is_refused_and_the_one_before_is_not(vault: Vault) -> None:
    first, _ = vault.store.set("name", "one"), vault.store.set("name", "two")
    vault.store.enable("name", enabled=False)

    answer = await vault.request("GET", "/secrets/name")
    assert error(answer) == (403, "Forbidden")
    assert answer.json()["error"]["innererror"] == {"code": "SecretDisabled"}
    assert (await vault.request("GET", f"/secrets/name/{first.version}")).json()["value"] == "one"


@pytest.mark.parametrize("dates", [{"exp": 1_000}, {"nbf": 4_000_000_000}])
async def test_a_secret_out_of_its_time_is_given_with_its_dates(vault: Vault, dates: dict[str, int]) -> None:
    """Both dates only inform."""
    await vault.request("PUT", "/secrets/name", json={"value": "x", "attributes": dates})

    answer = await vault.request("GET", "/secrets/name")

    assert answer.json()["value"] == "x"
    assert dates.items() <= answer.json()["attributes"].items()


async def test_a_deleted_secret_is_not_found_but_known_without_its_value(vault: Vault) -> None:
    made = vault.store.set("name", "value")
    vault.store.delete("name")

    assert error(await vault.request("GET", "/secrets/name")) == (404, "SecretNotFound")
    assert error(await vault.request("GET", f"/secrets/name/{made.version}")) == (404, "SecretNotFound")
    assert error(await vault.request("GET", "/secrets/name/versions")) == (404, "SecretNotFound")
    answer = (await vault.request("GET", "/deletedsecrets/name")).json()
    assert answer["id"] == f"{vault.url}/secrets/name/{made.version}"
    assert answer["scheduledPurgeDate"] - answer["deletedDate"] == 90 * 24 * 3600
    assert "value" not in answer


async def test_the_name_of_a_deleted_secret_is_taken_until_it_is_recovered(vault: Vault) -> None:
    vault.store.set("name", "value")
    vault.store.delete("name")

    answer = await vault.request("PUT", "/secrets/name", json={"value": "another"})
    assert error(answer) == (409, "Conflict")
    assert answer.json()["error"]["innererror"] == {"code": "ObjectIsDeletedButRecoverable"}

    vault.store.recover("name")
    assert (await vault.request("GET", "/secrets/name")).json()["value"] == "value"
    assert error(await vault.request("GET", "/deletedsecrets/name")) == (404, "SecretNotFound")
