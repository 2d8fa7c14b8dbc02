"""Storage, Key Vault, logs: what is the same in both templates."""

from __future__ import annotations

from .twin import BY_DEFAULT, EVERYWHERE, NAMED_BY_AZURE, OF_ACCOUNT, OF_ITS_TYPE, Twin

_ACCOUNT = {
    "kind": "account_kind",
    "sku.name": "account_replication_type",
    "properties.accessTier": "access_tier",
    "properties.allowBlobPublicAccess": "allow_nested_items_to_be_public",
    "properties.allowCrossTenantReplication": "cross_tenant_replication_enabled",
    "properties.allowSharedKeyAccess": "shared_access_key_enabled",
    "properties.defaultToOAuthAuthentication": "default_to_oauth_authentication",
    "properties.isHnsEnabled": "is_hns_enabled",
    "properties.minimumTlsVersion": "min_tls_version",
    "properties.publicNetworkAccess": "public_network_access_enabled",
    "properties.supportsHttpsTrafficOnly": "https_traffic_only_enabled",
    "properties.networkAcls.bypass": "network_rules.bypass",
    "properties.networkAcls.defaultAction": "network_rules.default_action",
}
_KEPT = {
    "properties.deleteRetentionPolicy.days": "blob_properties.delete_retention_policy.days",
    "properties.containerDeleteRetentionPolicy.days": (
        "blob_properties.container_delete_retention_policy.days"
    ),
}
_KEPT_ALONE = {
    **NAMED_BY_AZURE,
    "properties.deleteRetentionPolicy.enabled": BY_DEFAULT,
    "properties.containerDeleteRetentionPolicy.enabled": BY_DEFAULT,
}
_CONTAINER = {"name": "name", "properties.publicAccess": "container_access_type"}
_TIER = {"account_tier": "the name of Bicep's sku has it"}
_POLICY = "properties.policy.rules"

DATA = (
    Twin("storage", "mail", "azurerm_storage_account.mail", _ACCOUNT, terraform_alone=_TIER),
    Twin("storage", "mailBlobs", "azurerm_storage_account.mail", _KEPT, _KEPT_ALONE),
    Twin("storage", "mailQueueService", "azurerm_storage_account.mail", bicep_alone=NAMED_BY_AZURE),
    Twin("storage", "mailTableService", "azurerm_storage_account.mail", bicep_alone=NAMED_BY_AZURE),
    Twin("storage", "host", "azurerm_storage_account.host", _ACCOUNT, terraform_alone=_TIER),
    Twin("storage", "hostBlobs", "azurerm_storage_account.host", _KEPT, _KEPT_ALONE),
    Twin(
        "storage",
        "stagingByAge",
        "azurerm_storage_management_policy.mail",
        {
            f"{_POLICY}.name": "rule.name",
            f"{_POLICY}.enabled": "rule.enabled",
            f"{_POLICY}.definition.filters.blobTypes": "rule.filters.blob_types",
            f"{_POLICY}.definition.filters.prefixMatch": "rule.filters.prefix_match",
            f"{_POLICY}.definition.actions.baseBlob.delete.daysAfterModificationGreaterThan": (
                "rule.actions.base_blob.delete_after_days_since_modification_greater_than"
            ),
        },
        {**NAMED_BY_AZURE, f"{_POLICY}.type": OF_ITS_TYPE},
        OF_ACCOUNT,
    ),
    Twin(
        "storage",
        "package",
        "azurerm_storage_container.package",
        _CONTAINER,
        terraform_alone=OF_ACCOUNT,
    ),
    Twin(
        "mailContainers",
        "container",
        "azurerm_storage_container.mail",
        _CONTAINER,
        terraform_alone=OF_ACCOUNT,
    ),
    Twin(
        "keyVault",
        "vault",
        "azurerm_key_vault.app",
        {
            "properties.tenantId": "tenant_id",
            "properties.sku.name": "sku_name",
            "properties.enableRbacAuthorization": "rbac_authorization_enabled",
            "properties.enablePurgeProtection": "purge_protection_enabled",
            "properties.softDeleteRetentionInDays": "soft_delete_retention_days",
            "properties.enabledForDeployment": "enabled_for_deployment",
            "properties.enabledForDiskEncryption": "enabled_for_disk_encryption",
            "properties.enabledForTemplateDeployment": "enabled_for_template_deployment",
            "properties.publicNetworkAccess": "public_network_access_enabled",
            "properties.networkAcls.bypass": "network_acls.bypass",
            "properties.networkAcls.defaultAction": "network_acls.default_action",
        },
        {"properties.sku.family": BY_DEFAULT, "properties.enableSoftDelete": "Terraform has no other"},
    ),
    Twin(
        "monitoring",
        "workspace",
        "azurerm_log_analytics_workspace.app",
        {
            "properties.sku.name": "sku",
            "properties.retentionInDays": "retention_in_days",
            "properties.features.disableLocalAuth": "local_authentication_enabled",
            "properties.features.enableLogAccessUsingOnlyResourcePermissions": (
                "allow_resource_only_permissions"
            ),
            "properties.workspaceCapping.dailyQuotaGb": "daily_quota_gb",
        },
    ),
    Twin(
        "monitoring",
        "component",
        "azurerm_application_insights.app",
        {
            "properties.Application_Type": "application_type",
            "properties.WorkspaceResourceId": "workspace_id",
            "properties.DisableLocalAuth": "local_authentication_enabled",
            "properties.DisableIpMasking": "ip_masking_enabled",
        },
        {"kind": OF_ITS_TYPE},
    ),
    Twin(
        "actionGroup",
        "group",
        "azurerm_monitor_action_group.app",
        {
            "properties.groupShortName": "short_name",
            "properties.enabled": "enabled",
            "properties.emailReceivers.for_each": "email_receiver.for_each",
            "properties.emailReceivers.name": "email_receiver.name",
            "properties.emailReceivers.emailAddress": "email_receiver.email_address",
            "properties.emailReceivers.useCommonAlertSchema": "email_receiver.use_common_alert_schema",
        },
        EVERYWHERE,
    ),
)
