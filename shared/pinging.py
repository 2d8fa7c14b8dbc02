"""Asking a service whether it is there: what a probe of it is, and what a mail is given up on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.breaker import Service, Step
from shared.configuration import Source
from shared.errors import Permanent, Transient, Unavailable, VaultpostError
from shared.graph.client import GraphClient
from shared.graph.faults import NotFound, Refused
from shared.secret_store import SecretStore
from shared.vault.mfiles import MFilesVault

WITHIN = 30.0
"""Seconds that a ping may take: well below the lease of a probe."""


class Ping(Protocol):
    """How a service is asked."""

    async def __call__(self, service: Service, step: Step, source: str) -> None:
        """Ask as `step` uses it for `source`. Raises what the service's client does."""


@dataclass(frozen=True)
class Pings:
    """Pings the real services. Each is built when it is first asked."""

    graph: Callable[[], GraphClient]
    vault: Callable[[], MFilesVault]
    secrets: Callable[[], SecretStore]
    sources: Mapping[str, Source]
    secrets_of: Callable[[Step], Sequence[str]]
    """The names of those that a step needs."""

    async def __call__(self, service: Service, step: Step, source: str) -> None:
        """As `Ping` says."""
        match service:
            case "graph":
                await self.graph().ping(self._mailbox(source))
            case "vault":
                await self.vault().ping()
            case "keyvault":
                for name in self.secrets_of(step):
                    await self.secrets().ping(name)

    def _mailbox(self, source: str) -> str:
        """That of the source; of any, for mail of one that is not configured any more."""
        return (self.sources.get(source) or next(iter(self.sources.values()))).mailbox


async def outage(ping: Ping, service: Service, step: Step, source: str) -> Transient | None:
    """Why `service` cannot be used now; None if it can, and if it answers but refuses."""
    try:
        async with asyncio.timeout(WITHIN):
            await ping(service, step, source)
    except TimeoutError:
        return Unavailable(f"{service} did not answer to a ping in {WITHIN:.0f} s", origin=service)
    except Transient as fault:
        return fault
    except (Permanent, NotFound, Refused):
        return None
    except VaultpostError as fault:
        return Unavailable(str(fault), origin=service)
    return None
