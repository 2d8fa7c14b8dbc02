"""Addresses of the items of value lists.

developer.m-files.com/APIs/REST-API/Reference/resources/valuelists/(id)/items. Whether these addresses also
serve the objects of a real object type is unverified: they do not.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from msgspec import Struct
from msgspec import field as wire

from sandbox.vault.dispatch import Call, Route
from sandbox.vault.errors import access_denied, invalid, json_response, not_found
from sandbox.vault.search import DEFAULT_LIMIT, read_limit, wildcard
from sandbox.vault.structure import ValueList
from sandbox.vault.values import read_line

NONE = 0
DEFAULT_PAGE_SIZE = 100


class NewItem(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """A ValueListItem to be created; `id`, `display_id` and the parent's fields mean nothing here."""

    name: str
    value_list_id: int = wire(name="ValueListID", default=0)
    has_owner: bool = False
    owner_id: int = wire(name="OwnerID", default=0)
    id: int = wire(name="ID", default=0)
    display_id: str | None = wire(name="DisplayID", default=None)
    has_parent: bool = False
    parent_id: int = wire(name="ParentID", default=0)


def _value_list(call: Call) -> ValueList:
    found = call.vault.structure.value_lists.get(call.number("id"))
    if found is None:
        raise not_found()
    return found


def _item(value_list: ValueList, number: int) -> dict[str, Any]:
    owner = value_list.owners.get(number)
    return {
        "DisplayID": value_list.external_ids.get(number, str(number)),
        "HasOwner": owner is not None,
        "HasParent": False,
        "ID": number,
        "Name": value_list.items[number],
        "OwnerID": NONE if owner is None else owner,
        "ParentID": NONE,
        "ValueListID": value_list.id,
    }


async def items(call: Call) -> web.StreamResponse:
    """The items, by their whole name, in which `*` and `?` are wildcards, and by their owner.

    The name goes by `name` (documented) or `filter` (what the official client sends). With `page` or
    `pagesize` one page is sent, else as many as `limit` says.
    """
    value_list = _value_list(call)
    if {"name", "filter"} <= call.options.keys():
        raise invalid("The name is given twice.")
    pattern = wildcard(call.options.get("name", call.options.get("filter", "*")))
    owner = _owner(call.options.get("owner"))
    found = [
        number
        for number, name in value_list.items.items()
        if pattern.fullmatch(name) and owner in (None, value_list.owners.get(number))
    ]
    first, last = _window(call)
    sent = found[first:last]
    more = first + len(sent) < len(found)
    return json_response({"Items": [_item(value_list, number) for number in sent], "MoreResults": more})


def _owner(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        raise invalid(f'"{text}" is not an owner.')
    return int(text)


def _window(call: Call) -> tuple[int, int | None]:
    """The first of the items sent, and the one after the last."""
    options = call.options
    if not options.keys() & {"page", "pagesize"}:
        return 0, read_limit(options.get("limit", str(DEFAULT_LIMIT))) or None
    if "limit" in options:
        raise invalid("A page has no limit.")
    size = read_limit(options.get("pagesize", str(DEFAULT_PAGE_SIZE)))
    page = read_limit(options.get("page", "1"))
    if not size or not page:
        raise invalid("Pages, and their sizes, count from 1.")
    return (page - 1) * size, page * size


async def one_item(call: Call) -> web.StreamResponse:
    """One item."""
    value_list, number = _value_list(call), call.number("item")
    if number not in value_list.items:
        raise not_found()
    return json_response(_item(value_list, number))


async def add_item(call: Call) -> web.StreamResponse:
    """A new item, with its owner in an owned list. A second one of the same name is made without a word.

    Whether the server does without `HasOwner`, and how it takes a name that is there, is unverified.
    """
    value_list, sent = _value_list(call), await call.body(NewItem)
    if not value_list.allow_adding:
        raise access_denied()
    if sent.value_list_id not in (0, value_list.id):
        raise invalid(f"Value list {sent.value_list_id} is another one.")
    if not sent.name.strip():
        raise invalid("An item needs a name.")
    name = read_line(sent.name, "The name of an item")
    number = call.vault.add_item(value_list, name, _new_owner(call, value_list, sent))
    return json_response(_item(_value_list(call), number))


def _new_owner(call: Call, value_list: ValueList, sent: NewItem) -> int | None:
    if value_list.owner is None:
        if sent.has_owner or sent.owner_id:
            raise invalid(f"Value list {value_list.id} has no owners.")
        return None
    if not sent.has_owner or not call.vault.structure.can_choose(value_list.owner, sent.owner_id):
        raise invalid(f"An item of value list {value_list.id} needs an owner from {value_list.owner}.")
    return sent.owner_id


ROUTES = (
    Route(
        "GET",
        "valuelists/{id}/items",
        items,
        options=frozenset({"filter", "name", "owner", "limit", "page", "pagesize"}),
    ),
    Route("POST", "valuelists/{id}/items", add_item),
    Route("GET", "valuelists/{id}/items/{item}", one_item),
)
