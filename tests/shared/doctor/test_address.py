"""The notification address: the doctor's own handshake, and Graph's, by a probe that leaves nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from sandbox.app import free_port
from sandbox.faults import Commit, Status
from sandbox.pki import Authority
from sandbox.serving import serve
from shared.doctor import address, handshake, probe
from shared.doctor.address import Address
from shared.doctor.finding import Finding
from shared.doctor.handshake import is_public, shake, tls_1_2
from shared.graph.subscriptions import Creation
from shared.operations.subscription_view import look

from ..tls_server import tls_server
from .set_up import SetUp, of

pytestmark = pytest.mark.anyio
CREATE = "POST /subscriptions$"
LEFT = "the subscription that was asked for may be left"


async def findings(ready: SetUp) -> dict[str, Finding]:
    """By the last part of their subjects."""
    found = of("address", await ready.only("token", "mailbox", "folder", "address"))
    return {one.subject.rpartition("/")[2]: one for one in found}


async def test_graph_is_asked_for_a_subscription_that_is_gone_afterwards(ready: SetUp) -> None:
    ready.receiver.taken.clear()
    found = await findings(ready)

    assert found["from Graph"].status == "ok"
    assert (
        sorted(path for path, _ in ready.receiver.taken)
        == ["/api/lifecycle"] * 2 + ["/api/notifications"] * 2
    )
    assert ready.probes() == []


async def test_neither_register_nor_plan_take_notice_of_a_probe(ready: SetUp) -> None:
    services = ready.services()
    try:
        before = await look(services.subscriptions, None)
        made = await services.subscriptions.client.create(creation(ready))
        meanwhile = await look(services.subscriptions, None)
        await services.subscriptions.maintain()
        still = ready.probes()
    finally:
        await services.close()

    assert [one.action for one in before] == ["none", "none"]
    assert [(one.action, one.subscription) for one in meanwhile[2:]] == [("not-ours", made.id)]
    assert meanwhile[:2] == before
    assert still == [made.id], "the app leaves it alone"

    await findings(ready)
    assert ready.probes() == [], "what a doctor has left, the next one takes away"


def creation(ready: SetUp) -> Creation:
    """What the probe of a doctor asks for that ended in between."""
    services = ready.services()
    addresses = (services.settings.notifications_address, services.settings.lifecycle_address)
    until = services.clock.now() + probe.LIVES_FOR
    resource = f"users/{ready.mailbox}/mailFolders('inbox')/messages"
    return Creation(ready.mailbox, resource, addresses, "state", until, change_type="deleted")


async def test_a_probe_whose_creation_is_not_answered_is_deleted_all_the_same(ready: SetUp) -> None:
    ready.box.faults.graph.add(Commit(route=CREATE))
    found = await findings(ready)
    ready.box.faults.graph.clear()

    assert found["from Graph"].status == "failed"
    assert ready.probes() == []


async def test_a_probe_that_takes_too_long_is_deleted_all_the_same(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "CREATED_WITHIN", 0.3)
    ready.box.faults.graph.add(Commit(latency=1.0, route=CREATE))
    found = await findings(ready)
    ready.box.faults.graph.clear()

    assert "did not answer in" in found["from Graph"].what
    assert LEFT not in found["from Graph"].what
    assert ready.probes() == []


async def test_a_probe_that_graph_makes_once_it_was_looked_for_is_told_with_its_end(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Graph goes on with what its client has given up: here with its handshake."""
    monkeypatch.setattr(probe, "CREATED_WITHIN", 0.5)
    monkeypatch.setattr(handshake, "ANSWER_WITHIN", 0.2)
    ready.receiver.held = asyncio.Event()
    found = (await findings(ready))["from Graph"]
    assert ready.probes() == []
    ready.receiver.held.set()
    made = await made_late(ready)
    ready.receiver.held = None
    monkeypatch.undo()

    end = ready.box.tenant.subscriptions.of(ready.app.client_id)[-1].expires
    assert found.status == "failed"
    assert found.what == (
        f"Graph did not answer in 0 s; {LEFT} at Graph until {end:%H:%M} UTC, which does no harm: what it "
        "announces is dropped, and it ends by itself"
    )
    assert "probe-not-deleted" in caplog.text
    assert len(made) == 1
    assert LEFT not in (await findings(ready))["from Graph"].what
    assert ready.probes() == [], "the next doctor takes it away"


