"""The network: what is the same in both templates."""

from __future__ import annotations

from .twin import EVERYWHERE, OF_ZONE, Twin

_ZONE_LINK = {
    "properties.registrationEnabled": "registration_enabled",
    "properties.virtualNetwork.id": "virtual_network_id",
}
_ASSOCIATED = "a resource of its own in Terraform: ASSOCIATIONS"
_IN_NETWORK = {"virtual_network_name": "Bicep has it within the network"}


def _rule(number: int) -> dict[str, str]:
    here, there = f"properties.securityRules[{number}]", f"security_rule[{number}]"
    return {
        f"{here}.name": f"{there}.name",
        f"{here}.properties.priority": f"{there}.priority",
        f"{here}.properties.direction": f"{there}.direction",
        f"{here}.properties.access": f"{there}.access",
        f"{here}.properties.protocol": f"{there}.protocol",
        f"{here}.properties.sourceAddressPrefix": f"{there}.source_address_prefix",
        f"{here}.properties.sourcePortRange": f"{there}.source_port_range",
        f"{here}.properties.destinationAddressPrefix": f"{there}.destination_address_prefix",
        f"{here}.properties.destinationPortRange": f"{there}.destination_port_range",
    }


NETWORK = (
    Twin("network", "appRules", "azurerm_network_security_group.app"),
    Twin(
        "network",
        "endpointRules",
        "azurerm_network_security_group.endpoints",
        {**_rule(0), **_rule(1)},
    ),
    Twin(
        "network",
        "network",
        "azurerm_virtual_network.app",
        {
            "properties.addressSpace.addressPrefixes": "address_space",
            "properties.dhcpOptions.dnsServers": "dns_servers",
        },
    ),
    Twin(
        "network",
        "network",
        "azurerm_subnet.app",
        {
            "name": "name",
            "properties.addressPrefix": "address_prefixes",
            "properties.delegations.name": "delegation.name",
            "properties.delegations.properties.serviceName": "delegation.service_delegation.name",
        },
        {
            "properties.networkSecurityGroup.id": _ASSOCIATED,
            "properties.natGateway": _ASSOCIATED,
            "properties.routeTable": _ASSOCIATED,
        },
        {**_IN_NETWORK, "delegation.service_delegation.actions": "Azure adds it"},
        part="properties.subnets[0].",
    ),
    Twin(
        "network",
        "network",
        "azurerm_subnet.endpoints",
        {
            "name": "name",
            "properties.addressPrefix": "address_prefixes",
            "properties.privateEndpointNetworkPolicies": "private_endpoint_network_policies",
        },
        {"properties.networkSecurityGroup.id": _ASSOCIATED},
        _IN_NETWORK,
        part="properties.subnets[1].",
    ),
    Twin(
        "nat",
        "address",
        "azurerm_public_ip.nat",
        {
            "sku.name": "sku",
            "sku.tier": "sku_tier",
            "properties.publicIPAllocationMethod": "allocation_method",
            "properties.publicIPAddressVersion": "ip_version",
        },
    ),
    Twin(
        "nat",
        "gateway",
        "azurerm_nat_gateway.app",
        {"sku.name": "sku_name", "properties.idleTimeoutInMinutes": "idle_timeout_in_minutes"},
        {"properties.publicIpAddresses.id": "a resource of its own in Terraform"},
    ),
    Twin(
        "route",
        "table",
        "azurerm_route_table.company",
        {
            "properties.disableBgpRoutePropagation": "bgp_route_propagation_enabled",
            "properties.routes.for_each": "route.for_each",
            "properties.routes.name": "route.name",
            "properties.routes.properties.addressPrefix": "route.address_prefix",
            "properties.routes.properties.nextHopType": "route.next_hop_type",
            "properties.routes.properties.nextHopIpAddress": "route.next_hop_in_ip_address",
        },
    ),
    Twin(
        "peering",
        "peering",
        "azurerm_virtual_network_peering.hub",
        {
            "properties.remoteVirtualNetwork.id": "remote_virtual_network_id",
            "properties.allowVirtualNetworkAccess": "allow_virtual_network_access",
            "properties.allowForwardedTraffic": "allow_forwarded_traffic",
            "properties.useRemoteGateways": "use_remote_gateways",
        },
        terraform_alone={"virtual_network_name": "Bicep has it as parent"},
    ),
    Twin(
        "vaultName",
        "zone",
        "azurerm_private_dns_zone.vault_name",
        bicep_alone=EVERYWHERE,
    ),
    Twin(
        "vaultName",
        "link",
        "azurerm_private_dns_zone_virtual_network_link.vault_name",
        _ZONE_LINK,
        EVERYWHERE,
        OF_ZONE,
    ),
    Twin(
        "vaultName",
        "record",
        "azurerm_private_dns_a_record.vault_name",
        {"properties.ttl": "ttl", "properties.aRecords.ipv4Address": "records"},
        terraform_alone=OF_ZONE,
    ),
    Twin(
        "privateZones",
        "link",
        "azurerm_private_dns_zone_virtual_network_link.private",
        _ZONE_LINK,
        EVERYWHERE,
        OF_ZONE,
    ),
)
