"""When the documents of the vault were made."""

from __future__ import annotations

from sandbox.vault.vault import ExampleVault


class Documents:
    """When each document was made, by its filing key: each look reads only what is new."""

    def __init__(self, vault: ExampleVault) -> None:
        self._vault = vault
        self._made: dict[str, float] = {}
        self._read = 0

    def made(self) -> dict[str, float]:
        """In seconds since 1970. A document that is deleted later stays in it."""
        new = self._vault.objects(self._read)
        self._read += len(new)
        for one in new:
            self._made[str(one.values.get("Filing key"))] = one.created.timestamp()
        return self._made
