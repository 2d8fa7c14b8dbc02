"""When a fault of a running service strikes: routes, times, odds, tokens that end."""

from __future__ import annotations

import httpx
import pytest

from sandbox.faults import Expire, ServiceFaults, Status

from .conftest import Clients

pytestmark = pytest.mark.anyio


async def statuses(client: httpx.AsyncClient, path: str, number: int) -> list[int]:
    return [(await client.get(path)).status_code for _ in range(number)]


async def test_only_the_requests_of_a_route_are_struck(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    """Clients escape `@` and `$` as they like; a route is written without."""
    user = message.split("/")[1]
    placed = faults.graph.add(Status(429, route=rf"GET ^/v1\.0/users/{user}/messages/[^/]+/\$value$"))

    struck = await clients.graph.get(f"{message.replace('@', '%40')}/$value")

    assert struck.status_code == 429
    assert (await clients.graph.get(message)).status_code == 200
    assert (placed.seen, placed.struck) == (1, 1)


async def test_a_query_belongs_to_the_route(clients: Clients, faults: ServiceFaults, message: str) -> None:
    faults.graph.add(Status(429, route=r"GET \?\$select=subject$"))

    assert (await clients.graph.get(message, params={"$select": "subject"})).status_code == 429
    assert (await clients.graph.get(message, params={"$select": "id"})).status_code == 200


async def test_a_fault_begins_and_ends(clients: Clients, faults: ServiceFaults, message: str) -> None:
    faults.graph.add(Status(503, after=2, times=2))

    assert await statuses(clients.graph, message, 6) == [200, 200, 503, 503, 200, 200]


async def test_a_seed_repeats_the_same_run(clients: Clients, faults: ServiceFaults, message: str) -> None:
    runs = []
    for seed in (11, 11, 12):
        faults.graph.clear()
        faults.graph.seed = seed
        faults.graph.add(Status(503, odds=0.5))
        runs.append(await statuses(clients.graph, message, 30))

    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 503}


async def test_one_service_does_not_suffer_from_another(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    faults.vault.add(Status(503))

    assert (await clients.graph.get(message)).status_code == 200
    assert (await clients.secret()).status_code == 200


async def test_tokens_of_graph_end_after_so_many_calls(
    clients: Clients, faults: ServiceFaults, message: str
) -> None:
    faults.graph.add(Expire(after=2))

    assert await statuses(clients.graph, message, 4) == [200, 200, 401, 401]
    refused = await clients.graph.get(message)
    assert refused.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert (await clients.secret()).status_code == 200, "tokens for others stay"
    clients.use_new_tokens()
    assert await statuses(clients.graph, message, 2) == [200, 200]


async def test_tokens_of_key_vault_end(clients: Clients, faults: ServiceFaults) -> None:
    faults.keyvault.add(Expire(after=1))

    assert [(await clients.secret()).status_code for _ in range(3)] == [200, 401, 401]
    clients.use_new_tokens()
    assert (await clients.secret()).status_code == 200


async def test_tokens_of_the_vault_end_after_so_many_calls(clients: Clients, faults: ServiceFaults) -> None:
    faults.vault.add(Expire(after=2))

    assert await statuses(clients.vault, "objects?p0=x", 4) == [200, 200, 403, 403]
    await clients.log_in()
    assert await statuses(clients.vault, "objects?p0=x", 2) == [200, 200]
