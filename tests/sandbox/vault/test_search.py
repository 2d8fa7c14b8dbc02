"""Searches: MFWS reference, Syntax, Search conditions."""

from __future__ import annotations

from urllib.parse import quote_plus

import httpx
import pytest

from tests.sandbox.vault.bodies import (
    FROM,
    KEY,
    TO,
    create,
    document,
    found,
    lines,
    lookup,
    lookups,
    text,
    value,
)
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

KEY_OF_A_MAIL = "0f" * 16


@pytest.fixture
async def mails(client: httpx.AsyncClient) -> tuple[int, int]:
    """Two mails that differ in everything."""
    one = document(
        text(KEY, KEY_OF_A_MAIL),
        text(FROM, "ada@example.com"),
        lines(TO, "a@x.example; b+c@y.example"),
        value(1309, 7, "2026-11-24T16:37:44Z"),
        value(1310, 5, "2026-11-24"),
        value(1312, 8, True),
        value(1316, 2, 2),
        value(1311, 6, "16:37:44"),
        value(1317, 3, 1.5),
        lookup(1313, 5),
        lookups(1315, 11, 12),
    )
    two = document(
        text(KEY, "1" * 32),
        value(1309, 7, "2026-11-25T08:00:00Z"),
        value(1310, 5, "2026-11-25"),
        value(1312, 8, False),
        value(1316, 2, 10),
        lookup(1313, 2),
        lookups(1315, 14),
        title="[1] Größe & Preis",
    )
    first, second = await create(client, one), await create(client, two)
    return first["ObjVer"]["ID"], second["ObjVer"]["ID"]


FIND_THE_FIRST = [
    f"p{KEY}={KEY_OF_A_MAIL}",
    f"o=0&p{KEY}={KEY_OF_A_MAIL}&d=include",
    f"p{FROM}=ada%40example.com",
    f"p{FROM}*=example",
    f"p{FROM}%2A=example",
    f"p{FROM}^=ada",
    f"p{FROM}**=a?a@*",
    f"p{TO}*=b%2Bc",
    f"p{FROM}!=%00",
    "p1312=true",
    "p1312!=false",
    "p1316=2",
    "p1311=16:37:44",
    "p1311>>=16:00:00",
    "p1317=1.5",
    "p1317<=2",
    "p1317>>=-1.5",
    "p1316<=2",
    "p1316<<=10",
    "p1310=2026-11-24",
    "p1310<=2026-11-24",
    "p1310!>>=2026-11-24",
    "p1309=2026-11-24T16:37:44Z",
    "p1309<<=2026-11-25",
    "p1313=5",
    "p1315=12",
    "p1315=99,11",
    "p100=207&p1313=5",
]


async def test_a_condition_finds_what_meets_it(client: httpx.AsyncClient, mails: tuple[int, int]) -> None:
    for query in FIND_THE_FIRST:
        assert await found(client, query) == [mails[0]], query


FIND_THE_SECOND = [
    f"p0={quote_plus('[1] Größe & Preis')}",
    f"p0**={quote_plus('[1]*')}",
    f"p{FROM}=%00",
    f"p{KEY}!={KEY_OF_A_MAIL}",
    "p1316>>=2",
    "p1316>=10",
    "p1309>=2026-11-25",
    "p1315=14",
]


async def test_another_condition_finds_the_other(client: httpx.AsyncClient, mails: tuple[int, int]) -> None:
    for query in FIND_THE_SECOND:
        assert await found(client, query) == [mails[1]], query


FIND_NOTHING = [
    f"p{KEY}={KEY_OF_A_MAIL.upper()}",
    f"p{KEY}={KEY_OF_A_MAIL[:-1]}",
    f"p{FROM}=ada",
    f"o=136&p{KEY}={KEY_OF_A_MAIL}",
    f"d=true&p{KEY}={KEY_OF_A_MAIL}",
    "p1313=5&p1313=2",
]


async def test_conditions_that_nothing_meets_find_nothing(
    client: httpx.AsyncClient, mails: tuple[int, int]
) -> None:
    for query in FIND_NOTHING:
        assert await found(client, query) == [], query


async def test_deleted_objects_are_found_only_when_asked_for(
    site: Site, client: httpx.AsyncClient, mails: tuple[int, int]
) -> None:
    site.vault.delete(mails[0])
    query = f"p{KEY}={KEY_OF_A_MAIL}"
    assert await found(client, query) == []
    assert await found(client, f"{query}&d=false") == []
    assert await found(client, f"{query}&d=include") == [mails[0]]
    assert await found(client, "d=true") == [mails[0]]
    assert await found(client, "") == [mails[1]]


async def test_an_answer_says_when_there_is_more(client: httpx.AsyncClient, mails: tuple[int, int]) -> None:
    first = (await client.get("objects?limit=1")).json()
    everything = (await client.get("objects?limit=0")).json()
    assert first.keys() == {"Items", "MoreResults"}
    assert (len(first["Items"]), first["MoreResults"]) == (1, True)
    assert (len(everything["Items"]), everything["MoreResults"]) == (2, False)


async def test_500_objects_are_sent_unless_asked_otherwise(client: httpx.AsyncClient, site: Site) -> None:
    await create(client, document())
    (stored,) = site.vault.store
    site.vault.store._objects.update({(0, number): stored for number in range(501)})
    answer = (await client.get("objects?o=0")).json()
    assert (len(answer["Items"]), answer["MoreResults"]) == (500, True)


NOT_UNDERSTOOD = [
    "q=offer",
    "vl101=High",
    "p1399=x",
    "p=x",
    f"p{KEY}",
    f"p{KEY}=",
    f"p{KEY}=a%00",
    f"P{KEY}=x",
    f"p{KEY}<=x",
    f"p{KEY}><=x",
    "p1312*=true",
    "p1312=yes",
    "p1312=1",
    "p1313<=5",
    "p1313=High",
    "p1313=5,2",
    "p1316=two",
    "p1311=16:37",
    "p1317=1,5",
    "p1317=inf",
    "p1317*=1",
    "p1316=%D9%A2",
    "p1316=99999999999",
    "p1315=11,",
    "p1310=24.11.2026",
    "p1309=2026-11-24T16:37:44",
    "p0=%FF",
    "o=7",
    "o=x",
    "o<=0",
    "d=yes",
    "d!=true",
    "d=include&d=true",
    "limit=-1",
    "limit=many",
    "limit=1&limit=2",
    "include=properties",
    "$filter=x",
]


async def test_what_is_not_understood_is_refused_and_never_ignored(client: httpx.AsyncClient) -> None:
    for query in NOT_UNDERSTOOD:
        answer = await client.get(f"objects?{query}")
        assert (answer.status_code, answer.json()["ExceptionName"]) == (400, "ArgumentException"), query


async def test_a_search_may_lag_behind_what_was_written(
    client: httpx.AsyncClient, site: Site, mails: tuple[int, int]
) -> None:
    """As one that an index answers; the object itself is there at once."""
    site.vault.search_lag = 60.0

    assert await found(client, f"o=0&p{KEY}={KEY_OF_A_MAIL}") == []
    assert (await client.get(f"objects/0/{mails[0]}/latest")).status_code == 200

    site.vault.search_lag = 0.0
    assert len(await found(client, f"o=0&p{KEY}={KEY_OF_A_MAIL}")) == 1