async def made_late(ready: SetUp) -> list[str]:
    """The probe that Graph makes within the next seconds."""
    for _ in range(200):
        if ready.probes():
            break
        await asyncio.sleep(0.05)
    return ready.probes()


async def test_one_that_cannot_be_deleted_is_told_though_graph_was_answered(
    ready: SetUp, caplog: pytest.LogCaptureFixture
) -> None:
    ready.box.faults.graph.add(Status(status=503, route="DELETE /subscriptions/"))
    found = await findings(ready)
    ready.box.faults.graph.clear()

    assert found["from Graph"].status == "ok"
    assert LEFT in found["from Graph"].what
    assert "probe-not-deleted" in caplog.text
    await findings(ready)
    assert ready.probes() == []


@pytest.mark.parametrize("status", [400, 403, 404, 429])
async def test_after_a_definite_no_nothing_is_said_to_be_left(ready: SetUp, status: int) -> None:
    ready.box.faults.graph.add(Status(status=status, route=CREATE))
    found = await findings(ready)
    ready.box.faults.graph.clear()

    assert found["from Graph"].status == ("warning" if status == 429 else "failed")
    assert LEFT not in found["from Graph"].what


async def test_one_that_may_be_left_is_told_beside_a_name_that_is_not_known(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: str) -> list[str]:
        return []

    monkeypatch.setattr(address, "resolved", nothing)
    monkeypatch.setattr(address, "is_loopback", lambda _: False)
    ready.box.faults.graph.add(Status(status=503, route=CREATE))
    (found,) = of("address", await ready.only("token", "mailbox", "folder", "address"))
    ready.box.faults.graph.clear()

    assert found.what.startswith(f"its name is not known (DNS); {LEFT}")


async def test_what_graph_has_seen_is_told(ready: SetUp) -> None:
    """An address that shows a page, as a gateway in front of the app may."""
    ready.receiver.answer = web.Response(text="<html>", content_type="text/html")
    found = await findings(ready)
    ready.receiver.answer = None

    assert found["notifications"].what == "answered text/html, not text/plain"
    assert "Response must have the content type text/plain" in found["from Graph"].what
    assert {one.status for name, one in found.items() if name != "127.0.0.1"} == {"failed"}


