output "function_app_name" {
  description = "The function app."
  value       = azurerm_function_app_flex_consumption.app.name
}

output "notification_url" {
  description = "What Microsoft Graph is told: /notifications and /lifecycle are below it."
  value       = var.notification_url == "" ? "https://${azurerm_function_app_flex_consumption.app.default_hostname}/api" : var.notification_url
}

output "key_vault_name" {
  description = "The Key Vault that the secrets must be set in."
  value       = azurerm_key_vault.app.name
}

output "key_vault_url" {
  value = azurerm_key_vault.app.vault_uri
}

output "mail_storage_name" {
  description = "The storage account of the mail: queues, journal, staged bytes."
  value       = azurerm_storage_account.mail.name
}

output "identity_client_id" {
  description = "As whom the app goes to storage and Key Vault."
  value       = azurerm_user_assigned_identity.app.client_id
}

output "identity_principal_id" {
  value = azurerm_user_assigned_identity.app.principal_id
}

output "graph_client_id" {
  description = "As whom the app goes to Microsoft Graph: for infra/exchange."
  value       = local.owns_registration ? azuread_application.app[0].client_id : (var.graph_client_id == "" ? azurerm_user_assigned_identity.app.client_id : var.graph_client_id)
}

output "outbound_address" {
  description = "The fixed outbound address; empty: none."
  value       = var.nat_gateway ? azurerm_public_ip.nat[0].ip_address : ""
}
