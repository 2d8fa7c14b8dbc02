"""What a vault has, as a client sees it that others wrote: `mfiles` of PyPI, over TLS."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfiles import MFilesClient  # type: ignore[import-untyped]

from sandbox.vault import ExampleVault

KEY = 1301


@dataclass(frozen=True)
class Seen:
    """An object: names where lookups have chosen, files by their names, the objects that name it."""

    type: int
    id: int
    title: str
    class_id: int
    values: dict[int, Any]
    files: dict[str, bytes]
    named_by: list[int]


@dataclass(frozen=True)
class SecondOpinion:
    """The client, logged in; `folder` is where its downloads go."""

    client: Any
    folder: Path

    @classmethod
    async def of(cls, origin: str, vault: ExampleVault, folder: Path) -> SecondOpinion:
        """One of the vault that is served there."""
        address = f"{origin}/REST/"
        client = await asyncio.to_thread(MFilesClient, address, vault.username, vault.password, vault.guid)
        return cls(client, folder)

    async def found(self, key: str, object_type: int = 0) -> list[Seen]:
        """The objects with that filing key."""
        return await asyncio.to_thread(self._found, f"o={object_type}&p{KEY}={key}")

    async def naming(self, number: int) -> list[Seen]:
        """The documents that name a document."""
        related = await asyncio.to_thread(self._related, number)
        return [await asyncio.to_thread(self._seen, one) for one in related]

    def _found(self, query: str) -> list[Seen]:
        return [self._seen(one) for one in self.client.search(query)["Items"]]

    def _related(self, number: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get(f"objects/0/{number}/latest/relationships?direction=to")
        return found

    def _seen(self, version: dict[str, Any]) -> Seen:
        kind, number = version["ObjVer"]["Type"], version["ObjVer"]["ID"]
        properties = self.client.get(f"objects/{kind}/{number}/latest/properties")
        return Seen(
            type=kind,
            id=number,
            title=version["Title"],
            class_id=version["Class"],
            values={one["PropertyDef"]: _readable(one["TypedValue"]) for one in properties},
            files={one["EscapedName"]: self._bytes(kind, number, one["ID"]) for one in version["Files"]},
            named_by=[one["ObjVer"]["ID"] for one in self._related(number)] if kind == 0 else [],
        )

    def _bytes(self, kind: int, number: int, file: int) -> bytes:
        copy = self.folder / f"{kind}-{number}-{file}"
        assert self.client.download_file(str(copy), kind, number, file)
        return copy.read_bytes()


def _readable(value: dict[str, Any]) -> Any:
    if "Lookup" in value:
        return value["Lookup"]["DisplayValue"]
    if "Lookups" in value:
        return [one["DisplayValue"] for one in value["Lookups"]]
    return value.get("Value")
