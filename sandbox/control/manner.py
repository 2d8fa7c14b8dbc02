"""How a mail is to come, as the query of its delivery says."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from multidict import MultiMapping

from sandbox.tenant.graph import Link, Manner, Scan

KNOWN = frozenset({"folder", "draft", "outlook-items", "regenerated", "scan", "link"})


def manner_of(query: MultiMapping[str]) -> Manner:
    """`draft`, `outlook-items`, `regenerated`: true or false; `scan`: done, withheld, placeholder; `link`.

    A link is a name, a space and an address; there may be several. Raises HTTPBadRequest for anything else.
    """
    unknown = set(query) - KNOWN
    if unknown:
        raise web.HTTPBadRequest(text=f"unknown: {', '.join(sorted(unknown))}")
    return Manner(
        draft=_flag(query, "draft"),
        outlook_items=_flag(query, "outlook-items"),
        links=tuple(map(_link, query.getall("link", []))),
        scan=_scan(query.get("scan", Scan.DONE.value)),
        regenerated=_flag(query, "regenerated"),
    )


def flag(text: str) -> bool:
    """What `true` or `false` says. Raises HTTPBadRequest for anything else."""
    if text not in ("true", "false"):
        raise web.HTTPBadRequest(text=f"neither true nor false: {text}")
    return text == "true"


def _flag(query: Mapping[str, str], name: str) -> bool:
    return flag(query.get(name, "false"))


def _link(text: str) -> Link:
    name, _, url = text.rpartition(" ")
    if not name:
        raise web.HTTPBadRequest(text="a link is a name, a space and an address")
    return Link(name, url)


def _scan(text: str) -> Scan:
    try:
        return Scan(text)
    except ValueError:
        raise web.HTTPBadRequest(text=f"no state of a scan: {text}") from None
