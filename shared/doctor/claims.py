"""What a token of Entra ID says of itself. It is for its service to verify: here it is only shown.

Source: learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec


class _Claims(msgspec.Struct):
    appid: str = ""
    azp: str = ""
    tid: str = ""
    oid: str = ""
    roles: list[str] | None = None
    nbf: int = 0


@dataclass(frozen=True)
class Claims:
    """The application and its tenant, the object id of its service principal, its permissions.

    `roles` is None where the token has no such claim. `not_before` is in Unix seconds.
    """

    app: str
    tenant: str
    principal: str
    roles: frozenset[str] | None
    not_before: int


def claims_of(token: str) -> Claims | None:
    """The claims of an access token; None for one that shows nothing, as any token may."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        read = msgspec.json.decode(body, type=_Claims)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    roles = None if read.roles is None else frozenset(read.roles)
    return Claims(read.appid or read.azp, read.tid, read.oid, roles, read.nbf)
