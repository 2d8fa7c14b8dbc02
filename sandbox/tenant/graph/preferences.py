"""The Prefer header (RFC 7240). Two preferences of Graph's mail matter here: kind of ids, size of pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from multidict import CIMultiDictProxy

IMMUTABLE_IDS = 'IdType="ImmutableId"'
PAGE_SIZE = re.compile(r"odata\.maxpagesize=(?P<size>[0-9]{1,9})", re.IGNORECASE)


def wants_immutable_ids(headers: CIMultiDictProxy[str]) -> bool:
    """Whether a request asks for immutable ids, in the only spelling that the documentation has.

    learn.microsoft.com/graph/outlook-immutable-id
    """
    return any(one.lower() == IMMUTABLE_IDS.lower() for one in _preferences(headers))


def wanted_page_size(headers: CIMultiDictProxy[str]) -> int | None:
    """The page size that a request prefers; None where it says none that can be honoured.

    It counts for this one request, as preferences do: learn.microsoft.com/graph/delta-query-messages
    """
    for one in _preferences(headers):
        found = PAGE_SIZE.fullmatch(one)
        if found is not None and int(found["size"]) > 0:
            return int(found["size"])
    return None


def _preferences(headers: CIMultiDictProxy[str]) -> Iterator[str]:
    return (one.strip() for value in headers.getall("Prefer", ()) for one in value.split(","))
