"""Automatic values: a text with placeholders for other properties.

userguide.m-files.com, Automatic values for properties: `%PROPERTY_1321%` stands for what property 1321 shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sandbox.vault.structure import ObjectClass, Structure
from sandbox.vault.typed_values import display_value
from sandbox.vault.values import Value, read_line

_PLACEHOLDER = re.compile(r"%PROPERTY_(\d+)%")


def automatic_values(
    classes: Iterable[ObjectClass], values: Mapping[int, Value], structure: Structure
) -> dict[int, Value]:
    """The automatic values of the properties of these classes, made of `values`."""
    numbers = {number for one in classes for number in (*one.required, *one.optional)}
    automatic = [structure.properties[number] for number in sorted(numbers)]
    return {
        definition.id: read_line(_filled(definition.automatic, values, structure), "An automatic value")
        for definition in automatic
        if definition.automatic
    }


def _filled(text: str, values: Mapping[int, Value], structure: Structure) -> str:
    def shown(match: re.Match[str]) -> str:
        definition = structure.properties[int(match[1])]
        return display_value(definition, values.get(definition.id), structure)

    return " ".join(_PLACEHOLDER.sub(shown, text).split())
