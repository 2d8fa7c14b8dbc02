"""Which resource of Terraform is which of Bicep."""

from __future__ import annotations

from .twins_app import APP
from .twins_data import DATA
from .twins_network import NETWORK

TWINS = (*DATA, *APP, *NETWORK)
"""Those whose values are compared, one by one."""

SAME = (
    ('union(var.tags, { "azd-service-name": "app" })', 'merge(var.tags, {"azd-service-name" = "app"})'),
    ('"Enabled"', "true"),
    ('var.private_network ? "Disabled" : "Enabled"', "!var.private_network"),
    ('"None"', '"private"'),
    ("var.storage_sku", "local.storage_replication"),
    ("var.easy_auth_client_id", "each.value"),
    ('"api://${var.easy_auth_client_id}"', '"api://${each.value}"'),
    ('"company-${each.value}"', '"company-${each.key}"'),
    ("local.exchange_audiences[environment().name]", "local.cloud.exchange_audience"),
    ('"${var.name}-${local.unique}/managed-identity"', '"managed-identity"'),
    (
        "empty(_) ? null : _".replace(
            "_", 'local.has_network ? "${azurerm_virtual_network.app[0].id}/subnets/app" : ""'
        ),
        "local.has_network ? azurerm_subnet.app[0].id : null",
    ),
)
"""The same in both, though written otherwise."""

REVERSED = {
    "local_authentication_enabled",
    "ip_masking_enabled",
    "bgp_route_propagation_enabled",
}
"""Arguments that say of Bicep's the contrary: what it disables, Terraform enables."""

ASSOCIATIONS = {
    "azurerm_subnet_network_security_group_association.app": (
        "azurerm_subnet.app[0].id",
        "azurerm_network_security_group.app[0].id",
    ),
    "azurerm_subnet_network_security_group_association.endpoints": (
        "azurerm_subnet.endpoints[0].id",
        "azurerm_network_security_group.endpoints[0].id",
    ),
    "azurerm_subnet_nat_gateway_association.app": (
        "azurerm_subnet.app[0].id",
        "azurerm_nat_gateway.app[0].id",
    ),
    "azurerm_subnet_route_table_association.app": (
        "azurerm_subnet.app[0].id",
        "azurerm_route_table.company[0].id",
    ),
    "azurerm_nat_gateway_public_ip_association.app": (
        "azurerm_nat_gateway.app[0].id",
        "azurerm_public_ip.nat[0].id",
    ),
}
"""What Bicep has within the network or the gateway, and Terraform as a resource: which it brings together."""

OTHERS = {
    ("modules/alert.bicep", "rule"): "azurerm_monitor_scheduled_query_rules_alert_v2.alerts",
    ("modules/app-registration.bicep", "principal"): "azuread_service_principal.app",
    ("modules/container.bicep", "role"): "azurerm_role_assignment.containers",
    ("modules/diagnostics.bicep", "ofHostBlobs"): "azurerm_monitor_diagnostic_setting.host_blobs",
    ("modules/diagnostics.bicep", "ofMailBlobs"): "azurerm_monitor_diagnostic_setting.mail_blobs",
    ("modules/diagnostics.bicep", "ofMailQueues"): "azurerm_monitor_diagnostic_setting.mail_queues",
    ("modules/diagnostics.bicep", "ofMailTables"): "azurerm_monitor_diagnostic_setting.mail_tables",
    ("modules/diagnostics.bicep", "ofVault"): "azurerm_monitor_diagnostic_setting.key_vault",
    ("modules/graph-role.bicep", "assignment"): "azuread_app_role_assignment.graph",
    ("modules/identity.bicep", "identity"): "azurerm_user_assigned_identity.app",
    ("modules/operator-certificates.bicep", "onCertificates"): "azurerm_role_assignment.operator",
    ("modules/operator.bicep", "onConfiguration"): "azurerm_role_assignment.operator",
    ("modules/operator.bicep", "onQueues"): "azurerm_role_assignment.operator",
    ("modules/operator.bicep", "onSecrets"): "azurerm_role_assignment.operator",
    ("modules/operator.bicep", "onTables"): "azurerm_role_assignment.operator",
    ("modules/private-endpoint.bicep", "endpoint"): "azurerm_private_endpoint.private",
    ("modules/private-endpoint.bicep", "zones"): "azurerm_private_endpoint.private",
    ("modules/private-zone.bicep", "zone"): "azurerm_private_dns_zone.private",
    ("modules/queue.bicep", "queue"): "azurerm_storage_queue.mail",
    ("modules/queue.bicep", "role"): "azurerm_role_assignment.queues",
    ("modules/roles.bicep", "onHostStorage"): "azurerm_role_assignment.host_storage",
    ("modules/roles.bicep", "onSecrets"): "azurerm_role_assignment.secrets",
    ("modules/roles.bicep", "onTelemetry"): "azurerm_role_assignment.telemetry",
    ("modules/table.bicep", "role"): "azurerm_role_assignment.tables",
    ("modules/table.bicep", "table"): "azurerm_storage_table.mail",
}
"""Twins whose values other tests compare: roles, alerts, diagnostic settings, names, private addresses."""
