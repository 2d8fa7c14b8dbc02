"""The values of both templates, written alike: each expression of Bicep in the words of Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .bicep_text import Loop, Node
from .templates import resources, terraform
from .translation import MAIN, Place, terraform_of

_NAME = re.compile(r"\w+")
_REGISTERED = "local.owns_registration ? azuread_application.app[0].client_id : var.graph_client_id"
_TERRAFORM_CALLS = {
    "take(local.plain, 8)": "local.plain",
    "local.prefix": "var.name",
    "local.most_instances": "var.maximum_instance_count",
    _REGISTERED: "local.graph_client_id",
    "var.location": "local.location",
    "var.graph_tenant_id": "local.graph_tenant_id",
    "var.graph_authority": "local.graph_authority",
}
"""What Terraform finds out in a local where Bicep has a parameter, or the other way."""


def bicep_values(module: str, symbol: str) -> dict[str, str]:
    """What stands in a resource, by the way to it; `module` is what main.bicep calls the file that has it."""
    place = Place().module(module)
    body = place.file.resources[symbol].body
    return {path: in_terraforms_words(value) for path, value in _leaves(body, place, "")}


def in_terraforms_words(value: str) -> str:
    for here, there in _TERRAFORM_CALLS.items():
        value = re.sub(rf"(?<!\w){re.escape(here)}(?!\w)", there, value)
    # A text of nothing but another one.
    return re.sub(r'\$\{"([^"]*)"\}', r"\1", value)


def _leaves(node: Node, place: Place, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Loop):
        item, _, over = node.head.partition(" in ")
        yield f"{path}.for_each", terraform_of(over, place)
        names = frozenset(re.findall(r"\w+", item))
        yield from _leaves(node.body, replace(place, items=place.items | names), path)
    elif isinstance(node, dict):
        for key, inner in node.items():
            if key.startswith("${"):
                yield path, terraform_of(f"'{key}'", place)
            elif key not in ("dependsOn", "parent"):
                yield from _leaves(inner, place, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from _leaves(inner, place, f"{path}[{number}]" if len(node) > 1 else path)
    else:
        meant, there = _meant(node, place)
        if isinstance(meant, str):
            yield path, terraform_of(node, place)
        else:
            yield from _leaves(meant, there, path)


def _meant(expression: str, place: Place) -> tuple[Node, Place]:
    """What a mere name stands for, in the file where that is written."""
    if not _NAME.fullmatch(expression) or place.name == MAIN:
        return expression, place
    if expression in place.arguments and place.user is not None:
        return _meant(str(place.arguments[expression]), place.user)
    if expression in place.file.variables:
        node = place.file.variables[expression]
        return _meant(node, place) if isinstance(node, str) else (node, place)
    return expression, place


def terraform_values(address: str) -> dict[str, str]:
    """What stands in a resource, by the way to it, without the index of a block that there is one of."""
    kind, name = address.split(".")
    return dict(_terraform_leaves(resources(kind)[name], ""))


def _terraform_leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "dynamic":
                for block in inner:
                    yield from _dynamic(block, path)
            elif not key.startswith("__") and key != "depends_on":
                yield from _terraform_leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _terraform_leaves(inner, f"{path}[{number}]" if len(value) > 1 else path)
    else:
        yield path, text(value)


def _dynamic(block: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    ((label, inner),) = ((key, one) for key, one in block.items() if not key.startswith("__"))
    name = label.strip('"')
    here = f"{path}.{name}" if path else name
    yield f"{here}.for_each", text(inner["for_each"])
    for way, value in _terraform_leaves(inner["content"], here):
        yield way, re.sub(rf"(?<!\w){name}\.(value|key)\b", r"each.\1", value)


def text(value: Any) -> str:
    """A value of the parser as it is written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    found = re.sub(r"\s+", " ", str(value))
    return found[2:-1] if found.startswith("${") and _closed_at(found) == len(found) - 1 else found


def _closed_at(found: str) -> int:
    """Where the bracket is closed that the text begins with."""
    depth = 0
    for at, char in enumerate(found):
        depth += (char == "{") - (char == "}")
        if char == "}" and depth == 0:
            return at
    return -1


def outputs_of_bicep() -> dict[str, str]:
    place = Place()
    return {
        name: in_terraforms_words(terraform_of(str(value), place))
        for name, value in place.file.outputs.items()
    }


def outputs_of_terraform() -> dict[str, str]:
    return {labels[0]: text(block["value"]) for labels, block in terraform()["output"]}


def settings_of_bicep() -> dict[str, str]:
    """The application settings with their values."""
    place = Place().module("app")
    platform = place.file.variables["platformSettings"]
    own, user = place.arguments["settings"], place.user
    assert isinstance(platform, list)
    assert isinstance(own, dict)
    assert user is not None
    found = {name: terraform_of(str(value), user) for name, value in own.items()}
    for one in platform:
        assert isinstance(one, dict)
        found[str(one["name"]).strip("'")] = terraform_of(str(one["value"]), place)
    return {name: in_terraforms_words(value) for name, value in found.items()}


def settings_of_terraform() -> dict[str, str]:
    app = resources("azurerm_function_app_flex_consumption")["app"]
    return {name.strip('"'): text(value) for name, value in app["app_settings"].items()}


def local_text(name: str) -> str:
    """The value of a local of Terraform as it is written."""
    (found,) = (block[name] for _, block in terraform()["locals"] if name in block)
    return text(found)


def variable_of_bicep(name: str) -> str:
    """The value of a variable of main.bicep."""
    place = Place()
    return in_terraforms_words(terraform_of(str(place.file.variables[name]), place))


def condition_of_bicep(module: str) -> str:
    """On which main.bicep uses a module; empty: always."""
    place = Place()
    return in_terraforms_words(terraform_of(place.file.modules[module].condition, place))
