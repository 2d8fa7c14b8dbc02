"""The published types of Graph, where they stand beside the checkout, as the measure of every answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[4]
TYPES = CHECKOUT.parent / "shared" / "reference" / "graph-mail-types.json"
CORPUS = CHECKOUT.parent / "shared" / "mail-corpus"


class PublishedTypes:
    """Finds what an answer has that its type has not."""

    def __init__(self) -> None:
        self._types: Mapping[str, Any] = json.loads(TYPES.read_text(encoding="utf-8"))["types"]

    def faults(self, value: Any, type_name: str, place: str = "") -> list[str]:
        """Unknown properties, unknown enumeration members, and nulls that may not be, each with its place."""
        declared = self._types[type_name]
        if declared["kind"] == "enum":
            return [] if value in declared["members"] else [f"{place}: {value}"]
        actual = value.get("@odata.type", "").removeprefix("#microsoft.graph.")
        properties = self._properties(actual if actual in self._types else type_name)
        found = []
        for name, content in value.items():
            if "@odata." in name:
                continue
            if name not in properties:
                found.append(f"{place}/{name}")
                continue
            found += self._property_faults(content, properties[name], f"{place}/{name}")
        return found

    def _property_faults(self, content: Any, declared: Mapping[str, Any], place: str) -> list[str]:
        if content is None:
            return [] if declared["nullable"] else [f"{place}: null"]
        kind: str = declared["type"]
        if kind.startswith("Collection("):
            inner = {"type": kind[11:-1], "nullable": False}
            return [fault for one in content for fault in self._property_faults(one, inner, place)]
        return self.faults(content, kind, place) if kind in self._types else []

    def _properties(self, type_name: str) -> dict[str, Mapping[str, Any]]:
        declared = self._types[type_name]
        links = {name: {"type": kind, "nullable": True} for name, kind in declared["navigation"].items()}
        inherited = self._properties(declared["base"]) if declared["base"] else {}
        return {**inherited, **declared["properties"], **links}
