variable "subscription_id" {
  description = "The subscription."
  type        = string
}

variable "resource_group_name" {
  description = "The resource group; it must be there."
  type        = string
}

variable "environment" {
  description = "The cloud: public, usgovernment, china."
  type        = string
  default     = "public"

  validation {
    condition     = contains(["public", "usgovernment", "china"], var.environment)
    error_message = "One of: public, usgovernment, china."
  }
}

variable "register_resource_providers" {
  description = "Whether to register the resource providers that the subscription lacks. It needs the right to do so in the subscription; with false, somebody has registered them."
  type        = bool
  default     = true
}

variable "name" {
  description = "The beginning of every name: small letters, digits, single hyphens between them."
  type        = string

  validation {
    condition     = length(var.name) >= 3 && length(var.name) <= 12 && can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.name))
    error_message = "3 to 12 small letters, digits, and single hyphens between them."
  }
}

variable "location" {
  description = "The region. It must have Flex Consumption: az functionapp list-flexconsumption-locations"
  type        = string
  default     = ""
}

variable "tags" {
  description = "Tags of every resource."
  type        = map(string)
  default     = {}
}

# ---- The app

variable "instance_memory_mb" {
  description = "Memory of an instance, in MB."
  type        = number
  default     = 2048

  validation {
    condition     = contains([512, 2048, 4096], var.instance_memory_mb)
    error_message = "One of: 512, 2048, 4096."
  }
}

variable "maximum_instance_count" {
  description = "The most instances that the platform may start: at least three times as many as are always ready of each."
  type        = number
  default     = 40

  validation {
    condition     = var.maximum_instance_count >= 1 && var.maximum_instance_count <= 1000 && floor(var.maximum_instance_count) == var.maximum_instance_count
    error_message = "A whole number from 1 to 1000."
  }

  validation {
    condition     = var.maximum_instance_count >= length(local.always_ready) * var.always_ready_instances
    error_message = "At least three times always_ready_instances: that many are always ready."
  }
}

variable "always_ready_instances" {
  description = "Instances that are always ready for the webhook, for staging and for filing, of each. With none, mail waits for a cold start."
  type        = number
  default     = 1

  validation {
    condition     = var.always_ready_instances >= 0 && var.always_ready_instances <= 20 && floor(var.always_ready_instances) == var.always_ready_instances
    error_message = "A whole number from 0 to 20."
  }
}

variable "http_concurrency" {
  description = "HTTP requests that one instance takes at a time."
  type        = number
  default     = 16

  validation {
    condition     = var.http_concurrency >= 1 && var.http_concurrency <= 1000 && floor(var.http_concurrency) == var.http_concurrency
    error_message = "A whole number from 1 to 1000."
  }
}

variable "sources" {
  description = "The configuration: a file of the package, or blob:configuration/mail-sources.toml."
  type        = string
  default     = "mail-sources.toml"
}

variable "notification_url" {
  description = "The public base address, where it is not that of the app itself, such as https://mail.example.com/api."
  type        = string
  default     = ""
}

variable "memory_mb" {
  description = "Memory for the mail that passes through at the same time, in MB."
  type        = number
  default     = 192

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 4096 && floor(var.memory_mb) == var.memory_mb
    error_message = "A whole number from 128 to 4096."
  }
}

variable "vault_ca" {
  description = "A file of the package with the authorities of the M-Files server's certificate, where they are not public ones."
  type        = string
  default     = ""
}

variable "outside_mailbox" {
  description = "A mailbox that the app must not be able to read: the doctor tries."
  type        = string
  default     = ""
}

# ---- Microsoft Graph

variable "graph_credential" {
  description = "How the app proves itself to Microsoft Graph. With managed-identity and federated no secret exists."
  type        = string
  default     = "managed-identity"

  validation {
    condition     = contains(["managed-identity", "federated", "client-certificate", "client-secret"], var.graph_credential)
    error_message = "One of: managed-identity, federated, client-certificate, client-secret."
  }
}

variable "graph_client_id" {
  description = "Client id of an app registration that is there already; empty: one is made, unless the managed identity is used."
  type        = string
  default     = ""
}

variable "graph_tenant_id" {
  description = "The tenant of the app registration."
  type        = string
  default     = ""
}

variable "graph_endpoint" {
  description = "Microsoft Graph; another one in national clouds."
  type        = string
  default     = "https://graph.microsoft.com/v1.0"
}

variable "graph_authority" {
  description = "Microsoft Entra ID; another one in national clouds."
  type        = string
  default     = ""
}

