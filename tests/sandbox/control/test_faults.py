"""Faults are set, shown and taken away at the control address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.control import application
from sandbox.faults import ServiceFaults, Status, refusals
from sandbox.serving import Served, serve
from sandbox.tenant.graph import Tenant
from sandbox.vault import ExampleVault
from sandbox.vault import application as vault_application

pytestmark = pytest.mark.anyio


@pytest.fixture
def faults() -> ServiceFaults:
    return ServiceFaults()


@pytest.fixture
async def vault(faults: ServiceFaults, tmp_path: Path) -> AsyncIterator[Served]:
    """A vault whose faults can be set."""
    vault = ExampleVault(tmp_path / "vault")
    site = faults.vault.wire(vault_application(vault), refusals.vault, vault.expire_tokens)
    served = await serve(site, context=None)
    yield served
    await served.close()


@pytest.fixture
async def client(faults: ServiceFaults, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    tenant = Tenant(tmp_path / "tenant", "84bd8158-6d4d-4958-8b9f-9d6445542f95")
    served = await serve(application(tenant, ExampleVault(tmp_path / "other"), faults), context=None)
    async with httpx.AsyncClient(base_url=served.origin) as opened:
        yield opened
    await served.close()


async def test_a_fault_is_set_strikes_and_is_taken_away(client: httpx.AsyncClient, vault: Served) -> None:
    body = {"kind": "status", "status": 503, "retry_after": "2.5", "route": "GET /REST/server/", "times": 5}

    added = await client.post("/faults/vault", json=body)

    assert added.status_code == 201
    assert added.json() == {"odds": 1.0, "after": 0, "code": None, "message": None} | body
    async with httpx.AsyncClient(base_url=vault.origin) as caller:
        struck = await caller.get("/REST/server/status")
        assert (struck.status_code, struck.headers["Retry-After"]) == (503, "2.5")
        shown = (await client.get("/faults")).json()
        assert shown["vault"] == {"seed": 0, "faults": [{"fault": added.json(), "seen": 1, "struck": 1}]}
        assert (await client.delete("/faults/vault")).status_code == 204
        assert (await caller.get("/REST/server/status")).status_code == 200


async def test_faults_of_all_services_are_shown_and_cleared(
    client: httpx.AsyncClient, faults: ServiceFaults
) -> None:
    for service in faults.by_name().values():
        service.add(Status(500))

    shown = (await client.get("/faults")).json()

    assert set(shown) == {"entra", "graph", "identity", "keyvault", "vault"}
    assert all(len(one["faults"]) == 1 for one in shown.values())
    assert (await client.delete("/faults")).status_code == 204
    assert all(not one["faults"] for one in (await client.get("/faults")).json().values())


async def test_clearing_one_service_leaves_the_others(
    client: httpx.AsyncClient, faults: ServiceFaults
) -> None:
    faults.graph.add(Status(500))
    faults.entra.add(Status(500))

    await client.delete("/faults/entra")

    assert (len(faults.graph.placed), len(faults.entra.placed)) == (1, 0)


async def test_the_seed_is_settable(client: httpx.AsyncClient) -> None:
    assert (await client.put("/faults/graph/seed", content="42")).status_code == 204

    assert (await client.get("/faults")).json()["graph"]["seed"] == 42
    assert (await client.put("/faults/graph/seed", content='"x"')).status_code == 400


@pytest.mark.parametrize(
    ("service", "body", "status"),
    [
        ("vault", '{"kind": "status", "status": 200}', 400),
        ("vault", "not json", 400),
        ("entra", '{"kind": "expire"}', 400),
        ("storage", '{"kind": "down"}', 404),
    ],
)
async def test_what_cannot_be_provoked_is_refused_with_its_reason(
    client: httpx.AsyncClient, service: str, body: str, status: int
) -> None:
    answer = await client.post(f"/faults/{service}", content=body)

    assert answer.status_code == status
    assert answer.text
