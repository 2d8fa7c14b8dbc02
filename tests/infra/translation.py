"""What an expression of Bicep is in Terraform: each name is followed to what it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .bicep_text import File, Loop, Node, read
from .templates import snake

MAIN = "main.bicep"

RESOURCES = {
    ("modules/app-registration.bicep", "registration"): "azuread_application.app[0]",
    ("modules/app.bicep", "app"): "azurerm_function_app_flex_consumption.app",
    ("modules/app.bicep", "plan"): "azurerm_service_plan.app",
    ("modules/container.bicep", "container"): "azurerm_storage_container.mail",
    ("modules/identity.bicep", "identity"): "azurerm_user_assigned_identity.app",
    ("modules/keyvault.bicep", "vault"): "azurerm_key_vault.app",
    ("modules/monitoring.bicep", "component"): "azurerm_application_insights.app",
    ("modules/monitoring.bicep", "workspace"): "azurerm_log_analytics_workspace.app",
    ("modules/nat.bicep", "address"): "azurerm_public_ip.nat[0]",
    ("modules/nat.bicep", "gateway"): "azurerm_nat_gateway.app[0]",
    ("modules/network.bicep", "appRules"): "azurerm_network_security_group.app[0]",
    ("modules/network.bicep", "endpointRules"): "azurerm_network_security_group.endpoints[0]",
    ("modules/network.bicep", "network"): "azurerm_virtual_network.app[0]",
    ("modules/queue.bicep", "queue"): "azurerm_storage_queue.mail",
    ("modules/route.bicep", "table"): "azurerm_route_table.company[0]",
    ("modules/storage.bicep", "host"): "azurerm_storage_account.host",
    ("modules/storage.bicep", "mail"): "azurerm_storage_account.mail",
    ("modules/storage.bicep", "package"): "azurerm_storage_container.package",
    ("modules/table.bicep", "table"): "azurerm_storage_table.mail",
}
"""What Terraform calls the resources that others refer to."""

ATTRIBUTES = {
    "appId": "client_id",
    "id": "id",
    "name": "name",
    "properties.ConnectionString": "connection_string",
    "properties.clientId": "client_id",
    "properties.defaultHostName": "default_hostname",
    "properties.ipAddress": "ip_address",
    "properties.primaryEndpoints.blob": "primary_blob_endpoint",
    "properties.primaryEndpoints.queue": "primary_queue_endpoint",
    "properties.primaryEndpoints.table": "primary_table_endpoint",
    "properties.principalId": "principal_id",
    "properties.vaultUri": "vault_uri",
}
"""What Terraform calls what they tell."""

_TOKEN = re.compile(
    r"(?P<text>'(?:[^'\\]|\\.)*')|\.\w+\(?|(?P<function>[A-Za-z_]\w*\()|(?P<chain>[A-Za-z_]\w*(?:!?\.\w+|\[\d+\])*)|\s+|."
)
_INTERPOLATED = re.compile(r"\$\{([^}]*)\}")
_CHAIN = re.compile(r"[A-Za-z_]\w*(?:!?\.\w+|\[\d+\])*")
_LITERALS = {"true", "false", "null"}
_FUNCTIONS = {"string(": "tostring(", "toLower(": "lower("}
_EMPTY = re.compile(r"(!?)empty\(([\w.\[\]]+)\)")
_WHOLE = re.compile(r'"\$\{([^{}]*)\}"')
_DEPLOYMENT = {
    "subscription().tenantId": "data.azurerm_client_config.current.tenant_id",
    "tenant().tenantId": "data.azurerm_client_config.current.tenant_id",
    "environment().authentication.loginEndpoint": "local.cloud.login",
}


@dataclass(frozen=True)
class Place:
    """Where an expression stands: a file, and what its parameters were given by whoever uses it."""

    name: str = MAIN
    arguments: Mapping[str, Node] = field(default_factory=dict)
    user: Place | None = None
    items: frozenset[str] = frozenset()
    """The names that loops give to what they go over."""

    @property
    def file(self) -> File:
        return read(self.name)

    def module(self, name: str) -> Place:
        """Within a module that this file uses."""
        used = self.file.modules[name]
        arguments = used.properties["params"]
        assert isinstance(arguments, dict)
        items = set()
        if isinstance(used.body, Loop):
            items = set(re.findall(r"\w+", used.body.head.partition(" in ")[0]))
        inner = Place(self.name, self.arguments, self.user, self.items | items)
        folder = self.name.rpartition("/")[0]
        path = f"{folder}/{used.of}" if folder else used.of
        return Place(path, arguments, inner)


def terraform_of(expression: str, place: Place) -> str:
    """The expression as Terraform writes it."""
    found = "".join(_token(token, place) for token in _TOKEN.finditer(expression))
    for here, there in _DEPLOYMENT.items():
        found = found.replace(here, there)
    found = re.sub(r"\s+", " ", _EMPTY.sub(_emptiness, found)).strip()
    whole = _WHOLE.fullmatch(found)
    return whole[1] if whole else found


def _emptiness(call: re.Match[str]) -> str:
    lists = {f"var.{snake(name)}" for name, kind in read(MAIN).parameters.items() if kind == "array"}
    if call[2] in lists:
        return f"length({call[2]}) {'>' if call[1] else '=='} 0"
    return f'{call[2]} {"!=" if call[1] else "=="} ""'


def _token(token: re.Match[str], place: Place) -> str:
    if token["text"]:
        inner = token["text"][1:-1].replace("\\'", "'").replace('"', '\\"')
        return '"' + _INTERPOLATED.sub(lambda one: f"${{{terraform_of(one[1], place)}}}", inner) + '"'
    if token["function"]:
        return _FUNCTIONS.get(token["function"], token["function"])
    if token["chain"]:
        return _followed(token["chain"].replace("!", ""), place)
    return token[0]


def _followed(chain: str, place: Place) -> str:
    """A name, and what is asked of it, followed through parameters, variables, modules and their outputs."""
    root, rest = _split(chain)
    file = place.file
    if root in _LITERALS:
        return chain
    if root in place.items:
        return "each.value"
    if root in place.arguments and place.user is not None:
        return _continued(place.arguments[root], rest, place.user)
    if root in file.parameters:
        return f"var.{snake(root)}"
    if root in file.modules:
        output, further = _split(rest.removeprefix(".outputs."))
        inner = place.module(root)
        return _continued(inner.file.outputs[output], further, inner)
    if root in file.resources:
        return _resource(root, rest.removeprefix("."), place)
    if root in file.variables:
        if place.name == MAIN or not isinstance(file.variables[root], str):
            return f"local.{snake(root)}{rest}"
        return _continued(file.variables[root], rest, place)
    return chain


def _split(chain: str) -> tuple[str, str]:
    found = re.match(r"\w+", chain)
    assert found is not None, chain
    return found[0], chain[found.end() :]


def _continued(node: Node, rest: str, place: Place) -> str:
    for key in [one for one in rest.split(".") if one]:
        if not isinstance(node, dict):
            break
        node, rest = node[key], rest.removeprefix(f".{key}")
    assert isinstance(node, str), (node, rest)
    if not rest:
        return terraform_of(node, place)
    assert _CHAIN.fullmatch(node), (node, rest)
    return _followed(node.replace("!", "") + rest, place)


def _resource(name: str, told: str, place: Place) -> str:
    twin = twin_of(name, place)
    return f"{twin}.{ATTRIBUTES[told]}" if told else twin


def twin_of(name: str, place: Place) -> str:
    """The resource of Terraform that is the same as this one, also where it is one that exists already."""
    declared = place.file.resources[name]
    if not declared.existing:
        return RESOURCES[place.name, name]
    known = declared.properties["name"]
    assert isinstance(known, str)
    found = terraform_of(known, place)
    if found.startswith("local.containers["):
        return f"azurerm_storage_container.mail[{found}]"
    assert found.endswith(".name"), found
    return found.removesuffix(".name")
