"""Bicep and Terraform deploy the same: whoever changes one changes the other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .policies import INFRA, Resource, declared, read
from .templates import (
    TERRAFORM,
    app_settings_of_bicep,
    app_settings_of_terraform,
    bicep,
    bicep_alerts,
    bicep_files,
    local,
    plain,
    resources,
    snake,
    terraform,
    terraform_alerts,
)

_TERRAFORM_ALONE = {"subscription_id", "resource_group_name", "environment", "register_resource_providers"}
"""Bicep is told by the command that deploys it, and Azure knows what a template needs."""
_COMPUTED = {"location", "graphTenantId", "graphAuthority"}
"""In Bicep, their default is what the deployment runs in; in Terraform it is found out, or that of most."""

TWINS = {
    "Microsoft.Authorization/roleAssignments": {"azurerm_role_assignment"},
    "Microsoft.Graph/appRoleAssignedTo": {"azuread_app_role_assignment"},
    "Microsoft.Graph/applications": {"azuread_application"},
    "Microsoft.Graph/applications/federatedIdentityCredentials": {
        "azuread_application_federated_identity_credential"
    },
    "Microsoft.Graph/servicePrincipals": {"azuread_service_principal"},
    "Microsoft.Insights/actionGroups": {"azurerm_monitor_action_group"},
    "Microsoft.Insights/components": {"azurerm_application_insights"},
    "Microsoft.Insights/diagnosticSettings": {"azurerm_monitor_diagnostic_setting"},
    "Microsoft.Insights/scheduledQueryRules": {"azurerm_monitor_scheduled_query_rules_alert_v2"},
    "Microsoft.KeyVault/vaults": {"azurerm_key_vault"},
    "Microsoft.ManagedIdentity/userAssignedIdentities": {"azurerm_user_assigned_identity"},
    "Microsoft.Network/natGateways": {
        "azurerm_nat_gateway",
        "azurerm_nat_gateway_public_ip_association",
        "azurerm_subnet_nat_gateway_association",
    },
    "Microsoft.Network/networkSecurityGroups": {
        "azurerm_network_security_group",
        "azurerm_subnet_network_security_group_association",
    },
    "Microsoft.Network/privateDnsZones": {"azurerm_private_dns_zone"},
    "Microsoft.Network/privateDnsZones/A": {"azurerm_private_dns_a_record"},
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": {
        "azurerm_private_dns_zone_virtual_network_link"
    },
    "Microsoft.Network/privateEndpoints": {"azurerm_private_endpoint"},
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": {"azurerm_private_endpoint"},
    "Microsoft.Network/publicIPAddresses": {"azurerm_public_ip"},
    "Microsoft.Network/routeTables": {"azurerm_route_table", "azurerm_subnet_route_table_association"},
    "Microsoft.Network/virtualNetworks": {"azurerm_virtual_network", "azurerm_subnet"},
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings": {"azurerm_virtual_network_peering"},
    "Microsoft.OperationalInsights/workspaces": {"azurerm_log_analytics_workspace"},
    "Microsoft.Storage/storageAccounts": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/blobServices": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"azurerm_storage_container"},
    "Microsoft.Storage/storageAccounts/managementPolicies": {"azurerm_storage_management_policy"},
    "Microsoft.Storage/storageAccounts/queueServices": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/queueServices/queues": {"azurerm_storage_queue"},
    "Microsoft.Storage/storageAccounts/tableServices": {"azurerm_storage_account"},
    "Microsoft.Storage/storageAccounts/tableServices/tables": {"azurerm_storage_table"},
    "Microsoft.Web/serverfarms": {"azurerm_service_plan"},
    "Microsoft.Web/sites": {"azurerm_function_app_flex_consumption"},
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"azurerm_function_app_flex_consumption"},
    "Microsoft.Web/sites/config": {"azurerm_function_app_flex_consumption"},
}
"""What Terraform has for each type of Bicep."""


@pytest.mark.parametrize("name", bicep_files())
def test_every_bicep_file_can_be_parsed(name: str) -> None:
    assert bicep(name)


def test_the_same_resources() -> None:
    made = {
        resource["type"]
        for name in bicep_files()
        for resource in bicep(name).get("resources", {}).values()
        if not resource["existing"]
    }
    assert made == set(TWINS)
    assert {labels[0] for labels, _ in terraform()["resource"]} == set().union(*TWINS.values())


def test_what_checkov_is_held_to_are_the_resources_that_the_parsers_find() -> None:
    """Those are looked for in the text alone, so that a file that cannot be parsed has them, too."""
    of_bicep = {
        Resource(f"bicep/{name}", f"{one['type']}.{symbol}")
        for name in bicep_files()
        for symbol, one in bicep(name).get("resources", {}).items()
        if not one["existing"]
    }
    found = declared(read(INFRA))
    assert {one for one in found if one.file.startswith("bicep/")} == of_bicep
    of_terraform = sorted(".".join(labels) for labels, _ in terraform()["resource"])
    assert sorted(one.name for one in found - of_bicep) == of_terraform


def _variables() -> dict[str, dict[str, Any]]:
    return {labels[0]: plain(block) for labels, block in terraform()["variable"]}


def test_the_same_parameters_with_the_same_meaning_and_default() -> None:
    parameters, variables = bicep("main.bicep")["parameters"], _variables()
    assert {snake(name) for name in parameters} == set(variables) - _TERRAFORM_ALONE
    for name, parameter in parameters.items():
        variable = variables[snake(name)]
        assert variable.get("description", "") == _description(parameter), name
        if name not in _COMPUTED:
            assert variable.get("default") == parameter["default"], name


def _description(parameter: dict[str, Any]) -> str:
    texts = [one["argument"] for one in parameter["decorators"] if one["type"] == "description"]
    return str(texts[0]).replace("\\'", "'") if texts else ""


def test_the_same_limits_of_parameters() -> None:
    for name, parameter in bicep("main.bicep")["parameters"].items():
        limits = {one["type"]: one["argument"] for one in parameter["decorators"]}
        # A second rule is about other variables.
        texts = [one["condition"] for one in _variables()[snake(name)].get("validation", [])][:1]
        numbers = sorted(int(number) for text in texts for number in re.findall(r"[=, {[](\d+)\b", text))
        if "allowed" in limits and all(isinstance(one, str) for one in limits["allowed"]):
            assert re.findall(r'"([^"]+)"', texts[0]) == limits["allowed"], name
        elif "allowed" in limits:
            assert numbers == limits["allowed"], name
        else:
            expected = [value for kind, value in limits.items() if kind != "description"]
            assert numbers == sorted(expected), name


def test_the_same_outputs() -> None:
    of_terraform = {labels[0]: plain(block) for labels, block in terraform()["output"]}
    of_bicep = bicep("main.bicep")["outputs"]
    assert {snake(name) for name in of_bicep} == set(of_terraform)
    for name, output in of_bicep.items():
        assert of_terraform[snake(name)].get("description", "") == _description(output), name


def test_the_same_application_settings() -> None:
    # Terraform's provider writes both itself; the second must be empty.
    by_provider, against_provider = {"APPLICATIONINSIGHTS_CONNECTION_STRING"}, {"AzureWebJobsStorage"}
    assert app_settings_of_bicep() | against_provider == app_settings_of_terraform() | by_provider


@pytest.mark.parametrize("name", ["queues", "tables", "containers", "alwaysReady", "openPaths"])
def test_the_same_names(name: str) -> None:
    assert bicep("main.bicep")["variables"][name]["value"] == local(snake(name))


def test_the_same_largest_body() -> None:
    value = bicep("main.bicep")["variables"]["largestRequestBody"]["value"]
    assert value == local("largest_request_body")


def test_the_same_alerts() -> None:
    assert bicep_alerts() == terraform_alerts()


def test_the_same_application_permissions() -> None:
    ids = bicep("modules/graph-role.bicep")["variables"]["roleIds"]["value"]
    assert {name.strip("'"): value for name, value in ids.items()} == local("graph_role_ids")


def test_the_same_private_addresses() -> None:
    of_bicep = [
        f"{one['of']}-{one['service']}" for one in bicep("main.bicep")["variables"]["endpoints"]["value"]
    ]
    text = (TERRAFORM / "network.tf").read_text("utf-8")
    assert re.findall(r"^    ([a-z-]+) +\= \{ service", text, re.MULTILINE) == of_bicep


def test_diagnostic_settings_of_the_same_services_and_categories() -> None:
    of_bicep = sorted(
        tuple(sorted(log["category"] for log in one["config"]["properties"].get("logs", [])))
        for one in bicep("modules/diagnostics.bicep")["resources"].values()
        if not one["existing"]
    )
    of_terraform = sorted(
        tuple(sorted(plain(log["category"]) for log in one.get("enabled_log", [])))
        for one in resources("azurerm_monitor_diagnostic_setting").values()
    )
    assert of_bicep == of_terraform
