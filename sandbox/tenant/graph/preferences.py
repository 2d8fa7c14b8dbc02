"""The Prefer header (RFC 7240), of which Graph's mail has one that matters here: the kind of ids."""

from __future__ import annotations

from multidict import CIMultiDictProxy

IMMUTABLE_IDS = 'IdType="ImmutableId"'


def wants_immutable_ids(headers: CIMultiDictProxy[str]) -> bool:
    """Whether a request asks for immutable ids, in the only spelling that the documentation has.

    learn.microsoft.com/graph/outlook-immutable-id
    """
    preferences = (one.strip() for value in headers.getall("Prefer", ()) for one in value.split(","))
    return any(one.lower() == IMMUTABLE_IDS.lower() for one in preferences)
