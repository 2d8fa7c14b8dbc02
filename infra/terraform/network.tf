# The network that the app goes out by, and in which storage and Key Vault have their private addresses.

# The rules that every group has will do: nothing comes in from the internet.
resource "azurerm_network_security_group" "app" {
  count = local.has_network ? 1 : 0

  name                = "vnet-${var.name}-${local.unique}-app"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_network_security_group" "endpoints" {
  count = local.has_network ? 1 : 0

  name                = "vnet-${var.name}-${local.unique}-endpoints"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags

  security_rule {
    name                       = "network-to-endpoints"
    priority                   = 100
    direction                  = "Inbound"
    access                     = "Allow"
    protocol                   = "Tcp"
    source_address_prefix      = "VirtualNetwork"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "443"
  }

  security_rule {
    name                       = "nobody-else-comes-in"
    priority                   = 4000
    direction                  = "Inbound"
    access                     = "Deny"
    protocol                   = "*"
    source_address_prefix      = "*"
    source_port_range          = "*"
    destination_address_prefix = "*"
    destination_port_range     = "*"
  }
}

resource "azurerm_virtual_network" "app" {
  count = local.has_network ? 1 : 0

  name                = "vnet-${var.name}-${local.unique}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
  address_space       = [var.address_prefix]
  dns_servers         = var.dns_servers
}

resource "azurerm_subnet" "app" {
  count = local.has_network ? 1 : 0

  name                 = "app"
  resource_group_name  = var.resource_group_name
  virtual_network_name = azurerm_virtual_network.app[0].name
  address_prefixes     = [var.app_subnet_prefix]

  delegation {
    name = "flex-consumption"

    service_delegation {
      name    = "Microsoft.App/environments"
      actions = ["Microsoft.Network/virtualNetworks/subnets/join/action"]
    }
  }
}

resource "azurerm_subnet" "endpoints" {
  count = local.has_network ? 1 : 0

  name                              = "endpoints"
  resource_group_name               = var.resource_group_name
  virtual_network_name              = azurerm_virtual_network.app[0].name
  address_prefixes                  = [var.endpoint_subnet_prefix]
  private_endpoint_network_policies = "NetworkSecurityGroupEnabled"
}

resource "azurerm_subnet_network_security_group_association" "app" {
  count = local.has_network ? 1 : 0

  subnet_id                 = azurerm_subnet.app[0].id
  network_security_group_id = azurerm_network_security_group.app[0].id
}

resource "azurerm_subnet_network_security_group_association" "endpoints" {
  count = local.has_network ? 1 : 0

  subnet_id                 = azurerm_subnet.endpoints[0].id
  network_security_group_id = azurerm_network_security_group.endpoints[0].id
}

# ---- A fixed outbound address, which the firewall before the M-Files server can let in

resource "azurerm_public_ip" "nat" {
  count = var.nat_gateway ? 1 : 0

  name                = "nat-${var.name}-${local.unique}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
  sku                 = "Standard"
  sku_tier            = "Regional"
  allocation_method   = "Static"
  ip_version          = "IPv4"
}

resource "azurerm_nat_gateway" "app" {
  count = var.nat_gateway ? 1 : 0

  name                    = "nat-${var.name}-${local.unique}"
  location                = local.location
  resource_group_name     = var.resource_group_name
  tags                    = var.tags
  sku_name                = "Standard"
  idle_timeout_in_minutes = 4
}

resource "azurerm_nat_gateway_public_ip_association" "app" {
  count = var.nat_gateway ? 1 : 0

  nat_gateway_id       = azurerm_nat_gateway.app[0].id
  public_ip_address_id = azurerm_public_ip.nat[0].id
}

resource "azurerm_subnet_nat_gateway_association" "app" {
  count = var.nat_gateway ? 1 : 0

  subnet_id      = azurerm_subnet.app[0].id
  nat_gateway_id = azurerm_nat_gateway.app[0].id
}

