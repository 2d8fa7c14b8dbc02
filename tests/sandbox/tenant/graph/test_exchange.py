"""Permissions by mailbox: RBAC for Applications, access policies, and what a token has everywhere."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from sandbox.tenant.graph import Delivered

from .conftest import APP_ID, MAILBOX, Receiver, Service, refusal
from .samples import invoice

pytestmark = pytest.mark.anyio
OTHER = "contracts@example.com"
STRANGER = "00000000-aaaa-4000-8000-000000000000"


@pytest.fixture
def mail(graph: Service) -> Delivered:
    """One in each of two mailboxes; the caller has no role."""
    graph.tenant.add_mailbox(OTHER)
    graph.client.headers.update(graph.authorization())
    graph.tenant.deliver(OTHER, invoice())
    return graph.tenant.deliver(MAILBOX, invoice())


async def inbox(graph: Service, user: str = MAILBOX, **headers: str) -> httpx.Response:
    return await graph.client.get(f"{graph.root}/users/{user}/mailFolders/inbox/messages", headers=headers)


async def mark(graph: Service, mail: Delivered, **headers: str) -> httpx.Response:
    address = f"{graph.user}/messages/{mail.id}"
    return await graph.client.patch(address, json={"isRead": True}, headers=headers)


async def subscribe(graph: Service, url: str, user: str = MAILBOX) -> httpx.Response:
    return await graph.subscribe(url, resource=f"users/{user}/mailFolders/inbox/messages")


async def test_a_scoped_role_opens_its_mailboxes_to_its_application_and_no_other(
    graph: Service, mail: Delivered
) -> None:
    graph.tenant.exchange.scope(APP_ID, "Application Mail.Read", [MAILBOX.upper()])

    object_id = graph.tenant.mailbox(MAILBOX).id
    for user in (MAILBOX, MAILBOX.title(), object_id):
        assert (await inbox(graph, user)).status_code == 200
    assert (await graph.get(f"/messages/{mail.id}/$value")).status_code == 200
    for user in (OTHER, graph.tenant.mailbox(OTHER).id, "nobody@example.com"):
        message = refusal(await inbox(graph, user), 403, "ErrorAccessDenied")
        assert message == "Access is denied. Check credentials and try again."
    stranger = graph.authorization(app_id=STRANGER)
    refusal(await inbox(graph, MAILBOX, **stranger), 403, "ErrorAccessDenied")


async def test_a_mailbox_may_be_named_by_its_object_id(graph: Service, mail: Delivered) -> None:
    graph.tenant.exchange.scope(APP_ID, "Application Mail.Read", [graph.tenant.mailbox(MAILBOX).id])

    assert (await inbox(graph)).status_code == 200


@pytest.mark.parametrize(
    ("role", "content", "write"),
    [
        ("Application Mail.ReadBasic", 403, 403),
        ("Application Mail.Read", 200, 403),
        ("Application Mail.ReadWrite", 200, 200),
    ],
)
async def test_a_scoped_role_lets_do_what_the_permission_lets(
    graph: Service, mail: Delivered, role: str, content: int, write: int
) -> None:
    graph.tenant.exchange.scope(APP_ID, role, [MAILBOX])

    assert (await inbox(graph)).status_code == 200
    assert (await graph.get(f"/messages/{mail.id}/$value")).status_code == content
    assert (await mark(graph, mail)).status_code == write


async def test_a_role_that_is_none_of_mail_is_unknown(graph: Service) -> None:
    with pytest.raises(KeyError):
        graph.tenant.exchange.scope(APP_ID, "Mail.Read", [MAILBOX])


async def test_scoped_roles_and_those_of_the_token_are_a_union(graph: Service, mail: Delivered) -> None:
    """So a scope restricts nothing as long as the grant for the whole tenant is there."""
    graph.tenant.exchange.scope(APP_ID, "Application Mail.ReadWrite", [MAILBOX])
    wide = graph.authorization("Mail.Read")

    for user in (MAILBOX, OTHER):
        assert (await inbox(graph, user, **wide)).status_code == 200
    assert (await mark(graph, mail, **wide)).status_code == 200
    (other,) = graph.tenant.mailbox(OTHER).messages()
    address = f"{graph.root}/users/{OTHER}/messages/{other.ids.regular}"
    answer = await graph.client.patch(address, json={"isRead": True}, headers=wide)
    refusal(answer, 403, "ErrorAccessDenied")


async def test_what_is_taken_back_is_gone(graph: Service, mail: Delivered) -> None:
    graph.tenant.exchange.scope(APP_ID, "Application Mail.Read", [MAILBOX])
    graph.tenant.exchange.unscope(APP_ID)

    refusal(await inbox(graph), 403, "ErrorAccessDenied")


async def test_a_policy_narrows_the_roles_of_a_token_and_not_a_scoped_role(
    graph: Service, mail: Delivered
) -> None:
    exchange, wide = graph.tenant.exchange, graph.authorization("Mail.Read", "Mail.ReadWrite")
    exchange.restrict(APP_ID, [OTHER])

    assert (await inbox(graph, OTHER, **wide)).status_code == 200
    for answer in (
        await inbox(graph, MAILBOX, **wide),
        await graph.get(f"/messages/{mail.id}/$value", **wide),
        await mark(graph, mail, **wide),
        await inbox(graph, "nobody@example.com", **wide),
    ):
        assert refusal(answer, 403, "ErrorAccessDenied") == "Access to OData is disabled."
    assert (await inbox(graph, MAILBOX, **graph.authorization("Mail.Read", app_id=STRANGER))).is_success

    exchange.scope(APP_ID, "Application Mail.Read", [MAILBOX])
    assert (await inbox(graph, MAILBOX, **wide)).status_code == 200
    exchange.unscope(APP_ID)
    exchange.restrict(APP_ID, [MAILBOX])
    assert (await inbox(graph, MAILBOX, **wide)).status_code == 200
    exchange.unrestrict(APP_ID)
    assert (await inbox(graph, MAILBOX, **wide)).status_code == 200


async def test_a_change_is_in_effect_after_the_delay(graph: Service, mail: Delivered) -> None:
    exchange = graph.tenant.exchange
    exchange.delay = timedelta(hours=1)
    exchange.scope(APP_ID, "Application Mail.Read", [MAILBOX])

    refusal(await inbox(graph), 403, "ErrorAccessDenied")
    graph.clock.advance(minutes=60)
    assert (await inbox(graph)).status_code == 200
    exchange.unscope(APP_ID)
    graph.clock.advance(minutes=59)
    assert (await inbox(graph)).status_code == 200
    graph.clock.advance(minutes=1)
    refusal(await inbox(graph), 403, "ErrorAccessDenied")


async def test_a_scoped_role_alone_makes_no_subscription(
    graph: Service, mail: Delivered, receiver: Receiver
) -> None:
    graph.tenant.exchange.scope(APP_ID, "Application Mail.Read", [MAILBOX])

    refusal(await subscribe(graph, receiver.url), 403, "ExtensionError")
    refusal(await graph.client.get(f"{graph.root}/subscriptions"), 403, "ExtensionError")
    assert receiver.tokens == []


async def test_where_a_scoped_role_makes_subscriptions_it_does_so_in_its_mailboxes_alone(
    graph: Service, mail: Delivered, receiver: Receiver
) -> None:
    exchange = graph.tenant.exchange
    exchange.subscribes_with_scope = True
    refusal(await subscribe(graph, receiver.url), 403, "ExtensionError")
    exchange.scope(APP_ID, "Application Mail.Read", [MAILBOX])
    exchange.scope(APP_ID, "Application Mail.ReadWrite", [OTHER])

    created = await subscribe(graph, receiver.url)
    assert created.status_code == 201
    for user in (OTHER, "nobody@example.com"):
        refusal(await subscribe(graph, receiver.url, user), 403, "ExtensionError")
    assert len(receiver.tokens) == 1
    assert len((await graph.client.get(f"{graph.root}/subscriptions")).json()["value"]) == 1

    address = f"{graph.root}/subscriptions/{created.json()['id']}"
    renewal = {"expirationDateTime": graph.until(minutes=5000)}
    assert (await graph.client.patch(address, json=renewal)).status_code == 200
    exchange.unscope(APP_ID)
    exchange.scope(APP_ID, "Application Mail.Read", [OTHER])
    for answer in (
        await graph.client.get(address),
        await graph.client.patch(address, json=renewal),
        await graph.client.post(f"{address}/reauthorize"),
        await graph.client.delete(address),
    ):
        refusal(answer, 403, "ExtensionError")


async def test_a_policy_counts_for_subscriptions_too(
    graph: Service, mail: Delivered, receiver: Receiver
) -> None:
    graph.client.headers.update(graph.authorization("Mail.Read"))
    graph.tenant.exchange.restrict(APP_ID, [OTHER])

    refusal(await subscribe(graph, receiver.url), 403, "ExtensionError")
    assert (await subscribe(graph, receiver.url, OTHER)).status_code == 201
