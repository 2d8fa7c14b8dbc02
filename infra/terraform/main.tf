locals {
  cloud = {
    public = {
      login             = "https://login.microsoftonline.com"
      issuer            = "https://login.microsoftonline.com"
      exchange_audience = "api://AzureADTokenExchange"
      storage           = "core.windows.net"
      key_vault         = "vaultcore.azure.net"
    }
    usgovernment = {
      login             = "https://login.microsoftonline.us"
      issuer            = "https://login.microsoftonline.us"
      exchange_audience = "api://AzureADTokenExchangeUSGov"
      storage           = "core.usgovcloudapi.net"
      key_vault         = "vaultcore.usgovcloudapi.net"
    }
    china = {
      login             = "https://login.chinacloudapi.cn"
      issuer            = "https://login.partner.microsoftonline.cn"
      exchange_audience = "api://AzureADTokenExchangeChina"
      storage           = "core.chinacloudapi.cn"
      key_vault         = "vaultcore.azure.cn"
    }
  }[var.environment]

  issuer = "${local.cloud.issuer}/${data.azurerm_client_config.current.tenant_id}/v2.0"

  location = var.location == "" ? data.azurerm_resource_group.this.location : var.location
  unique   = substr(sha256("${data.azurerm_resource_group.this.id}/${var.name}"), 0, 8)
  plain    = substr(replace(var.name, "-", ""), 0, 8)

  has_network       = var.private_network || var.nat_gateway || length(var.company_prefixes) > 0 || var.hub_network_id != "" || length(var.dns_servers) > 0 || var.vault_host != ""
  owns_registration = var.graph_credential != "managed-identity" && var.graph_client_id == ""
  graph_tenant_id   = var.graph_tenant_id == "" ? data.azurerm_client_config.current.tenant_id : var.graph_tenant_id
  graph_authority   = var.graph_authority == "" ? local.cloud.login : var.graph_authority
  graph_roles       = var.changes_mail ? ["Mail.Read", "Mail.ReadWrite"] : ["Mail.Read"]

  queues = [
    "mail-arrived",
    "vault-import",
    "mail-filed",
    "folder-sweep",
    "lifecycle-event",
    "mail-arrived-poison",
    "vault-import-poison",
    "mail-filed-poison",
    "folder-sweep-poison",
    "lifecycle-event-poison",
  ]

  tables = [
    "filings",
    "unfinished",
    "subscriptions",
    "folders",
    "fingerprints",
    "breakers",
  ]

  containers = [
    "staging",
    "state",
    "kept",
    "configuration",
  ]

  # A queue function that scales from zero is not near real time.
  always_ready = [
    "http",
    "function:staging",
    "function:filing",
  ]

  open_paths = [
    "/api/notifications",
    "/api/lifecycle",
    "/api/health",
  ]

  # Graph's own bodies are far smaller; the app refuses what is over 1 MiB.
  largest_request_body = 2097152
}
