"""Asking the services of the sandbox whether they are there: what an outage is, and of what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.box import Sandbox
from sandbox.faults import AnyFault, Cut, Down, Status
from shared.breaker import Service, Step
from shared.errors import Transient
from shared.graph.faults import NotFound
from shared.pinging import Ping, outage
from shared.services import Services

from .key_vault import KeyVault
from .made import unique_name

pytestmark = pytest.mark.anyio


@pytest.fixture
def sound(box: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, which is mended after the test."""
    yield box
    box.faults.clear()


@pytest.fixture
def ping(services: Services) -> Ping:
    """The app's own."""
    return services.gate.ping


async def asked(
    ping: Ping, service: Service, step: Step = "filing", source: str = "invoices"
) -> Transient | None:
    return await outage(ping, service, step, source)


@pytest.mark.parametrize("source", ["invoices", "not-configured"])
async def test_what_answers_is_there(box: Sandbox, ping: Ping, source: str) -> None:
    documents = len(box.vault.objects())

    for service in ("graph", "vault", "keyvault"):
        assert await asked(ping, service, source=source) is None

    assert len(box.vault.objects()) == documents


async def test_graph_is_asked_for_the_inbox_of_the_mailbox(box: Sandbox, services: Services) -> None:
    address = f"{unique_name('ping')}@example.com"
    with pytest.raises(NotFound):
        await services.graph.ping(address)
    box.tenant.add_mailbox(address)

    await services.graph.ping(address)


@pytest.mark.parametrize("fault", [Status(status=503), Status(status=401), Down(), Cut(bytes=3)])
async def test_graph_down_is_an_outage_of_graph(sound: Sandbox, ping: Ping, fault: AnyFault) -> None:
    sound.faults.graph.add(fault)

    why = await asked(ping, "graph")

    assert why is not None
    assert (why.origin, why.rejected) == ("graph", False)


async def test_graph_that_throttles_does_so_to_one_mailbox(sound: Sandbox, ping: Ping) -> None:
    sound.faults.graph.add(Status(status=429, retry_after="7"))

    why = await asked(ping, "graph")

    assert why is not None
    assert (why.origin, why.after) == ("mailbox", 7)


@pytest.mark.parametrize("status", [403, 404])
async def test_graph_that_refuses_one_mailbox_is_there(sound: Sandbox, ping: Ping, status: int) -> None:
    sound.faults.graph.add(Status(status=status))

    assert await asked(ping, "graph") is None


async def test_no_token_from_entra_id_is_an_outage_of_graph(sound: Sandbox, ping: Ping) -> None:
    sound.faults.entra.add(Status(status=400, code="90033"))

    why = await asked(ping, "graph")

    assert why is not None
    assert (why.origin, why.rejected) == ("graph", False)


async def test_a_client_secret_that_is_rejected_though_it_was_read_just_now(
    key_vault: KeyVault, ping: Ping
) -> None:
    key_vault.secrets.enable("graph-client-secret", enabled=False)
    key_vault.secrets.set("graph-client-secret", "wrong")

    why = await asked(ping, "graph")

    assert why is not None
    assert (why.origin, why.rejected) == ("graph", True)


@pytest.mark.parametrize("is_logged_in", [False, True])
@pytest.mark.parametrize("fault", [Status(status=503), Status(status=500), Down(), Cut(bytes=3)])
async def test_a_vault_down_is_an_outage_of_the_vault(
    sound: Sandbox, ping: Ping, fault: AnyFault, is_logged_in: bool
) -> None:
    if is_logged_in:
        assert await asked(ping, "vault") is None
    placed = sound.faults.vault.add(fault)

    why = await asked(ping, "vault")

    assert why is not None
    assert (why.origin, why.rejected, placed.struck) == ("vault", False, 1)


async def test_a_password_that_is_rejected_though_it_was_read_just_now(
    key_vault: KeyVault, ping: Ping
) -> None:
    key_vault.secrets.set("mfiles-password", "wrong")

    why = await asked(ping, "vault")

    assert why is not None
    assert (why.origin, why.rejected) == ("vault", True)


async def test_secrets_that_are_kept_do_not_hide_that_key_vault_is_down(
    services: Services, key_vault: KeyVault, ping: Ping
) -> None:
    await services.secrets.get("mfiles-password")
    key_vault.status = 403

    why = await asked(ping, "keyvault")

    assert why is not None
    assert why.origin == "keyvault"
    key_vault.status = None
    assert await asked(ping, "keyvault") is None


@pytest.mark.parametrize(
    ("step", "secrets"),
    [
        ("staging", ["graph-client-secret"]),
        ("mailbox", ["graph-client-secret"]),
        ("filing", ["mfiles-username", "mfiles-password"]),
    ],
)
async def test_the_secrets_that_are_asked_for_are_those_of_the_step(
    key_vault: KeyVault, ping: Ping, step: Step, secrets: list[str]
) -> None:
    await asked(ping, "keyvault", step)

    assert dict(key_vault.reads) == dict.fromkeys(secrets, 1)


async def test_without_its_secrets_the_vault_cannot_be_asked_and_the_reason_is_key_vault(
    key_vault: KeyVault, ping: Ping
) -> None:
    key_vault.status = 403

    why = await asked(ping, "vault")

    assert why is not None
    assert why.origin == "keyvault"
