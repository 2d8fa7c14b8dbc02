terraform {
  required_version = ">= 1.9"

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 5.0"
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = "~> 3.0"
    }
  }
}

provider "azurerm" {
  subscription_id = var.subscription_id
  environment     = var.environment

  # By itself the provider registers none. Microsoft.App stands in the delegation of a subnet alone.
  resource_providers_to_register = var.register_resource_providers ? [
    "Microsoft.AlertsManagement",
    "Microsoft.App",
    "Microsoft.Insights",
    "Microsoft.KeyVault",
    "Microsoft.ManagedIdentity",
    "Microsoft.Network",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
  ] : []

  # The storage accounts take no shared keys.
  storage_use_azuread = true

  features {
    key_vault {
      # Purge protection forbids it anyway.
      purge_soft_delete_on_destroy    = false
      recover_soft_deleted_key_vaults = true
    }
  }
}

provider "azuread" {
  environment = var.environment
  tenant_id   = data.azurerm_client_config.current.tenant_id
}

data "azurerm_client_config" "current" {}

data "azurerm_resource_group" "this" {
  name = var.resource_group_name
}
