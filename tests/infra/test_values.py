"""Bicep and Terraform give the same values: of resources, application settings, outputs and roles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .bicep_text import read
from .expressions import (
    bicep_values,
    local_text,
    outputs_of_bicep,
    outputs_of_terraform,
    settings_of_bicep,
    settings_of_terraform,
    terraform_values,
)
from .templates import bicep, bicep_files, local, snake, terraform
from .translation import Place
from .twin import ALWAYS, Twin
from .twins import ASSOCIATIONS, OTHERS, REVERSED, SAME, TWINS

_ADDRESSES = sorted({twin.address for twin in TWINS})
_OPPOSITE = {"true": "false", "false": "true"}
_COUNTED = {"count", "for_each"}
"""How many there are: compared with the conditions and loops of the modules."""


def _id(twin: Twin) -> str:
    return f"{twin.module}.{twin.symbol}{twin.part}"


def _of_bicep(twin: Twin) -> dict[str, str]:
    """What stands in it, or in its part; what is a part of it with a twin of its own is left out."""
    parts = {one.part for one in TWINS if (one.module, one.symbol) == (twin.module, twin.symbol)} - {
        twin.part,
        "",
    }
    return {
        path.removeprefix(twin.part): value
        for path, value in bicep_values(twin.module, twin.symbol).items()
        if path.startswith(twin.part) and not any(path.startswith(part) for part in parts)
    }


def _compared(twin: Twin) -> Iterator[tuple[str, str, str, str]]:
    """The way in Bicep and in Terraform, and the value that each has there."""
    there = terraform_values(twin.address)
    for path, value in _of_bicep(twin).items():
        if path not in twin.bicep_alone:
            argument = {**ALWAYS, **twin.arguments}[path]
            yield path, argument, value, there[argument]


def _agree(argument: str, here: str, there: str) -> bool:
    if argument in REVERSED:
        return _OPPOSITE[here] == there
    if argument == "os_type":
        return (here, there) == ("true", '"Linux"')
    return here == there or (here, there) in SAME


@pytest.mark.parametrize("name", bicep_files())
def test_the_text_is_read_as_the_parser_reads_it(name: str) -> None:
    """Nothing that is declared is passed over."""
    file, parsed = read(name), bicep(name)
    assert file.parameters == {one: found["type"] for one, found in parsed.get("parameters", {}).items()}
    for kind in ("variables", "outputs", "resources", "modules"):
        assert set(getattr(file, kind)) == set(parsed.get(kind, {})), kind


@pytest.mark.parametrize("twin", TWINS, ids=_id)
def test_the_same_values(twin: Twin) -> None:
    for path, argument, here, there in _compared(twin):
        assert _agree(argument, here, there), (path, argument, here, there)


@pytest.mark.parametrize("twin", TWINS, ids=_id)
def test_no_value_of_bicep_is_left_out(twin: Twin) -> None:
    """Neither one that is in the table and not in the file."""
    assert {*twin.arguments, *twin.bicep_alone} <= {*_of_bicep(twin)}


@pytest.mark.parametrize("address", _ADDRESSES)
def test_no_value_of_terraform_is_left_out(address: str) -> None:
    twins = [twin for twin in TWINS if twin.address == address]
    known = {"resource_group_name", *ALWAYS.values()}
    known |= {one for twin in twins for one in (*twin.arguments.values(), *twin.terraform_alone)}
    found = {
        one
        for one in terraform_values(address)
        if one not in _COUNTED and not one.startswith("app_settings.")
    }
    assert found <= known
    assert {one for twin in twins for one in twin.terraform_alone} <= found


def test_what_is_written_otherwise_is_written_so_somewhere() -> None:
    met = {(here, there) for twin in TWINS for _, _, here, there in _compared(twin)}
    assert set(SAME) <= met


SAFE = {
    ("azurerm_storage_account.mail", "allow_nested_items_to_be_public"): "false",
    ("azurerm_storage_account.mail", "shared_access_key_enabled"): "false",
    ("azurerm_storage_account.mail", "https_traffic_only_enabled"): "true",
    ("azurerm_storage_account.mail", "is_hns_enabled"): "false",
    ("azurerm_storage_account.mail", "min_tls_version"): '"TLS1_2"',
    ("azurerm_storage_account.mail", "cross_tenant_replication_enabled"): "false",
    ("azurerm_storage_account.mail", "public_network_access_enabled"): "!var.private_network",
    ("azurerm_storage_account.mail", "network_rules.bypass"): '"None"',
    ("azurerm_storage_account.host", "allow_nested_items_to_be_public"): "false",
    ("azurerm_storage_account.host", "shared_access_key_enabled"): "false",
    ("azurerm_storage_account.host", "https_traffic_only_enabled"): "true",
    ("azurerm_storage_account.host", "min_tls_version"): '"TLS1_2"',
    ("azurerm_storage_account.host", "public_network_access_enabled"): "!var.private_network",
    ("azurerm_storage_account.host", "network_rules.bypass"): '"None"',
    ("azurerm_storage_container.mail", "container_access_type"): '"private"',
    ("azurerm_storage_container.package", "container_access_type"): '"private"',
    ("azurerm_storage_management_policy.mail", "rule.enabled"): "true",
    ("azurerm_storage_management_policy.mail", "rule.filters.prefix_match"): '"${local.containers[0]}/"',
    ("azurerm_key_vault.app", "rbac_authorization_enabled"): "true",
    ("azurerm_key_vault.app", "purge_protection_enabled"): "true",
    ("azurerm_key_vault.app", "public_network_access_enabled"): "!var.private_network",
    ("azurerm_key_vault.app", "network_acls.bypass"): '"None"',
    ("azurerm_log_analytics_workspace.app", "local_authentication_enabled"): "false",
    ("azurerm_application_insights.app", "local_authentication_enabled"): "false",
    ("azurerm_service_plan.app", "sku_name"): '"FC1"',
    ("azurerm_service_plan.app", "os_type"): '"Linux"',
    ("azurerm_function_app_flex_consumption.app", "https_only"): "true",
    ("azurerm_function_app_flex_consumption.app", "runtime_name"): '"python"',
    ("azurerm_function_app_flex_consumption.app", "runtime_version"): '"3.13"',
    ("azurerm_function_app_flex_consumption.app", "storage_authentication_type"): '"UserAssignedIdentity"',
    ("azurerm_function_app_flex_consumption.app", "instance_memory_in_mb"): "var.instance_memory_mb",
    ("azurerm_function_app_flex_consumption.app", "maximum_instance_count"): "var.maximum_instance_count",
    ("azurerm_function_app_flex_consumption.app", "http_concurrency"): "var.http_concurrency",
    ("azurerm_function_app_flex_consumption.app", "always_ready.for_each"): "local.always_ready",
    (
        "azurerm_function_app_flex_consumption.app",
        "always_ready.instance_count",
    ): "var.always_ready_instances",
    ("azurerm_function_app_flex_consumption.app", "webdeploy_publish_basic_authentication_enabled"): "false",
    ("azurerm_function_app_flex_consumption.app", "site_config.minimum_tls_version"): '"1.2"',
    ("azurerm_function_app_flex_consumption.app", "site_config.remote_debugging_enabled"): "false",
    ("azurerm_function_app_flex_consumption.app", "auth_settings_v2.require_authentication"): "true",
    ("azurerm_function_app_flex_consumption.app", "auth_settings_v2.unauthenticated_action"): '"Return401"',
    ("azurerm_function_app_flex_consumption.app", "auth_settings_v2.excluded_paths"): "local.open_paths",
}
"""What must not change in both at once. The table of twins holds Bicep to the same."""


def test_what_safety_and_promptness_rest_on() -> None:
    for (address, argument), value in SAFE.items():
        assert terraform_values(address)[argument] == value, (address, argument)
        arguments = {one for twin in TWINS if twin.address == address for one in twin.arguments.values()}
        assert argument in arguments, "Bicep is not held to it"


def test_an_instance_is_always_ready_by_default() -> None:
    assert bicep("main.bicep")["parameters"]["alwaysReadyInstances"]["default"] >= 1
    assert local("always_ready") == ["http", "function:staging", "function:filing"]


SAFE_IN_BICEP = {
    ("app", "noFtpPassword", "properties.allow"): "false",
    ("app", "app", "properties.siteConfig.ftpsState"): '"Disabled"',
    ("auth", "auth", "properties.identityProviders.azureActiveDirectory.enabled"): "true",
    ("keyVault", "vault", "properties.enableSoftDelete"): "true",
    ("storage", "mailBlobs", "properties.deleteRetentionPolicy.enabled"): "true",
    ("storage", "mailBlobs", "properties.containerDeleteRetentionPolicy.enabled"): "true",
    ("storage", "hostBlobs", "properties.deleteRetentionPolicy.enabled"): "true",
    ("storage", "hostBlobs", "properties.containerDeleteRetentionPolicy.enabled"): "true",
}
"""What Terraform has no other value for."""


def test_what_bicep_alone_can_have_otherwise_is_as_terraform_has_it() -> None:
    for (module, symbol, path), value in SAFE_IN_BICEP.items():
        assert bicep_values(module, symbol)[path] == value, path


def test_application_settings_have_the_same_values() -> None:
    here, there = settings_of_bicep(), settings_of_terraform()
    # The provider writes these two itself: the second, which is empty then, only where it is not given.
    assert (
        here.pop("APPLICATIONINSIGHTS_CONNECTION_STRING")
        == "azurerm_application_insights.app.connection_string"
    )
    assert there.pop("AzureWebJobsStorage") == '""'
    assert here == there


def test_outputs_have_the_same_values() -> None:
    assert {snake(name): value for name, value in outputs_of_bicep().items()} == outputs_of_terraform()


@pytest.mark.parametrize(
    ("name", "value"),
    {
        "location": 'var.location == "" ? data.azurerm_resource_group.this.location : var.location',
        "graph_tenant_id": (
            'var.graph_tenant_id == "" ? data.azurerm_client_config.current.tenant_id : var.graph_tenant_id'
        ),
        "graph_authority": 'var.graph_authority == "" ? local.cloud.login : var.graph_authority',
        "storage_replication": 'trimprefix(var.storage_sku, "Standard_")',
        "plain": 'substr(replace(var.name, "-", ""), 0, 8)',
    }.items(),
)
def test_what_terraform_finds_out_is_the_default_of_bicep(name: str, value: str) -> None:
    assert local_text(name) == value


def test_each_resource_has_a_twin() -> None:
    known = {**OTHERS, **{(Place().module(twin.module).name, twin.symbol): twin.address for twin in TWINS}}
    made = {
        (name, symbol)
        for name in bicep_files()
        for symbol, resource in read(name).resources.items()
        if not resource.existing
    }
    assert made == set(known)
    of_terraform = {".".join(labels) for labels, _ in terraform()["resource"]}
    # Two subnets, and two private zones of one module.
    more = {twin.address for twin in TWINS if twin.part} | {"azurerm_private_dns_zone.private"}
    assert of_terraform == set(known.values()) | set(ASSOCIATIONS) | more | {twin.address for twin in TWINS}


def test_what_is_brought_together() -> None:
    for address, pair in ASSOCIATIONS.items():
        values = terraform_values(address)
        assert tuple(value for name, value in values.items() if name.endswith("_id")) == pair, address
