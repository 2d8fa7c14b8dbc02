# Nobody writes telemetry with a key: the app has a role for it.
resource "azurerm_log_analytics_workspace" "app" {
  name                            = "log-${var.name}-${local.unique}"
  location                        = local.location
  resource_group_name             = var.resource_group_name
  tags                            = var.tags
  sku                             = "PerGB2018"
  retention_in_days               = var.log_retention_days
  daily_quota_gb                  = var.log_daily_cap_gb
  local_authentication_enabled    = false
  allow_resource_only_permissions = true
}

resource "azurerm_application_insights" "app" {
  name                         = "appi-${var.name}-${local.unique}"
  location                     = local.location
  resource_group_name          = var.resource_group_name
  tags                         = var.tags
  application_type             = "web"
  workspace_id                 = azurerm_log_analytics_workspace.app.id
  local_authentication_enabled = false
  ip_masking_enabled           = true
}
