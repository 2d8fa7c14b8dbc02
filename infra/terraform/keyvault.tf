# Roles, no access policies; what is deleted can be had back. No secret is written here: it would stand in the state.
resource "azurerm_key_vault" "app" {
  # checkov:skip=CKV_AZURE_109: closed where the network is private; otherwise the app has no fixed address to let in
  # checkov:skip=CKV_AZURE_189: closed where the network is private
  # checkov:skip=CKV2_AZURE_32: it has a private endpoint where the network is private
  name                            = "kv-${var.name}-${local.unique}"
  location                        = local.location
  resource_group_name             = var.resource_group_name
  tags                            = var.tags
  tenant_id                       = data.azurerm_client_config.current.tenant_id
  sku_name                        = "standard"
  rbac_authorization_enabled      = true
  purge_protection_enabled        = true
  soft_delete_retention_days      = var.soft_delete_days
  enabled_for_deployment          = false
  enabled_for_disk_encryption     = false
  enabled_for_template_deployment = false
  public_network_access_enabled   = !var.private_network

  network_acls {
    default_action = var.private_network ? "Deny" : "Allow"
    bypass         = "None"
  }
}
