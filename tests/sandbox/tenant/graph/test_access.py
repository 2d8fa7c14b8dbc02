"""Who may do what, and what every answer has in common."""

from __future__ import annotations

import httpx
import pytest

from sandbox.tenant.graph import Delivered

from .conftest import APP_ID, AUDIENCE, MAILBOX, Receiver, Service, refusal
from .samples import invoice

pytestmark = pytest.mark.anyio


@pytest.fixture
def mail(graph: Service) -> Delivered:
    return graph.tenant.deliver(MAILBOX, invoice())


async def test_without_a_token_nothing_is_told(graph: Service) -> None:
    async with httpx.AsyncClient() as stranger:
        for path in ("users/nobody/messages/x", "nothing", "subscriptions"):
            answer = await stranger.get(f"{graph.root}/{path}")
            message = refusal(answer, 401, "InvalidAuthenticationToken")
            assert message == "Access token is empty."
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_for_something_else_is_refused(graph: Service) -> None:
    token = graph.token("Mail.Read", audience="https://vault.example")
    answer = await graph.get("/mailFolders", Authorization=f"Bearer {token}")
    assert "audience" in refusal(answer, 401, "InvalidAuthenticationToken")
    for header in ("Bearer x.y.z", "Basic eDp5", graph.token("Mail.Read")):
        answer = await graph.get("/mailFolders", Authorization=header)
        refusal(answer, 401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("role", ["Mail.Read", "Mail.ReadWrite"])
async def test_whole_mail_needs_a_permission_to_read_it(graph: Service, mail: Delivered, role: str) -> None:
    headers = graph.authorization(role)
    assert "body" in await graph.json(f"/messages/{mail.id}", **headers)
    for path in ("/$value", "/attachments", "?$expand=attachments"):
        assert (await graph.get(f"/messages/{mail.id}{path}", **headers)).status_code == 200


@pytest.mark.parametrize("role", ["Mail.ReadBasic", "Mail.ReadBasic.All"])
async def test_the_basic_permission_shows_no_content(graph: Service, mail: Delivered, role: str) -> None:
    headers = graph.authorization(role)
    attachment = (await graph.json(f"/messages/{mail.id}/attachments?$select=id"))["value"][1]["id"]
    message = await graph.json(f"/messages/{mail.id}", **headers)
    assert message["subject"] == "Überweisung №1"
    assert not {"body", "bodyPreview", "uniqueBody"} & set(message)
    assert (await graph.get("/mailFolders", **headers)).status_code == 200
    for path in (
        "?$select=body",
        "?$select=subject,bodyPreview",
        "?$expand=attachments",
        "/$value",
        "/attachments",
        f"/attachments/{attachment}",
        f"/attachments/{attachment}/$value",
    ):
        refusal(await graph.get(f"/messages/{mail.id}{path}", **headers), 403, "ErrorAccessDenied")


async def test_other_permissions_are_none(graph: Service, mail: Delivered) -> None:
    for roles in ((), ("User.Read.All", "mail.read")):
        headers = graph.authorization(*roles)
        for path in ("/mailFolders", f"/messages/{mail.id}", f"/messages/{mail.id}/$value"):
            refusal(await graph.get(path, **headers), 403, "ErrorAccessDenied")


@pytest.mark.parametrize("roles", [(), ("Mail.ReadWrite",), ("Mail.ReadBasic.All",)])
async def test_subscriptions_need_the_permission_to_read(
    graph: Service, receiver: Receiver, roles: tuple[str, ...]
) -> None:
    """A permission to write is not accepted where one to read is enough."""
    headers = graph.authorization(*roles)
    refusal(await graph.subscribe(receiver.url, headers), 403, "ExtensionError")
    refusal(await graph.client.get(f"{graph.root}/subscriptions", headers=headers), 403, "ExtensionError")
    assert receiver.tokens == []


async def test_every_answer_is_identified(graph: Service, mail: Delivered) -> None:
    for path in ("/mailFolders", f"/messages/{mail.id}/$value", "/nothing"):
        answer = await graph.get(path, **{"client-request-id": "mine"})
        assert answer.headers["client-request-id"] == "mine"
        assert len(answer.headers["request-id"]) == 36
        assert "Date" in answer.headers
    answer = await graph.get("/nothing")
    assert answer.headers["client-request-id"] == answer.headers["request-id"]


async def test_an_unknown_path_or_verb_is_refused(graph: Service, mail: Delivered) -> None:
    for path, segment in (("/nothing", "nothing"), (f"/Messages/{mail.id}", mail.id), ("", MAILBOX)):
        message = refusal(await graph.get(path), 400, "RequestBroker--ParseUri")
        assert message == f"Resource not found for the segment '{segment}'."
    refusal(await graph.client.get(f"{graph.served.origin}/beta/subscriptions"), 400, "BadRequest")
    for method in ("HEAD", "PUT", "POST"):
        answer = await graph.client.request(method, f"{graph.user}/messages/{mail.id}")
        assert answer.status_code == 405
    answer = await graph.client.put(f"{graph.user}/messages/{mail.id}")
    refusal(answer, 405, "ErrorInvalidRequest")


async def test_the_application_of_a_token_is_the_owner_of_a_subscription(
    graph: Service, receiver: Receiver
) -> None:
    created = (await graph.subscribe(receiver.url)).json()
    assert created["applicationId"] == APP_ID
    address = f"{graph.root}/subscriptions/{created['id']}"
    stranger = graph.authorization("Mail.Read", app_id="00000000-aaaa-4000-8000-000000000000")
    for method in ("GET", "DELETE"):
        answer = await graph.client.request(method, address, headers=stranger)
        refusal(answer, 404, "ResourceNotFound")
    listed = await graph.client.get(f"{graph.root}/subscriptions", headers=stranger)
    assert listed.json()["value"] == []
    assert AUDIENCE not in listed.text
