"""Query options, read as strictly as the OData of Microsoft Graph: learn.microsoft.com/graph/query-parameters

An option, a property or a form that the sandbox does not have is refused, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web
from yarl import URL

from sandbox.tenant.graph.errors import bad_request, invalid_filter, unknown_property
from sandbox.tenant.graph.schema import ATTACHMENT, MESSAGE, EntityType

Item = TypeVar("Item")

# Outlook's own page size, where the request does not say.
USUAL_PAGE = 10
LARGEST_PAGE = 1_000

EXPANSION = re.compile(r"attachments(?:\((?P<options>.*)\))?")
SELECTION = re.compile(r"\$select=(?P<names>[^;]+)")

RECEIVED = re.compile(
    r"receivedDateTime (?P<operator>ge|gt) "
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?(?:Z|[+-]\d\d:\d\d))"
)
ORDER = re.compile(r"receivedDateTime(?: (?P<direction>asc|desc))?")

Selection = tuple[str, ...] | None


@dataclass(frozen=True)
class Expansion:
    """`$expand=attachments`, with what it selects of them."""

    select: Selection


def options(request: web.Request, *allowed: str) -> dict[str, str]:
    """The query options of a request. Raises GraphError 400 for one not allowed here, or given twice."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in allowed:
            raise bad_request(f"The query parameter '{name}' is not supported.")
        if name in found:
            raise bad_request(
                f"Query option '{name}' was specified more than once, but it must be specified once."
            )
        found[name] = value
    return found


def selection(text: str | None, entity: EntityType) -> Selection:
    """The names in a `$select`, None without one. Names are case-sensitive. Raises GraphError 400."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in entity.selectable:
            raise unknown_property(name, entity.name)
    return names


@dataclass(frozen=True)
class Since:
    """`$filter` by the time of receipt, the one that mail has here; `exclusive` for `gt`."""

    time: datetime
    exclusive: bool

    def wants(self, received: datetime) -> bool:
        """Whether a message of this time is let through."""
        return received > self.time or (received == self.time and not self.exclusive)


def since(text: str | None) -> Since | None:
    """What a `$filter` says, None without one.

    Raises GraphError 400 for all but `receivedDateTime ge` or `gt` a time with its zone.
    """
    if text is None:
        return None
    found = RECEIVED.fullmatch(text)
    try:
        time = datetime.fromisoformat(found["time"]) if found else None
    except ValueError:
        time = None
    if found is None or time is None:
        raise invalid_filter(text)
    return Since(time.astimezone(UTC), found["operator"] == "gt")


def newest_first(text: str | None) -> bool:
    """Whether an `$orderby` is descending. Raises GraphError 400 for all but `receivedDateTime`."""
    found = ORDER.fullmatch(text) if text is not None else None
    if text is not None and found is None:
        raise invalid_filter(text)
    return found is not None and found["direction"] == "desc"


def expansion(text: str | None) -> Expansion | None:
    """What `$expand` of a message asks for. Raises GraphError 400 for all but attachments."""
    if text is None:
        return None
    found = EXPANSION.fullmatch(text.strip())
    if found is None:
        raise unknown_property(text.split("(")[0].strip(), MESSAGE.name)
    if found["options"] is None:
        return Expansion(None)
    selected = SELECTION.fullmatch(found["options"].strip())
    if selected is None:
        reason = f"Term '{text}' is not valid in a $select or $expand expression."
        raise bad_request(f"Parsing OData Select and Expand failed: {reason}")
    return Expansion(selection(selected["names"], ATTACHMENT))


@dataclass(frozen=True)
class Page:
    """One page of a collection: `top` items after the first `skip`."""

    top: int
    skip: int

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """The items on this page."""
        return items[self.skip : self.skip + self.top]

    def next_link(self, url: URL, total: int, option: str = "$skip") -> str | None:
        """The address of the following page, as opaque to the caller as the real one; None at the end."""
        if self.skip + self.top >= total:
            return None
        return str(url.update_query({option: str(self.skip + self.top)}))


def page(given: dict[str, str]) -> Page:
    """The page that `$top` and `$skip` ask for. Raises GraphError 400."""
    top = _number(given, "$top", USUAL_PAGE)
    if not 0 < top <= LARGEST_PAGE:
        raise bad_request(f"Invalid value '{top}' for $top query option found.")
    return Page(top, _number(given, "$skip", 0))


def _number(given: dict[str, str], name: str, otherwise: int) -> int:
    text = given.get(name)
    if text is None:
        return otherwise
    if re.fullmatch(r"[0-9]{1,9}", text) is None:
        raise bad_request(f"Invalid value '{text}' for {name} query option found.")
    return int(text)
