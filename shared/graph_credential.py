"""What all ways of proving the app to Graph have in common: tokens are kept, and can be forgotten."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

PATIENCE: dict[str, Any] = {
    "retry_total": 2,
    "retry_status": 0,
    "retry_backoff_factor": 0.5,
    "retry_backoff_max": 2,
}
"""For the clients of azure-identity: what lasts longer, or is throttled, is put back (design, 4.8)."""


@dataclass(frozen=True)
class PassedOver:
    """The newest version of a secret, which is refused while a former one serves: why, and what to do."""

    secret: str
    reason: str
    remedy: str


@dataclass
class _Kept:
    """A credential of azure-identity, which keeps its tokens; it is closed once nobody waits for one."""

    credential: AsyncTokenCredential
    proof: str = field(repr=False)
    waiting: int = 0


class GraphCredential(ABC):
    """Gives tokens for Graph, as every credential of the Azure SDK does."""

    passed_over: PassedOver | None = None
    """None where the newest serves, or where there is no secret."""

    def __init__(self, build: Callable[[str], AsyncTokenCredential]) -> None:
        """`build` makes the credential of azure-identity from what the app proves itself with."""
        self._build = build
        self._kept: list[_Kept] = []
        self._retired: list[_Kept] = []

    @abstractmethod
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """A token for `scopes`, kept by azure-identity until shortly before its end.

        Raises CredentialFault, AzureError where a service does not answer, and what Key Vault's faults are.
        """

    def forget_token(self) -> None:
        """Get a new token for the next request: Graph has refused the one that is kept."""
        self._retire()

    async def close(self) -> None:
        """Close the connections."""
        self._retire()
        for kept in self._retired:
            await kept.credential.close()
        self._retired = []

    async def _token(self, proof: str, scopes: tuple[str, ...], options: dict[str, Any]) -> AccessToken:
        """A token by this proof. Those by others are kept until it has given one."""
        kept = next((one for one in self._kept if one.proof == proof), None)
        if kept is None:
            kept = _Kept(self._build(proof), proof)
            self._kept.append(kept)
        kept.waiting += 1
        try:
            token = await kept.credential.get_token(*scopes, **options)
            if kept in self._kept:
                self._retire(but=kept)
            return token
        finally:
            kept.waiting -= 1
            await self._close_unused()

    def _retire(self, *, but: _Kept | None = None) -> None:
        self._retired += [one for one in self._kept if one is not but]
        self._kept = [one for one in self._kept if one is but]

    async def _close_unused(self) -> None:
        unused = [kept for kept in self._retired if not kept.waiting]
        self._retired = [kept for kept in self._retired if kept.waiting]
        for kept in unused:
            await kept.credential.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()
