"""What a client logs in with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from msgspec import field as wire


class Authentication(Struct, frozen=True, rename="pascal", forbid_unknown_fields=True):
    """The body of a request for a token. What the example vault has no use for must be empty.

    developer.m-files.com/APIs/REST-API/Reference/structs/authentication
    """

    username: str
    password: str
    vault_guid: str | None = None
    expiration: Annotated[datetime, Meta(tz=True)] | None = None
    session_id: str | None = wire(name="SessionID", default=None)
    computer_name: str | None = None
    domain: str | None = None
    windows_user: bool | None = None
    read_only: bool | None = None
    url: str | None = wire(name="URL", default=None)
    method: str | None = None

    @property
    def unsupported(self) -> list[str]:
        """The names of options that ask for what is not held here."""
        asked = {
            "ReadOnly": self.read_only,
            "URL": self.url,
            "Method": self.method,
        }
        return [name for name, value in asked.items() if value]
