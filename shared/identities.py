"""The names by which mails and sources are known (design, section 3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence

SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MESSAGE_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,1024}")
SUBSCRIPTION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
"""A GUID, in whatever form (learn.microsoft.com/graph/api/resources/subscription)."""
LONGEST_STATE = 128
"""Characters of a client state (learn.microsoft.com/graph/api/resources/subscription)."""
_KEY_DIGITS = 32


def filing_key(source: str, message: str) -> str:
    """The filing key of the message with the immutable id `message`: 32 hex digits.

    Ids are case-sensitive, so they are hashed wherever a name is needed
    (learn.microsoft.com/graph/outlook-immutable-id).
    """
    return hashlib.sha256(f"{source}\0{message}".encode()).hexdigest()[:_KEY_DIGITS]


def linked_key(key: str, number: int) -> str:
    """The filing key of the document of an attachment: that of its mail, and its number."""
    return hashlib.sha256(f"{key}\0{number}".encode()).hexdigest()[:_KEY_DIGITS]


def client_state(source: str, key: str) -> str:
    """What a subscription of `source` carries, signed with the secret `notification-key`.

    At most 107 characters; Graph takes LONGEST_STATE.
    """
    digest = hmac.new(key.encode(), source.encode(), hashlib.sha256).digest()
    return f"{source}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def known_states(sources: Iterable[str], keys: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
    """The client states that prove each of `sources`, one for each version of the key.

    Worked out once, so that whoever sends forged ones by the thousand has nothing hashed.
    """
    return {source: tuple(client_state(source, key).encode() for key in keys) for source in sources}


def named_source(state: str | None) -> str | None:
    """The source that `state` names, which proves nothing; None if it is not even of the form."""
    if state is None or len(state) > LONGEST_STATE:
        return None
    source = state.partition(".")[0]
    return source if SOURCE_NAME.fullmatch(source) else None


def is_one_of(state: str, states: Iterable[bytes]) -> bool:
    """Whether a client state is one of the known ones: compared with each of them, in constant time.

    The time tells the length at most, which is that of the source's name and of a digest.
    """
    offered = state.rstrip("=").encode(errors="replace")
    matches = [hmac.compare_digest(known, offered) for known in states]
    return any(matches)


def proven_source(state: str | None, keys: Sequence[str]) -> str | None:
    """The source that `state` proves, or None; compared in constant time with each version of the key."""
    source = named_source(state)
    if state is None or source is None:
        return None
    return source if is_one_of(state, known_states([source], keys)[source]) else None
