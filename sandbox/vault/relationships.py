"""Relationships between objects: every lookup that chooses an object makes one."""

from __future__ import annotations

from enum import Enum

from sandbox.vault.objects import Key, StoredObject


class Direction(Enum):
    """developer.m-files.com/APIs/REST-API/Reference, objects/(type)/(objectid)/(version)/relationships"""

    FROM = "from"
    TO = "to"
    BOTH = "both"

    def keys(self, stored: StoredObject) -> frozenset[Key]:
        """Which objects are related to one in this direction."""
        match self:
            case Direction.FROM:
                return stored.targets
            case Direction.TO:
                return frozenset(stored.sources)
            case Direction.BOTH:
                return stored.targets | stored.sources
