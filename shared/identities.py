"""The names by which mails and sources are known (design, section 3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

SOURCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MESSAGE_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,1024}")
SUBSCRIPTION_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
"""A GUID, in whatever form (learn.microsoft.com/graph/api/resources/subscription)."""
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

    At most 107 characters; Graph takes 128 (learn.microsoft.com/graph/api/resources/subscription).
    """
    digest = hmac.new(key.encode(), source.encode(), hashlib.sha256).digest()
    return f"{source}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def proven_source(state: str | None, keys: Iterable[str]) -> str | None:
    """The source that `state` proves, or None; compared in constant time with each version of the key."""
    if state is None:
        return None
    source = state.partition(".")[0]
    if not SOURCE_NAME.fullmatch(source):
        return None
    offered = state.rstrip("=").encode(errors="replace")
    matches = [hmac.compare_digest(client_state(source, key).encode(), offered) for key in keys]
    return source if any(matches) else None
