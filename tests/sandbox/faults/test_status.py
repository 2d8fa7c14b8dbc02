"""A provoked status comes in the shape of the service that it is provoked in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.faults import ServiceFaults, Status

from .conftest import Clients

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "InvalidAuthenticationToken"),
        (403, "ErrorAccessDenied"),
        (404, "ErrorItemNotFound"),
        (429, "ApplicationThrottled"),
        (503, "ServiceUnavailable"),
        (504, "UnknownError"),
    ],
)
async def test_graph_answers_with_its_json(
    clients: Clients, faults: ServiceFaults, message: str, status: int, code: str
) -> None:
    faults.graph.add(Status(status))

    answer = await clients.graph.get(message, headers={"client-request-id": "mine"})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert error["innerError"]["client-request-id"] == "mine" == answer.headers["client-request-id"]
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_code_and_message_can_be_others(clients: Clients, faults: ServiceFaults, message: str) -> None:
    faults.graph.add(Status(429, code="TooManyRequests", message="Too many"))

    error = (await clients.graph.get(message)).json()["error"]

    assert (error["code"], error["message"]) == ("TooManyRequests", "Too many")


@pytest.mark.parametrize(
    "text",
    ["120", "2.128", "Wed, 25 Nov 2026 07:28:00 GMT", "99999999999999", "-1", "soon, I hope"],
)
async def test_retry_after_is_sent_as_it_was_given(
    clients: Clients, faults: ServiceFaults, message: str, text: str
) -> None:
    faults.graph.add(Status(429, retry_after=text))

    assert (await clients.graph.get(message)).headers["Retry-After"] == text


async def test_without_retry_after_there_is_no_such_header(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    faults.graph.add(Status(429))

    assert "Retry-After" not in (await clients.graph.get(message)).headers


@pytest.mark.parametrize(
    ("status", "error", "number"),
    [
        (400, "invalid_request", 900144),
        (401, "invalid_client", 7000215),
        (503, "temporarily_unavailable", 90033),
    ],
)
async def test_entra_answers_with_its_json(
    clients: Clients, faults: ServiceFaults, status: int, error: str, number: int
) -> None:
    faults.entra.add(Status(status))

    answer = await clients.sign_in()

    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_codes"] == [number]
    assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")


@pytest.mark.parametrize(
    ("code", "error", "number"),
    [("700016", "invalid_client", 700016), ("unauthorized_client", "unauthorized_client", 7000215)],
)
async def test_a_code_of_entra_is_a_number_or_the_name_of_the_error(
    clients: Clients, faults: ServiceFaults, code: str, error: str, number: int
) -> None:
    faults.entra.add(Status(401, code=code))

    answer = (await clients.sign_in()).json()

    assert (answer["error"], answer["error_codes"]) == (error, [number])


async def test_entra_throttles_in_plain_text(clients: Clients, faults: ServiceFaults) -> None:
    faults.entra.add(Status(429, retry_after="60"))

    answer = await clients.sign_in()

    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (
        429,
        "Too Many Requests",
        "60",
    )


async def test_the_identity_endpoint_answers_with_its_json(clients: Clients, faults: ServiceFaults) -> None:
    faults.identity.add(Status(500, message="An unexpected error occured."))

    answer = await clients.identity_token()

    assert answer.status_code == answer.json()["statusCode"] == 500
    assert answer.json()["message"] == "An unexpected error occured."


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "Unauthorized"), (403, "Forbidden"), (429, "Throttled"), (503, "ServiceUnavailable")],
)
async def test_key_vault_answers_with_its_json(
    clients: Clients, faults: ServiceFaults, status: int, code: str
) -> None:
    faults.keyvault.add(Status(status))

    answer = await clients.secret()

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    challenge = answer.headers.get("WWW-Authenticate", "")
    assert (clients.box.addresses.entra in challenge) is (status == 401)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (Status(403), "ForbiddenException"),
        (Status(404), "NotFoundException"),
        (Status(500), "Exception"),
        (Status(503, code="ServerUnavailableException"), "ServerUnavailableException"),
    ],
)
async def test_m_files_answers_with_its_json(
    clients: Clients, faults: ServiceFaults, fault: Status, name: str
) -> None:
    faults.vault.add(fault)

    answer = await clients.vault.get("objects?p0=x")
    body: dict[str, Any] = answer.json()

    assert answer.status_code == body["Status"] == fault.status
    assert (body["ExceptionName"], body["URL"], body["Method"]) == (name, "/objects", "GET")


@pytest.mark.parametrize("status", [413, 429, 502, 503, 504])
async def test_iis_answers_with_a_page(clients: Clients, faults: ServiceFaults, status: int) -> None:
    faults.vault.add(Status(status, retry_after="7"))

    answer = await clients.vault.get("objects?p0=x")

    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<html>" in answer.text


async def test_an_upload_is_refused_unread_and_its_connection_goes_on(
    clients: Clients, faults: ServiceFaults
) -> None:
    faults.vault.add(Status(503, route="POST /REST/files", times=1))

    refused = await clients.vault.post("files", content=b"x" * 3_000_000)
    used = refused.extensions["network_stream"].get_extra_info("client_addr")
    kept = await clients.vault.post("files", content=b"x" * 3_000_000)

    assert (refused.status_code, kept.status_code) == (503, 200)
    assert kept.extensions["network_stream"].get_extra_info("client_addr") == used


async def test_what_is_refused_is_not_handled(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Status(500))

    assert isinstance(await clients.create("Refused"), httpx.Response)
    assert clients.titled("Refused") == []
