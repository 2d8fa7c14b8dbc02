"""What can go wrong, split by what the caller can do about it.

    VaultpostError
    ├── StartRefused            settings or configuration are wrong: nothing is started
    ├── Transient               again later, and when
    │   ├── Unavailable         a service is down, slow, throttling, or its answer was cut short
    │   ├── NotYet              what a message names cannot be read yet
    │   └── Stale               another worker changed the row or blob first
    └── Permanent               never by itself: why, and what to do
        ├── ConfigurationFault  a source cannot be served as configured; its mail waits
        └── MailFault           this one mail cannot be filed

No message of theirs holds a secret, or anything out of a mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Origin = Literal["graph", "vault", "keyvault", "storage", "mailbox", ""]
"""What a transient fault is of: a service, the one mailbox of a source, or, if empty, nothing of these."""


class VaultpostError(Exception):
    """Vaultpost met a fault."""


class StartRefused(VaultpostError):
    """The settings or the configuration are wrong."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(("Vaultpost cannot start:", *(f"- {fault}" for fault in self.faults))))


class Transient(VaultpostError):
    """It may work later: `after` is the number of seconds that the service asked to wait, if it did.

    `origin` is what has failed; `rejected` says that it has rejected a secret that was read just now.
    """

    def __init__(
        self, message: str, *, after: float | None = None, origin: Origin = "", rejected: bool = False
    ) -> None:
        self.after = after
        self.origin = origin
        self.rejected = rejected
        super().__init__(message)


class Unavailable(Transient):
    """A service is down, slow, throttling, or its answer was cut short."""


class NotYet(Transient):
    """What a message names cannot be read yet."""


class Stale(Transient):
    """Another worker changed the row or blob first."""


class Permanent(VaultpostError):
    """It will not work by itself: `reason` says why, `remedy` what a person can do."""

    def __init__(self, reason: str, remedy: str) -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason} {remedy}")


class ConfigurationFault(Permanent):
    """A source cannot be served as configured; its mail waits until that is mended."""


class MailFault(Permanent):
    """This one mail cannot be filed; `rule` is that of its source which had taken it, if one had."""

    rule = ""
