"""Queues, tables and containers; subscriptions; clocks; what stands still."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from sandbox.app import free_port
from sandbox.serving import serve
from shared.breaker import BreakerKey, held, paused
from shared.breaker_table import Breakers
from shared.doctor.clocks import REFUSED, _told
from shared.doctor.finding import Finding
from shared.doctor.storage import CONTAINERS, QUEUES, TABLES
from shared.doctor.storage_looks import StorageAccess, look_at_container, look_at_queue, look_at_table
from shared.errors import Unavailable
from shared.operations.subscription_view import look

from ..accounts import Stores, opened
from .set_up import SetUp, of, told

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def stores_of(ready: SetUp) -> AsyncIterator[Stores]:
    async with opened(ready.environment["MailStorage"]) as stores:
        yield stores


async def storage(ready: SetUp) -> list[Finding]:
    return await ready.only("storage")


async def test_what_is_there_is_written_to_and_nothing_of_it_is_left(ready: SetUp) -> None:
    async with stores_of(ready) as stores:
        for queue in QUEUES:
            await stores.queue_service.create_queue(queue) if await is_missing(stores, queue) else None
        for table in TABLES:
            await stores.tables.create_table_if_not_exists(table)
        for container in CONTAINERS:
            if not await stores.blobs.get_container_client(container).exists():
                await stores.blobs.create_container(container)
        findings = await storage(ready)

        assert [(one.subject, one.status, one.what) for one in findings] == [
            (kind, "ok", "can be read and written") for kind in ("queues", "tables", "containers")
        ]
        assert [await stores.number(queue) for queue in QUEUES if queue != "folder-sweep"] == [0] * 9
        async for row in stores.tables.get_table_client("fingerprints").list_entities():
            pytest.fail(f"left behind: {row}")
        async for name in stores.blobs.get_container_client("state").list_blob_names():
            pytest.fail(f"left behind: {name}")


async def is_missing(stores: Stores, queue: str) -> bool:
    return queue not in [one.name async for one in stores.queue_service.list_queues()]


async def test_what_nobody_took_off_a_poison_queue_is_a_warning(ready: SetUp) -> None:
    async with stores_of(ready) as stores:
        await stores.queues.send_text("mail-arrived-poison", "{}")
        findings = await storage(ready)
        await stores.queue_service.get_queue_client("mail-arrived-poison").clear_messages()

    (found,) = (one for one in findings if one.status != "ok")
    assert (found.status, found.subject) == ("warning", "queue mail-arrived-poison")
    assert found.what.startswith("holds 1 messages")
    assert "dead_letters_mail_arrived" in found.remedy


@asynccontextmanager
async def service(code: str, *, only: str = "", context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A storage service that refuses all, or what is asked with the method `only`; else there is nothing.

    Azurite has no roles: only here can a refusal be had for want of one.
    """

    async def handle(request: web.Request) -> web.Response:
        refused = not only or request.method == only
        status, said = (403, code) if refused else (404, "ResourceNotFound")
        if request.method == "GET" and not refused:
            return web.Response(body=b"<QueueMessagesList/>", content_type="application/xml")
        return web.Response(status=status, headers={"x-ms-error-code": said})

    site = web.Application()
    site.router.add_route("*", "/{rest:.*}", handle)
    served = await serve(site, context=context)
    yield served.origin
    await served.close()


@pytest.mark.parametrize(
    ("kind", "endpoint", "only"),
    [
        ("queues", "QueueEndpoint", ""),
        ("queues", "QueueEndpoint", "DELETE"),
        ("tables", "TableEndpoint", ""),
        ("containers", "BlobEndpoint", ""),
    ],
)
async def test_a_service_that_refuses_the_app_is_told_by_its_kind(
    ready: SetUp, kind: str, endpoint: str, only: str
) -> None:
    connection = ready.environment["MailStorage"]
    async with service("AuthorizationPermissionMismatch", only=only) as origin:
        changed = re.sub(f"{endpoint}=[^;]*", f"{endpoint}={origin}/account", connection)
        with ready.changed(MailStorage=changed):
            findings = await storage(ready)

    (found,) = (one for one in findings if one.status != "ok")
    assert (found.status, found.subject) == ("failed", kind), told(findings)
    assert "storage answered 403 AuthorizationPermissionMismatch" in found.what