async def test_what_graph_reaches_is_well_though_this_machine_does_not(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Access restrictions may let nobody in but Graph."""

    async def closed(address: str) -> handshake.Shaken:
        return handshake.Shaken("answered 403, not 200")

    monkeypatch.setattr(address, "shake", closed)
    found = await findings(ready)

    assert found["from Graph"].status == "ok"
    assert [found[name].status for name in ("notifications", "lifecycle")] == ["warning"] * 2


@pytest.mark.parametrize(
    ("addresses", "tls", "what"),
    [
        ([], "", "its name is not known (DNS)"),
        (["203.0.113.1"], "no connection within 5 s", "no connection within 5 s"),
        (["203.0.113.1"], "its certificate has expired", "its certificate has expired"),
    ],
    ids=["no name", "no connection", "certificate"],
)
async def test_a_name_that_graph_reaches_is_well_though_this_machine_does_not(
    ready: SetUp, monkeypatch: pytest.MonkeyPatch, addresses: list[str], tls: str, what: str
) -> None:
    """A gateway may let in Graph alone, and a network's own DNS not know the name; without Graph it fails."""

    async def found(_: str) -> list[str]:
        return addresses

    async def spoken(_: str) -> str:
        return tls

    monkeypatch.setattr(address, "resolved", found)
    monkeypatch.setattr(address, "tls_1_2", spoken)
    monkeypatch.setattr(address, "is_loopback", lambda _: False)
    (host, asked) = of("address", await ready.only("token", "mailbox", "folder", "address"))
    (alone,) = of("address", await ready.only("address"))

    assert (host.status, asked.status) == ("warning", "ok")
    assert what in host.what
    assert alone.status == "failed"
    assert ("--min-tls-version" in alone.remedy) == (what == "its certificate has expired")


async def test_a_slow_answer_is_a_warning(ready: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "SLOW", 0.0)
    found = await findings(ready)

    assert found["notifications"].status == "warning"
    assert "az functionapp scale config always-ready set" in found["notifications"].remedy


async def test_without_a_folder_that_can_be_read_graph_is_not_asked(ready: SetUp) -> None:
    (host, *shaken, asked) = of("address", await ready.only("address"))

    assert {one.status for one in (host, *shaken)} == {"ok"}
    assert asked.status == "not-run"


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (web.Response(status=404), "answered 404, not 200"),
        (web.Response(status=302, headers={"Location": "/"}), "answered 302, not 200"),
        (web.Response(text="another"), "did not send back the token that it was sent"),
        (web.Response(body=b"x" * 200_000, content_type="text/plain"), "did not send back the token"),
    ],
    ids=["missing", "elsewhere", "other token", "endless"],
)
async def test_an_answer_that_graph_would_refuse_is_told(answer: web.Response, wrong: str) -> None:
    async def handle(_: web.Request) -> web.Response:
        return answer

    site = web.Application()
    site.router.add_post("/api/notifications", handle)
    served = await serve(site, context=None)
    shaken = await shake(f"{served.origin}/api/notifications")
    await served.close()

    assert shaken.wrong.startswith(wrong)


async def test_an_address_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    nobody = await shake(f"http://127.0.0.1:{free_port()}/api/notifications")
    monkeypatch.setattr(handshake, "ANSWER_WITHIN", 0.1)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        slow = await shake(f"http://127.0.0.1:{port}/api/notifications")

    assert nobody.wrong.startswith("it did not answer")
    assert slow.wrong.startswith("did not answer within")


async def test_an_address_that_speaks_no_tls_1_2_is_told(authority: Authority) -> None:
    with tls_server(authority.server.old_context()) as old:
        assert (await tls_1_2(old.origin)).startswith("it does not speak TLS 1.2")
    strange = await serve(web.Application(), context=authority.self_signed().context())
    good = await serve(web.Application(), context=authority.server_context())
    said = [await tls_1_2(one.origin) for one in (strange, good)]
    for one in (strange, good):
        await one.close()

    assert "not trusted" in said[0]
    assert said[1] == ""
    assert await tls_1_2(f"https://127.0.0.1:{free_port()}") == "no connection (ConnectionRefusedError)"


@pytest.mark.parametrize(
    ("graph", "url", "says"),
    [
        ("https://graph.microsoft.com/v1.0", "http://127.0.0.1:1/api", "is this machine itself"),
        ("https://graph.microsoft.com/v1.0", "https://no-such-name.invalid/api", "its name is not known"),
    ],
)
async def test_an_address_that_graph_cannot_reach_is_told_without_asking_it(
    ready: SetUp, graph: str, url: str, says: str
) -> None:
    services = ready.services()
    settings = replace(
        services.settings, notification_url=url, graph=replace(services.settings.graph, endpoint=graph)
    )

    async def nothing() -> None:
        return None

    (found,) = await Address(settings, lambda: pytest.fail("nothing is asked"), nothing).check().run()
    await services.close()

    assert (found.status, found.what[: len(says)]) == ("failed", says)
    assert '--settings "VAULTPOST_NOTIFICATION_URL=https://HOST/api"' in found.remedy


@pytest.mark.parametrize(
    ("one", "public"),
    [("20.50.2.1", True), ("10.0.0.4", False), ("127.0.0.1", False), ("fe80::1%eth0", False), ("::1", False)],
)
def test_addresses_of_the_internet_are_told_from_others(one: str, public: bool) -> None:
    assert is_public(one) is public
