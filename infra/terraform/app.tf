# Flex Consumption: Linux, Python 3.13.
resource "azurerm_service_plan" "app" {
  # checkov:skip=CKV_AZURE_225: an instance that fails is replaced by the platform, and mail waits in its queue meanwhile
  # checkov:skip=CKV_AZURE_212: Flex Consumption has instances that are always ready instead
  name                = "plan-${var.name}-${local.unique}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
  os_type             = "Linux"
  sku_name            = "FC1"
}

resource "azurerm_function_app_flex_consumption" "app" {
  name                = "func-${var.name}-${local.unique}"
  location            = local.location
  resource_group_name = var.resource_group_name
  tags                = merge(var.tags, { "azd-service-name" = "app" })
  service_plan_id     = azurerm_service_plan.app.id

  runtime_name    = "python"
  runtime_version = "3.13"

  storage_container_type            = "blobContainer"
  storage_container_endpoint        = "${azurerm_storage_account.host.primary_blob_endpoint}${azurerm_storage_container.package.name}"
  storage_authentication_type       = "UserAssignedIdentity"
  storage_user_assigned_identity_id = azurerm_user_assigned_identity.app.id

  instance_memory_in_mb  = var.instance_memory_mb
  maximum_instance_count = var.maximum_instance_count
  http_concurrency       = var.http_concurrency

  dynamic "always_ready" {
    for_each = local.always_ready

    content {
      name           = always_ready.value
      instance_count = var.always_ready_instances
    }
  }

  https_only = true
  # Microsoft Graph must reach the two webhook addresses from the internet.
  public_network_access_enabled                  = true
  webdeploy_publish_basic_authentication_enabled = false
  virtual_network_subnet_id                      = local.has_network ? azurerm_subnet.app[0].id : null

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.app.id]
  }

  site_config {
    application_insights_connection_string = azurerm_application_insights.app.connection_string
    http2_enabled                          = true
    minimum_tls_version                    = "1.2"
    scm_minimum_tls_version                = "1.2"
    remote_debugging_enabled               = false
  }

  app_settings = {
    # Else the provider writes a connection string without a key, which the host would take before the identity
    # (github.com/hashicorp/terraform-provider-azurerm, issue 29693). What is empty the host passes over.
    AzureWebJobsStorage = ""

    AzureWebJobsStorage__blobServiceUri  = azurerm_storage_account.host.primary_blob_endpoint
    AzureWebJobsStorage__queueServiceUri = azurerm_storage_account.host.primary_queue_endpoint
    AzureWebJobsStorage__tableServiceUri = azurerm_storage_account.host.primary_table_endpoint
    AzureWebJobsStorage__credential      = "managedidentity"
    AzureWebJobsStorage__clientId        = azurerm_user_assigned_identity.app.client_id

    MailStorage__blobServiceUri  = azurerm_storage_account.mail.primary_blob_endpoint
    MailStorage__queueServiceUri = azurerm_storage_account.mail.primary_queue_endpoint
    MailStorage__tableServiceUri = azurerm_storage_account.mail.primary_table_endpoint
    MailStorage__credential      = "managedidentity"
    MailStorage__clientId        = azurerm_user_assigned_identity.app.client_id

    APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${azurerm_user_assigned_identity.app.client_id};Authorization=AAD"
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT         = tostring(local.largest_request_body)

    VAULTPOST_SOURCES          = var.sources
    VAULTPOST_NOTIFICATION_URL = var.notification_url
    VAULTPOST_MEMORY_MB        = tostring(var.memory_mb)
    VAULTPOST_VAULT_CA         = var.vault_ca
    VAULTPOST_OUTSIDE_MAILBOX  = var.outside_mailbox
    KEY_VAULT_URL              = azurerm_key_vault.app.vault_uri
    AZURE_CLIENT_ID            = azurerm_user_assigned_identity.app.client_id
    GRAPH_CREDENTIAL           = var.graph_credential
    GRAPH_TENANT_ID            = local.graph_tenant_id
    GRAPH_CLIENT_ID            = local.graph_client_id
    GRAPH_ENDPOINT             = var.graph_endpoint
    GRAPH_AUTHORITY            = local.graph_authority
  }

  # Before everything but the addresses that Graph, and whoever watches the app's health, must reach.
  dynamic "auth_settings_v2" {
    for_each = var.easy_auth_client_id == "" ? [] : [var.easy_auth_client_id]

    content {
      auth_enabled           = true
      require_authentication = true
      require_https          = true
      unauthenticated_action = "Return401"
      excluded_paths         = local.open_paths

      active_directory_v2 {
        client_id            = auth_settings_v2.value
        tenant_auth_endpoint = local.issuer
        allowed_audiences    = ["api://${auth_settings_v2.value}", auth_settings_v2.value]
      }

      login {
        token_store_enabled = false
      }
    }
  }

  depends_on = [
    azurerm_role_assignment.containers,
    azurerm_role_assignment.queues,
    azurerm_role_assignment.tables,
    azurerm_role_assignment.host_storage,
    azurerm_role_assignment.secrets,
    azurerm_role_assignment.telemetry,
    azurerm_private_endpoint.private,
    azurerm_private_dns_zone_virtual_network_link.private,
  ]
}
