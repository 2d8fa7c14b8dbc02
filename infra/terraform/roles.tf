# What the app's identity may do; each role at its smallest scope.

# upload_blob, stage_block, commit_block_list, download_blob, get_blob_properties, list_blob_names, delete_blob: mail is
# staged, filed from there, kept; sweeps have their state there; of the configuration the last good one is kept beside it.
resource "azurerm_role_assignment" "containers" {
  for_each = azurerm_storage_container.mail

  scope                = each.value.id
  role_definition_name = "Storage Blob Data Contributor"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# The app: send_message, peek_messages, get_queue_properties; its doctor: delete_message. The Functions host, as the app's identity: receives, renews the lease
# (Update Message, which no lesser role has), deletes, moves to the poison queue, reads the length to scale.
resource "azurerm_role_assignment" "queues" {
  for_each = azurerm_storage_queue.mail

  scope                = each.value.id
  role_definition_name = "Storage Queue Data Contributor"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# create_entity, update_entity, upsert_entity, delete_entity, get_entity, query_entities, list_entities, submit_transaction: the
# journal, and what stands beside it.
resource "azurerm_role_assignment" "tables" {
  for_each = azurerm_storage_table.mail

  scope                = each.value.id
  role_definition_name = "Storage Table Data Contributor"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# On the host's own account. The Functions host, as the app's identity: reads the package, makes its containers, and
# takes the leases by which one instance runs a timer.
resource "azurerm_role_assignment" "host_storage" {
  scope                = azurerm_storage_account.host.id
  role_definition_name = "Storage Blob Data Owner"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# get_secret, list_properties_of_secret_versions.
resource "azurerm_role_assignment" "secrets" {
  scope                = azurerm_key_vault.app.id
  role_definition_name = "Key Vault Secrets User"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# The Functions host sends telemetry as the app's identity.
resource "azurerm_role_assignment" "telemetry" {
  scope                = azurerm_application_insights.app.id
  role_definition_name = "Monitoring Metrics Publisher"
  principal_id         = azurerm_user_assigned_identity.app.principal_id
  principal_type       = "ServicePrincipal"
}

# ---- What a person, group or pipeline needs to set the secrets and to use ops.py

locals {
  operator_roles = {
    # `az keyvault secret set`: nothing here writes a secret.
    secrets = { scope = azurerm_key_vault.app.id, role = "Key Vault Secrets Officer" }
    # ops.py: status reads the journal; pause, resume, replay write it.
    tables = { scope = azurerm_storage_account.mail.id, role = "Storage Table Data Contributor" }
    # ops.py: replay, sweep, backfill queue mail.
    queues = { scope = azurerm_storage_account.mail.id, role = "Storage Queue Data Message Sender" }
    # `az storage blob upload` writes the configuration, ops.py reads it; staged mail stands in other containers.
    configuration = { scope = azurerm_storage_container.mail[local.containers[3]].id, role = "Storage Blob Data Contributor" }
    # `az keyvault certificate create` and `download`: Secrets Officer may do neither.
    certificates = { scope = azurerm_key_vault.app.id, role = "Key Vault Certificates Officer" }
  }

  operators = var.operator_principal_id == "" ? [] : [
    for name in keys(local.operator_roles) : name if name != "certificates" || var.graph_credential == "client-certificate"
  ]
}

resource "azurerm_role_assignment" "operator" {
  for_each = toset(local.operators)

  scope                = local.operator_roles[each.value].scope
  role_definition_name = local.operator_roles[each.value].role
  principal_id         = var.operator_principal_id
  principal_type       = var.operator_principal_type
}
