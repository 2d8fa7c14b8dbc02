"""Bodies that the tests send, and how they send them."""

from __future__ import annotations

from typing import Any

import httpx

MAIL, INVOICE, PURCHASE_ORDER = 207, 208, 211
KEY, FROM, TO = 1301, 1302, 1303

Json = dict[str, Any]


def text(number: int, value: str) -> Json:
    return {"PropertyDef": number, "TypedValue": {"DataType": 1, "Value": value}}


def lines(number: int, value: str) -> Json:
    return {"PropertyDef": number, "TypedValue": {"DataType": 13, "Value": value}}


def value(number: int, data_type: int, content: object) -> Json:
    return {"PropertyDef": number, "TypedValue": {"DataType": data_type, "Value": content}}


def lookup(number: int, item: int, version: int = -1) -> Json:
    typed = {"DataType": 9, "Lookup": {"Item": item, "Version": version}}
    return {"PropertyDef": number, "TypedValue": typed}


def lookups(number: int, *items: int) -> Json:
    typed = {"DataType": 10, "Lookups": [{"Item": item, "Version": -1} for item in items]}
    return {"PropertyDef": number, "TypedValue": typed}


def file(upload: Json, title: str | None, extension: str | None) -> Json:
    return {
        "UploadID": upload["UploadID"],
        "Title": title,
        "Extension": extension,
        "Size": upload["Size"],
    }


def document(
    *more: Json,
    title: str = "Offer 4711",
    class_id: int = MAIL,
    single: bool = False,
    files: list[Json] | None = None,
) -> Json:
    """The body that creates a document."""
    basics = [text(0, title), value(22, 8, single), lookup(100, class_id)]
    return {"PropertyValues": [*basics, *more], "Files": files or []}


async def upload(client: httpx.AsyncClient, content: bytes = b"bytes of a file") -> Json:
    answer = await client.post("files", content=content)
    assert answer.status_code == 200, answer.text
    info: Json = answer.json()
    return info


async def create(client: httpx.AsyncClient, body: Json, object_type: int = 0) -> Json:
    answer = await client.post(f"objects/{object_type}", json=body)
    assert answer.status_code == 200, answer.text
    created: Json = answer.json()
    return created


async def refused(client: httpx.AsyncClient, body: Json, object_type: int = 0) -> str:
    """The reason for which a creation is refused."""
    answer = await client.post(f"objects/{object_type}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["Status"] == 400
    message: str = answer.json()["Message"]
    return message


async def found(client: httpx.AsyncClient, query: str) -> list[int]:
    """The ids of the objects that a search finds."""
    answer = await client.get(f"objects?{query}")
    assert answer.status_code == 200, answer.text
    return [item["ObjVer"]["ID"] for item in answer.json()["Items"]]
