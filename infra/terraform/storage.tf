# Two storage accounts: that of the mail, and that of the Functions host with the package. No shared key: whoever
# comes has an identity, and its roles.

locals {
  storage_replication = trimprefix(var.storage_sku, "Standard_")
}

resource "azurerm_storage_account" "mail" {
  # checkov:skip=CKV_AZURE_35: closed where the network is private; otherwise the app has no fixed address to let in
  # checkov:skip=CKV_AZURE_59: closed where the network is private; otherwise the app has no fixed address to let in
  # checkov:skip=CKV2_AZURE_33: it has private endpoints where the network is private
  # checkov:skip=CKV_AZURE_206: what is staged is in Exchange, too; replication to another region is the company's choice
  # checkov:skip=CKV_AZURE_244: local users exist for SFTP alone, which is off
  # checkov:skip=CKV_AZURE_33: classic logging needs a shared key; diagnostic settings (diagnostics.tf) are in its place
  # checkov:skip=CKV2_AZURE_1: Microsoft's keys will do: the company's own key can be set on the account by policy
  name                             = "st${local.plain}mail${local.unique}"
  location                         = local.location
  resource_group_name              = var.resource_group_name
  tags                             = var.tags
  account_kind                     = "StorageV2"
  account_tier                     = "Standard"
  account_replication_type         = local.storage_replication
  access_tier                      = "Hot"
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  default_to_oauth_authentication  = true
  https_traffic_only_enabled       = true
  is_hns_enabled                   = false
  min_tls_version                  = "TLS1_2"
  public_network_access_enabled    = !var.private_network
  shared_access_key_enabled        = false

  network_rules {
    default_action = var.private_network ? "Deny" : "Allow"
    bypass         = ["None"]
  }

  blob_properties {
    delete_retention_policy {
      days = var.deleted_blob_days
    }
    container_delete_retention_policy {
      days = var.deleted_blob_days
    }
  }
}

resource "azurerm_storage_container" "mail" {
  # checkov:skip=CKV2_AZURE_21: the app's own reads, some dozens for each mail, would cost more than all else; deletions are logged
  for_each = toset(local.containers)

  name                  = each.value
  storage_account_id    = azurerm_storage_account.mail.id
  container_access_type = "private"
}

resource "azurerm_storage_queue" "mail" {
  for_each = toset(local.queues)

  name               = each.value
  storage_account_id = azurerm_storage_account.mail.id
}

resource "azurerm_storage_table" "mail" {
  # checkov:skip=CKV2_AZURE_20: the app's own reads, some dozens for each mail, would cost more than all else
  for_each = toset(local.tables)

  name               = each.value
  storage_account_id = azurerm_storage_account.mail.id
}

resource "azurerm_storage_management_policy" "mail" {
  storage_account_id = azurerm_storage_account.mail.id

  rule {
    name    = "staged-bytes-go-by-age"
    enabled = true

    filters {
      blob_types   = ["blockBlob"]
      prefix_match = ["${local.containers[0]}/"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = var.staging_days
      }
    }
  }
}

resource "azurerm_storage_account" "host" {
  # checkov:skip=CKV_AZURE_35: closed where the network is private; otherwise the app has no fixed address to let in
  # checkov:skip=CKV_AZURE_59: closed where the network is private; otherwise the app has no fixed address to let in
  # checkov:skip=CKV2_AZURE_33: it has private endpoints where the network is private
  # checkov:skip=CKV_AZURE_206: it holds the package and leases of the host, which a deployment makes anew
  # checkov:skip=CKV_AZURE_244: local users exist for SFTP alone, which is off
  # checkov:skip=CKV_AZURE_33: classic logging needs a shared key; diagnostic settings (diagnostics.tf) are in its place
  # checkov:skip=CKV2_AZURE_1: Microsoft's keys will do: the company's own key can be set on the account by policy
  name                             = "st${local.plain}host${local.unique}"
  location                         = local.location
  resource_group_name              = var.resource_group_name
  tags                             = var.tags
  account_kind                     = "StorageV2"
  account_tier                     = "Standard"
  account_replication_type         = local.storage_replication
  access_tier                      = "Hot"
  allow_nested_items_to_be_public  = false
  cross_tenant_replication_enabled = false
  default_to_oauth_authentication  = true
  https_traffic_only_enabled       = true
  is_hns_enabled                   = false
  min_tls_version                  = "TLS1_2"
  public_network_access_enabled    = !var.private_network
  shared_access_key_enabled        = false

  network_rules {
    default_action = var.private_network ? "Deny" : "Allow"
    bypass         = ["None"]
  }

  blob_properties {
    delete_retention_policy {
      days = var.deleted_blob_days
    }
    container_delete_retention_policy {
      days = var.deleted_blob_days
    }
  }
}

resource "azurerm_storage_container" "package" {
  # checkov:skip=CKV2_AZURE_21: the host reads the package at each start; who writes or deletes it is logged
  name                  = "app-package"
  storage_account_id    = azurerm_storage_account.host.id
  container_access_type = "private"
}
