"""What the pipeline does not do yet is refused when the file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.configuration_places import Faults, Path
from shared.configuration_reader import listed

NOT_BUILT: Mapping[str, tuple[object, ...]] = {}
"""By place, the values that are accepted there today; where there are none, the key is refused. A place of a
source is meant in [defaults] and in a rule, too; `*` is any key."""


def note_what_is_not_built(
    data: Mapping[str, Any], not_built: Mapping[str, tuple[object, ...]], faults: Faults
) -> None:
    """Note the keys and values of the file's `data` that this version does not serve."""
    for place, accepted in not_built.items():
        for at, value in _found(data, place):
            if faults.are_at(at) or any(type(one) is type(value) and one == value for one in accepted):
                continue
            faults.add(
                at,
                f"must be {listed(accepted)} in this version."
                if accepted
                else "is not built yet. Leave it out.",
            )


def _found(data: Mapping[str, Any], place: str) -> Iterator[tuple[Path, Any]]:
    """The values at a place, and at those that say the same for several sources, or for a rule's mail."""
    first, *keys = place.split(".")
    yield from _below(data, (first, *keys), ())
    if first == "source":
        yield from _below(data, ("defaults", *keys), ())
        yield from _below(data, ("source", "rule", *keys), ())


def _below(value: object, keys: tuple[str, ...], at: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, list) and keys:
        for index, item in enumerate(value):
            yield from _below(item, keys, (*at, index))
    elif not keys:
        yield at, value
    elif isinstance(value, dict):
        first, *rest = keys
        for key in value if first == "*" else [first]:
            if key in value:
                yield from _below(value[key], tuple(rest), (*at, key))