# ---- The way to the M-Files server on the company's own network, and its name

resource "azurerm_route_table" "company" {
  count = length(var.company_prefixes) > 0 ? 1 : 0

  name                          = "rt-${var.name}-${local.unique}"
  location                      = local.location
  resource_group_name           = var.resource_group_name
  tags                          = var.tags
  bgp_route_propagation_enabled = true

  dynamic "route" {
    for_each = var.company_prefixes

    content {
      name                   = "company-${route.key}"
      address_prefix         = route.value
      next_hop_type          = "VirtualAppliance"
      next_hop_in_ip_address = var.company_next_hop
    }
  }
}

resource "azurerm_subnet_route_table_association" "app" {
  count = length(var.company_prefixes) > 0 ? 1 : 0

  subnet_id      = azurerm_subnet.app[0].id
  route_table_id = azurerm_route_table.company[0].id
}

# This side of the peering; the hub's side is made there.
resource "azurerm_virtual_network_peering" "hub" {
  count = var.hub_network_id != "" ? 1 : 0

  name                         = "hub"
  resource_group_name          = var.resource_group_name
  virtual_network_name         = azurerm_virtual_network.app[0].name
  remote_virtual_network_id    = var.hub_network_id
  allow_virtual_network_access = true
  allow_forwarded_traffic      = true
  use_remote_gateways          = var.hub_has_gateway
}

# One name, known in the app's network alone.
resource "azurerm_private_dns_zone" "vault_name" {
  count = var.vault_host != "" ? 1 : 0

  name                = var.vault_host
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "vault_name" {
  count = var.vault_host != "" ? 1 : 0

  name                 = "app"
  private_dns_zone_id  = azurerm_private_dns_zone.vault_name[0].id
  virtual_network_id   = azurerm_virtual_network.app[0].id
  registration_enabled = false
  tags                 = var.tags
}

resource "azurerm_private_dns_a_record" "vault_name" {
  count = var.vault_host != "" ? 1 : 0

  name                = "@"
  private_dns_zone_id = azurerm_private_dns_zone.vault_name[0].id
  ttl                 = 300
  records             = [var.vault_address]
}

# ---- The private addresses of storage and Key Vault

locals {
  private_zones = var.private_network ? {
    blob  = "privatelink.blob.${local.cloud.storage}"
    queue = "privatelink.queue.${local.cloud.storage}"
    table = "privatelink.table.${local.cloud.storage}"
    vault = "privatelink.${local.cloud.key_vault}"
  } : {}

  private_endpoints = var.private_network ? {
    mail-blob     = { service = "blob", resource = azurerm_storage_account.mail.id }
    mail-queue    = { service = "queue", resource = azurerm_storage_account.mail.id }
    mail-table    = { service = "table", resource = azurerm_storage_account.mail.id }
    host-blob     = { service = "blob", resource = azurerm_storage_account.host.id }
    secrets-vault = { service = "vault", resource = azurerm_key_vault.app.id }
  } : {}
}

resource "azurerm_private_dns_zone" "private" {
  for_each = local.private_zones

  name                = each.value
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_private_dns_zone_virtual_network_link" "private" {
  for_each = local.private_zones

  name                 = "app"
  private_dns_zone_id  = azurerm_private_dns_zone.private[each.key].id
  virtual_network_id   = azurerm_virtual_network.app[0].id
  registration_enabled = false
  tags                 = var.tags
}

resource "azurerm_private_endpoint" "private" {
  for_each = local.private_endpoints

  name                = "pe-${var.name}-${each.key}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
  subnet_id           = azurerm_subnet.endpoints[0].id

  private_service_connection {
    name                           = "pe-${var.name}-${each.key}"
    private_connection_resource_id = each.value.resource
    subresource_names              = [each.value.service]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name                 = "default"
    private_dns_zone_ids = [azurerm_private_dns_zone.private[each.value.service].id]
  }
}
