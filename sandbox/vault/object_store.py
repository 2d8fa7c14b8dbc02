"""The objects of a vault, by type and id, in the order of their creation."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.vault.lookups import object_targets
from sandbox.vault.objects import Key, StoredObject
from sandbox.vault.structure import Structure


class ObjectStore:
    """All objects, deleted ones included; what lookups choose from."""

    def __init__(self) -> None:
        self._objects: dict[Key, StoredObject] = {}
        self._external: dict[tuple[int, str], Key] = {}

    def __iter__(self) -> Iterator[StoredObject]:
        return iter(self._objects.values())

    def __reversed__(self) -> Iterator[StoredObject]:
        return reversed(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def __getitem__(self, key: Key) -> StoredObject:
        return self._objects[key]

    def add(self, stored: StoredObject, structure: Structure) -> None:
        """Keep a new object, and its relationships to others.

        Raises KeyError when a lookup names no object, ValueError when its id is taken.
        """
        if stored.key in self._objects:
            raise ValueError(f"object {stored.id} of type {stored.type} is there")
        stored.targets = object_targets(stored.values, structure)
        for key in stored.targets:
            self._objects[key].sources.add(stored.key)
        self._objects[stored.key] = stored
        if stored.external_id:
            self._external[stored.type, stored.external_id] = stored.key

    def get(self, object_type: int, number: int) -> StoredObject | None:
        """The object, or None."""
        return self._objects.get((object_type, number))

    def external(self, object_type: int, external_id: str) -> StoredObject | None:
        """The object of that external id, or None."""
        key = self._external.get((object_type, external_id))
        return None if key is None else self._objects[key]

    def title(self, object_type: int, number: int) -> str | None:
        """The title of an object, deleted ones included; None when there is none."""
        stored = self.get(object_type, number)
        return None if stored is None else stored.title

    def is_live(self, object_type: int, number: int) -> bool:
        """Whether there is such an object, and it is not deleted."""
        stored = self.get(object_type, number)
        return stored is not None and not stored.deleted
