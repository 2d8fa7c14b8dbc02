# Microsoft Graph has this id in every tenant.
data "azuread_service_principal" "graph" {
  # Who grants nothing need not be able to read it.
  count = length(local.granted_roles) > 0 ? 1 : 0

  client_id = "00000003-0000-0000-c000-000000000000"
}

locals {
  # The ids of application permissions are the same in every tenant (learn.microsoft.com/graph/permissions-reference).
  graph_role_ids = {
    "Mail.Read"      = "810c84a8-4a9e-49e6-bf7d-12d183f40d01"
    "Mail.ReadWrite" = "e2a3a72e-5f79-4c64-b1b1-878b674786c9"
  }

  # An app registration that was there before has been granted what it needs, or will be, by whoever made it.
  granted_roles = var.grant_graph_permissions && var.graph_client_id == "" ? local.graph_roles : []

  graph_principal_id = local.owns_registration ? azuread_service_principal.app[0].object_id : azurerm_user_assigned_identity.app.principal_id
  graph_client_id    = local.owns_registration ? azuread_application.app[0].client_id : var.graph_client_id
}

# For every GRAPH_CREDENTIAL but managed-identity. A certificate or secret of it is made by hand: it would stand in the
# state.
resource "azuread_application" "app" {
  count = local.owns_registration ? 1 : 0

  display_name     = "${var.name}-${local.unique}"
  sign_in_audience = "AzureADMyOrg"
}

resource "azuread_service_principal" "app" {
  count = local.owns_registration ? 1 : 0

  client_id = azuread_application.app[0].client_id
}

# The app's managed identity as the credential of the app registration: neither certificate nor secret exists.
resource "azuread_application_federated_identity_credential" "app" {
  # checkov:skip=CKV_AZURE_249: the subject is the managed identity, not a workflow of GitHub
  count = local.owns_registration && var.graph_credential == "federated" ? 1 : 0

  application_id = azuread_application.app[0].id
  display_name   = "managed-identity"
  description    = "The managed identity of the function app."
  audiences      = [local.cloud.exchange_audience]
  issuer         = local.issuer
  subject        = azurerm_user_assigned_identity.app.principal_id
}

# For the whole tenant: infra/exchange narrows it to the mailboxes.
resource "azuread_app_role_assignment" "graph" {
  for_each = toset(local.granted_roles)

  app_role_id         = local.graph_role_ids[each.value]
  principal_object_id = local.graph_principal_id
  resource_object_id  = data.azuread_service_principal.graph[0].object_id
}
