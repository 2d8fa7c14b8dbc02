locals {
  location = var.location == "" ? data.azurerm_resource_group.this.location : var.location
  unique   = substr(sha256("${data.azurerm_resource_group.this.id}/${var.name}"), 0, 8)
  plain    = substr(replace(var.name, "-", ""), 0, 8)

  has_network       = var.private_network || var.nat_gateway || length(var.company_prefixes) > 0 || var.hub_network_id != ""
  owns_registration = var.graph_credential != "managed-identity" && var.graph_client_id == ""
  graph_tenant_id   = var.graph_tenant_id == "" ? data.azurerm_client_config.current.tenant_id : var.graph_tenant_id
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
