"""Bicep and Terraform deploy on the same conditions, in every cloud."""

from __future__ import annotations

import re

import pytest

from .bicep_text import read
from .expressions import condition_of_bicep, local_text, terraform_values, variable_of_bicep
from .templates import plain, snake, terraform
from .twins import TWINS

CONDITIONAL = ("nat", "route", "network", "peering", "vaultName", "registration", "federation")


@pytest.mark.parametrize("module", CONDITIONAL)
def test_the_same_conditions(module: str) -> None:
    addresses = {twin.address for twin in TWINS if twin.module == module}
    for address in addresses:
        assert terraform_values(address)["count"] == f"{condition_of_bicep(module)} ? 1 : 0", address


def test_no_other_module_has_a_condition() -> None:
    compared_elsewhere = {"operator", "operatorCertificates", "auth"}
    conditional = {name for name in read("main.bicep").modules if condition_of_bicep(name)}
    assert conditional == {*CONDITIONAL, *compared_elsewhere}
    counted = {
        address for address in {twin.address for twin in TWINS} if "count" in terraform_values(address)
    }
    assert counted == {twin.address for twin in TWINS if twin.module in CONDITIONAL}
    sign_in = terraform_values("azurerm_function_app_flex_consumption.app")["auth_settings_v2.for_each"]
    assert condition_of_bicep("auth") == 'var.easy_auth_client_id != ""'
    assert sign_in == 'var.easy_auth_client_id == "" ? [] : [var.easy_auth_client_id]'


@pytest.mark.parametrize("name", ["hasNetwork", "ownsRegistration", "graphRoles"])
def test_what_follows_from_the_parameters_is_the_same(name: str) -> None:
    def squeezed(value: str) -> str:
        return "".join(value.replace(",", "").split())

    assert squeezed(variable_of_bicep(name)) == squeezed(local_text(snake(name)))


def test_fewer_instances_than_are_always_ready_are_refused() -> None:
    """Azure refuses them, too, with a message that names no parameter."""
    least = variable_of_bicep("fewestInstances")
    assert least == "length(local.always_ready) * var.always_ready_instances"
    assert variable_of_bicep("mostInstances").startswith(
        "var.maximum_instance_count >= local.fewest_instances ? var.maximum_instance_count : fail("
    )
    (variable,) = (
        plain(block) for labels, block in terraform()["variable"] if labels == ["maximum_instance_count"]
    )
    conditions = [one["condition"] for one in variable["validation"]]
    assert f"${{var.maximum_instance_count >= {least}}}" in conditions


CLOUDS = {
    "public": ("AzureCloud", "login.microsoftonline.com", "core.windows.net", "vaultcore.azure.net"),
    "usgovernment": (
        "AzureUSGovernment",
        "login.microsoftonline.us",
        "core.usgovcloudapi.net",
        "vaultcore.usgovcloudapi.net",
    ),
    "china": ("AzureChinaCloud", "login.chinacloudapi.cn", "core.chinacloudapi.cn", "vaultcore.azure.cn"),
}
"""learn.microsoft.com/azure/private-link/private-endpoint-dns, and what environment() of Bicep says."""
ISSUERS = {
    "public": "login.microsoftonline.com",
    "usgovernment": "login.microsoftonline.us",
    "china": "login.partner.microsoftonline.cn",
}


def test_terraform_knows_the_clouds_that_bicep_is_told_of_by_azure() -> None:
    text = local_text("cloud")
    audiences = read("main.bicep").variables["exchangeAudiences"]
    assert isinstance(audiences, dict)
    for cloud, (name, login, storage, vault) in CLOUDS.items():
        start = text.index(f"{cloud} = {{")
        block = text[start : text.index("}", start)]
        audience = str(audiences[name]).strip("'")
        expected = {
            "login": f"https://{login}",
            "issuer": f"https://{ISSUERS[cloud]}",
            "exchange_audience": audience,
            "storage": storage,
            "key_vault": vault,
        }
        assert dict(re.findall(r'(\w+) = "([^"]+)"', block)) == expected
    assert text.endswith("[var.environment]")
    # docs.azure.cn/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
    assert variable_of_bicep("issuer") == (
        'uri(local.issuing_host, "${data.azurerm_client_config.current.tenant_id}/v2.0")'
    )
    assert variable_of_bicep("issuingHost") == (
        f'environment().name == "AzureChinaCloud" ? "https://{ISSUERS["china"]}" : local.cloud.login'
    )
    assert local_text("issuer") == (
        '"${local.cloud.issuer}/${data.azurerm_client_config.current.tenant_id}/v2.0"'
    )
    zones = read("main.bicep").variables["zones"]
    assert isinstance(zones, dict)
    assert zones["blob"] == "'privatelink.blob.${environment().suffixes.storage}'"
    assert local_text("private_zones") == (
        'var.private_network ? {blob = "privatelink.blob.${local.cloud.storage}", '
        'queue = "privatelink.queue.${local.cloud.storage}", '
        'table = "privatelink.table.${local.cloud.storage}", '
        'vault = "privatelink.${local.cloud.key_vault}"} : {}'
    )
