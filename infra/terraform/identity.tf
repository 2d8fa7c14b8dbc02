# As whom the app goes to storage, Key Vault and Graph: one identity, without any secret.
resource "azurerm_user_assigned_identity" "app" {
  name                = "id-${var.name}-${local.unique}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
}
