"""The vault through a client that others wrote: `mfiles` 0.5.4 of PyPI, over TLS.

It needs `Single file` said to it, since the sandbox asks for property 22; it cannot send several items of one
property, nor an object without a file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from mfiles import MFilesClient, MFilesException  # type: ignore[import-untyped]

from sandbox.pki import Authority
from sandbox.vault import add_example_customers
from tests.sandbox.vault.bodies import create, document, lookup, lookups
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

CONTENT = b"Subject: Offer 4711\r\n\r\nA mail.\r\n" * 100
PROPERTIES: dict[str, object] = {
    "Single file": True,
    "Filing key": "0f" * 16,
    "From": "ada@contoso.com",
    "To": "a@example.com\nb@example.com",
    "Received": "2026-11-24T16:37:44Z",
    "Received date": "2026-11-24",
    "Received time": "16:37:44",
    "Has attachments": False,
    "Attachment count": 3,
    "Size in megabytes": 1.5,
    "Importance": "High",
}


@dataclass(frozen=True)
class Other:
    """The client and the site that it is logged in to."""

    site: Site
    client: Any

    async def do(self, name: str, *arguments: object) -> Any:
        """What a method gives; the client knows no asyncio."""
        return await asyncio.to_thread(getattr(self.client, name), *arguments)

    async def values(self, number: int) -> dict[int, Any]:
        """The typed values of a document by property."""
        sent = await self.do("get", f"objects/0/{number}/latest/properties")
        return {item["PropertyDef"]: item["TypedValue"] for item in sent}


@pytest.fixture
async def other(
    site: Site, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Other]:
    """It calls a document by the path of its file: so it works where the file is."""
    for name in ("MFILES_URL", "MFILES_USER", "MFILES_PASS", "MFILES_VAULT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Offer 4711.eml").write_bytes(CONTENT)
    vault = site.vault
    address = f"{site.origin}/REST/"
    made = await asyncio.to_thread(MFilesClient, address, vault.username, vault.password, vault.guid)
    yield Other(site, made)
    made.session.close()


async def test_it_uploads_a_mail_finds_it_and_reads_it_back(other: Other, tmp_path: Path) -> None:
    made = await other.do("upload_file", "Offer 4711.eml", "Document", "Mail", PROPERTIES)
    number = made["ObjVer"]["ID"]
    assert (made["Title"], made["Class"], made["SingleFile"]) == ("Offer 4711", 207, True)

    found = await other.do("search", f"o=0&p1301={'0f' * 16}")
    assert [item["ObjVer"]["ID"] for item in found["Items"]] == [number]

    (sent,) = found["Items"][0]["Files"]
    copy = tmp_path / "copy.eml"
    assert await other.do("download_file", str(copy), 0, number, sent["ID"])
    assert await asyncio.to_thread(copy.read_bytes) == CONTENT


async def test_it_reads_every_data_type_back(other: Other) -> None:
    made = await other.do("upload_file", "Offer 4711.eml", "Document", "Mail", PROPERTIES)
    values = await other.values(made["ObjVer"]["ID"])
    assert {number: values[number]["Value"] for number in (1301, 1302, 1303, 1312, 1316, 1317)} == {
        1301: "0f" * 16,
        1302: "ada@contoso.com",
        1303: "a@example.com\r\nb@example.com",
        1312: False,
        1316: 3,
        1317: 1.5,
    }
    assert values[1309]["Value"] == "2026-11-24T16:37:44Z"
    assert (values[1310]["DisplayValue"], values[1311]["Value"]) == ("24.11.2026", "16:37:44")
    assert values[1313]["Lookup"]["DisplayValue"] == "High"


async def test_it_reads_what_lookups_of_every_kind_have_chosen(
    other: Other, client: httpx.AsyncClient
) -> None:
    add_example_customers(other.site.vault)
    body = document(
        lookups(1315, 11, 14), lookup(1322, 12), lookups(1323, 31), lookup(1324, 34), lookup(1325, 46)
    )
    values = await other.values((await create(client, body))["ObjVer"]["ID"])
    assert {number: values[number]["DisplayValue"] for number in (1315, 1322, 1323, 1324, 1325)} == {
        1315: "Blue category; Projects",
        1322: "Contoso",
        1323: "Ada Lovelace",
        1324: "Support",
        1325: "Complaints",
    }
    assert await other.do("get_value_id", "General", 114, [34]) == 49


async def test_it_creates_an_object_of_a_file_that_is_there(other: Other) -> None:
    upload = await other.do("post", "files", b"%PDF-1.7")
    file = {"UploadID": upload["UploadID"], "Title": "offer", "Extension": "pdf", "Size": upload["Size"]}
    owned = {"Single file": False, "From": "ada@contoso.com"}
    made = await other.do("create_object", "Order 17", 0, "Purchase order", owned, file)
    assert (made["Title"], made["Files"][0]["EscapedName"]) == ("Order 17", "offer.pdf")


async def test_it_is_told_what_is_wrong(other: Other) -> None:
    upload = await other.do("post", "files", b"%PDF-1.7")
    file = {"UploadID": upload["UploadID"], "Title": "offer", "Extension": "pdf", "Size": upload["Size"]}
    with pytest.raises(MFilesException, match="Property 1302 must have a value in class 211"):
        await other.do("create_object", "Order 17", 0, "Purchase order", {"Single file": False}, file)


async def test_it_keeps_the_sticky_cookie_and_logs_in_anew(other: Other) -> None:
    assert "mfilesmsm" in other.client.session.cookies
    other.site.vault.expire_tokens()
    with pytest.raises(MFilesException, match="Token-based authentication failed"):
        await other.do("objects")
    await other.do("login")
    assert [item["ID"] for item in await other.do("objects")] == [0, 136, 138]
