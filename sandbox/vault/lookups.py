"""What the lookups of an object choose: items with owners, other objects."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.vault.errors import invalid
from sandbox.vault.objects import Key
from sandbox.vault.structure import Structure
from sandbox.vault.values import Value


def check_owners(values: Mapping[int, Value], structure: Structure) -> None:
    """An item of an owned list goes with its owner, where the object has a property for owners.

    The clients of M-Files offer only such items; whether the server refuses others is unverified.
    Raises ServiceError (400).
    """
    for number, value in values.items():
        value_list = structure.value_list_of(number)
        if value_list is None or value_list.owner is None:
            continue
        owners = _chosen_from(value_list.owner, values, structure)
        for item in _chosen(value):
            if owners and value_list.owners[item] not in owners:
                raise invalid(f"Property {number}: item {item} belongs to another owner.")


def _chosen(value: Value) -> tuple[int, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, int) else ()


def _chosen_from(list_id: int, values: Mapping[int, Value], structure: Structure) -> set[int]:
    return {
        item
        for number, value in values.items()
        if structure.properties[number].value_list == list_id
        for item in _chosen(value)
    }


def object_targets(values: Mapping[int, Value], structure: Structure) -> frozenset[Key]:
    """The objects that lookups name."""
    found: set[Key] = set()
    for number, value in values.items():
        list_id = structure.properties[number].value_list
        if list_id is not None and list_id in structure.object_types:
            found.update((list_id, item) for item in _chosen(value))
    return frozenset(found)