async def test_for_want_of_a_role_the_command_names_app_and_account(ready: SetUp) -> None:
    """As in Azure: by identity, without a key."""
    context = ready.box.authority.server_context()
    async with service("AuthorizationPermissionMismatch", context=context) as origin:
        ready.box.directory.add_resource("https://storage.azure.com")
        values = {f"MailStorage__{kind}ServiceUri": origin for kind in ("blob", "queue", "table")}
        with ready.changed(MailStorage="", MailStorage__credential="managedidentity", **values):
            findings = await storage(ready)

    assert {one.status for one in findings} <= {"failed"}
    roles = [re.search('--role "([^"]*)"', one.remedy) for one in findings]
    assert [role[1] for role in roles if role] == [
        "Storage Queue Data Contributor",
        "Storage Table Data Contributor",
        "Storage Blob Data Contributor",
    ], told(findings)
    assert all("--assignee OBJECT-ID" not in one.remedy for one in findings)


async def test_a_storage_that_does_not_answer_is_told(down: Stores) -> None:
    access = StorageAccess(down.queue_service, down.tables, down.blobs, None)
    seen = [
        await look_at_queue(access, "mail-arrived"),
        await look_at_table(access, "filings"),
        await look_at_container(access, "staging"),
    ]

    assert [one.fault.startswith("storage did not answer") for one in seen] == [True] * 3
    assert [one.is_refused for one in seen] == [False] * 3


async def test_a_subscription_of_another_address_is_told(ready: SetUp) -> None:
    with ready.changed(VAULTPOST_NOTIFICATION_URL="http://127.0.0.1:1/api"):
        findings = of("subscriptions", await ready.only("subscriptions"))

    assert [one.status for one in findings] == ["failed", "failed"]
    assert all("another address" in one.what for one in findings)


@pytest.mark.parametrize(
    ("left", "status", "says"),
    [
        (timedelta(days=6), "ok", "lives until"),
        (timedelta(days=2), "warning", "is to be renewed"),
        (timedelta(hours=23), "failed", "ends soon"),
    ],
)
async def test_one_that_was_not_renewed_in_time_is_told(
    ready: SetUp, left: timedelta, status: str, says: str
) -> None:
    live = ready.box.tenant.subscriptions.of(ready.app.client_id)
    before = [one.expires for one in live]
    for one in live:
        one.expires = ready.clock.now() + left
    findings = of("subscriptions", await ready.only("subscriptions"))
    for one, expires in zip(live, before, strict=True):
        one.expires = expires

    assert {one.status for one in findings} == {status}
    assert all(one.what.startswith(says) for one in findings)


async def test_of_a_source_whose_folder_is_not_there_nothing_is_said(ready: SetUp) -> None:
    services = ready.services()
    name = ready.source["name"]
    seen = await look(services.subscriptions, None, but={name})
    await services.close()

    assert [one.action for one in seen] == ["not-ours"] * 2, "only Graph's list has them"


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, "ok"), (-60, "ok"), (61, "warning"), (-300, "warning"), (301, "failed")]
)
def test_a_difference_of_clocks_is_judged_by_its_size(seconds: int, status: str) -> None:
    found = _told("Graph", timedelta(seconds=seconds))

    assert found.status == status
    assert timedelta(seconds=300) == REFUSED
    if status != "ok":
        assert f"{abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} it" in found.what


async def test_services_that_do_not_answer_say_nothing_of_the_clock(ready: SetUp) -> None:
    nowhere = f"https://127.0.0.1:{free_port()}"
    with (
        ready.changed(KEY_VAULT_URL=nowhere, GRAPH_ENDPOINT=f"{nowhere}/v1.0"),
        ready.configured(vault={"url": nowhere}),
    ):
        (found,) = await ready.only("clock")

    assert found.status == "not-run"


async def test_what_stands_still_is_a_warning_with_the_command_that_ends_it(ready: SetUp) -> None:
    services = ready.services()
    now = services.clock.now()
    keys = BreakerKey("service", "vault"), BreakerKey("source", ready.source["name"], "filing")
    await services.breakers.change(keys[0], lambda breaker: paused(breaker, "The vault moves.", now))
    await services.breakers.change(keys[1], lambda breaker: held(breaker, "No class.", "Correct it.", now))
    findings = await ready.only("waiting")
    async with stores_of(ready) as stores:
        await stores.tables.delete_table("breakers")
    await services.close()

    service, source = findings
    assert (service.status, service.subject, service.what) == (
        "warning",
        "service vault",
        "is paused: The vault moves.",
    )
    assert service.remedy == "python3 ops.py resume --service vault"
    assert source.subject == f"source {ready.source['name']} (filing)"
    assert source.remedy.startswith("Correct it.\n")


async def test_breakers_that_cannot_be_read_are_not_known(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(self: Breakers, *, fresh: bool = False) -> None:
        raise Unavailable("breakers: storage did not answer", origin="storage")

    monkeypatch.setattr(Breakers, "all", down)
    (found,) = await ready.only("waiting")

    assert found.status == "warning"
