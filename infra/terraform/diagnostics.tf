# What storage and Key Vault tell of who used them.

# Each use of a secret, and near expiry: the alert on it reads them.
resource "azurerm_monitor_diagnostic_setting" "key_vault" {
  name                           = "vaultpost"
  target_resource_id             = azurerm_key_vault.app.id
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.app.id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category = "AuditEvent"
  }

  enabled_log {
    category = "AzurePolicyEvaluationDetails"
  }

  enabled_metric {
    category = "AllMetrics"
  }
}

# Deletions alone: the app's own reads and writes, some dozens for each mail, would cost more than all else.
resource "azurerm_monitor_diagnostic_setting" "mail_blobs" {
  name                       = "vaultpost"
  target_resource_id         = "${azurerm_storage_account.mail.id}/blobServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.app.id

  enabled_log {
    category = "StorageDelete"
  }

  enabled_metric {
    category = "Transaction"
  }
}

resource "azurerm_monitor_diagnostic_setting" "mail_queues" {
  name                       = "vaultpost"
  target_resource_id         = "${azurerm_storage_account.mail.id}/queueServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.app.id

  enabled_metric {
    category = "Transaction"
  }
}

resource "azurerm_monitor_diagnostic_setting" "mail_tables" {
  name                       = "vaultpost"
  target_resource_id         = "${azurerm_storage_account.mail.id}/tableServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.app.id

  enabled_metric {
    category = "Transaction"
  }
}

# Who has replaced the package.
resource "azurerm_monitor_diagnostic_setting" "host_blobs" {
  name                       = "vaultpost"
  target_resource_id         = "${azurerm_storage_account.host.id}/blobServices/default"
  log_analytics_workspace_id = azurerm_log_analytics_workspace.app.id

  enabled_log {
    category = "StorageWrite"
  }

  enabled_log {
    category = "StorageDelete"
  }

  enabled_metric {
    category = "Transaction"
  }
}