variable "grant_graph_permissions" {
  description = "Whether to grant the application permissions on all mailboxes of the tenant. It needs Privileged Role Administrator; infra/exchange narrows them. With false, infra/exchange grants them for single mailboxes."
  type        = bool
  default     = true
}

variable "changes_mail" {
  description = "Whether the configuration marks or moves mail after filing: Mail.ReadWrite beside Mail.Read."
  type        = bool
  default     = false
}

# ---- Storage, secrets and logs

variable "storage_sku" {
  description = "Replication of the storage accounts."
  type        = string
  default     = "Standard_ZRS"

  validation {
    condition     = contains(["Standard_LRS", "Standard_ZRS"], var.storage_sku)
    error_message = "One of: Standard_LRS, Standard_ZRS."
  }
}

variable "staging_days" {
  description = "Days for which staged mail is kept: staging-days of the configuration."
  type        = number
  default     = 30

  validation {
    condition     = var.staging_days >= 2 && var.staging_days <= 365 && floor(var.staging_days) == var.staging_days
    error_message = "A whole number from 2 to 365."
  }
}

variable "deleted_blob_days" {
  description = "Days in which a deleted blob can be had back."
  type        = number
  default     = 7

  validation {
    condition     = var.deleted_blob_days >= 1 && var.deleted_blob_days <= 365 && floor(var.deleted_blob_days) == var.deleted_blob_days
    error_message = "A whole number from 1 to 365."
  }
}

variable "soft_delete_days" {
  description = "Days in which a deleted secret can be had back."
  type        = number
  default     = 90

  validation {
    condition     = var.soft_delete_days >= 7 && var.soft_delete_days <= 90 && floor(var.soft_delete_days) == var.soft_delete_days
    error_message = "A whole number from 7 to 90."
  }
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.log_retention_days >= 30 && var.log_retention_days <= 730 && floor(var.log_retention_days) == var.log_retention_days
    error_message = "A whole number from 30 to 730."
  }
}

variable "log_daily_cap_gb" {
  description = "GB of logs a day at which the workspace takes no more; -1: no limit."
  type        = number
  default     = 5
}

variable "alert_emails" {
  description = "Who hears of alerts: e-mail addresses."
  type        = list(string)
  default     = []
}

variable "operator_principal_id" {
  description = "Object id of the person, group or pipeline that sets the secrets and uses ops.py; empty: nobody gets a role."
  type        = string
  default     = ""
}

variable "operator_principal_type" {
  type    = string
  default = "Group"

  validation {
    condition     = contains(["User", "Group", "ServicePrincipal"], var.operator_principal_type)
    error_message = "One of: User, Group, ServicePrincipal."
  }
}

# ---- Network

variable "private_network" {
  description = "Storage and Key Vault by private addresses alone, in a network of their own."
  type        = bool
  default     = false
}

variable "nat_gateway" {
  description = "The app goes out by one fixed address. It needs the network."
  type        = bool
  default     = false
}

variable "address_prefix" {
  description = "Addresses of the network."
  type        = string
  default     = "10.88.0.0/24"
}

variable "app_subnet_prefix" {
  description = "Those of the app within it: a /27 at least, a /26 for many instances."
  type        = string
  default     = "10.88.0.0/26"
}

variable "endpoint_subnet_prefix" {
  description = "Those of the private endpoints within it: a /28 at least."
  type        = string
  default     = "10.88.0.64/27"
}

variable "dns_servers" {
  description = "DNS servers of the company; none: those of Azure."
  type        = list(string)
  default     = []
}

variable "company_prefixes" {
  description = "Addresses of the company's own network, in which the M-Files server stands; none: no route is made."
  type        = list(string)
  default     = []
}

variable "company_next_hop" {
  description = "The gateway or firewall that leads there."
  type        = string
  default     = ""
}

variable "hub_network_id" {
  description = "A hub network to peer with; empty: none."
  type        = string
  default     = ""
}

variable "hub_has_gateway" {
  description = "Whether the gateway of that hub leads to the company's own network. It must be there, and the hub's side of the peering must let us use it (allowGatewayTransit)."
  type        = bool
  default     = false
}

variable "vault_host" {
  description = "The host name of the M-Files server, where no DNS server of the company is asked for it; empty: none."
  type        = string
  default     = ""
}

variable "vault_address" {
  description = "Its address on the company's own network."
  type        = string
  default     = ""
}

# ---- Sign-in

variable "easy_auth_client_id" {
  description = "Client id of the app registration by which people sign in to all but the webhook and the health check; empty: function keys alone."
  type        = string
  default     = ""
}
