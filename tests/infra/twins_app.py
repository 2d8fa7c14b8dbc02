"""The app and its registrations: what is the same in both templates."""

from __future__ import annotations

from .twin import NAMED_BY_AZURE, OF_ITS_TYPE, Twin

_APP = "azurerm_function_app_flex_consumption.app"
_DEPLOYED = "properties.functionAppConfig.deployment.storage"
_SCALE = "properties.functionAppConfig.scaleAndConcurrency"
_AUTH = "auth_settings_v2"
_ENTRA = f"{_AUTH}.active_directory_v2"
_SIGN_IN = "properties.identityProviders.azureActiveDirectory"

APP = (
    Twin(
        "app",
        "plan",
        "azurerm_service_plan.app",
        {"sku.name": "sku_name", "properties.reserved": "os_type"},
        {"kind": OF_ITS_TYPE, "sku.tier": "the name of Terraform's sku has it"},
    ),
    Twin(
        "app",
        "app",
        _APP,
        {
            "identity.type": "identity.type",
            "identity.userAssignedIdentities": "identity.identity_ids",
            "properties.serverFarmId": "service_plan_id",
            "properties.httpsOnly": "https_only",
            "properties.publicNetworkAccess": "public_network_access_enabled",
            "properties.virtualNetworkSubnetId": "virtual_network_subnet_id",
            f"{_DEPLOYED}.type": "storage_container_type",
            f"{_DEPLOYED}.value": "storage_container_endpoint",
            f"{_DEPLOYED}.authentication.type": "storage_authentication_type",
            f"{_DEPLOYED}.authentication.userAssignedIdentityResourceId": "storage_user_assigned_identity_id",
            "properties.functionAppConfig.runtime.name": "runtime_name",
            "properties.functionAppConfig.runtime.version": "runtime_version",
            f"{_SCALE}.instanceMemoryMB": "instance_memory_in_mb",
            f"{_SCALE}.maximumInstanceCount": "maximum_instance_count",
            f"{_SCALE}.alwaysReady.for_each": "always_ready.for_each",
            f"{_SCALE}.alwaysReady.name": "always_ready.name",
            f"{_SCALE}.alwaysReady.instanceCount": "always_ready.instance_count",
            f"{_SCALE}.triggers.http.perInstanceConcurrency": "http_concurrency",
            "properties.siteConfig.http20Enabled": "site_config.http2_enabled",
            "properties.siteConfig.minTlsVersion": "site_config.minimum_tls_version",
            "properties.siteConfig.scmMinTlsVersion": "site_config.scm_minimum_tls_version",
            "properties.siteConfig.remoteDebuggingEnabled": "site_config.remote_debugging_enabled",
        },
        {
            "kind": OF_ITS_TYPE,
            "properties.keyVaultReferenceIdentity": "no setting is a reference; Terraform has no word for it",
            "properties.siteConfig.appSettings": "compared by name and value",
            "properties.siteConfig.ftpsState": "Flex Consumption has no FTP; policies often ask for it",
        },
        {
            "site_config.application_insights_connection_string": "Bicep has it among the settings",
        },
    ),
    Twin(
        "app",
        "noScmPassword",
        _APP,
        {"properties.allow": "webdeploy_publish_basic_authentication_enabled"},
        NAMED_BY_AZURE,
    ),
    Twin(
        "app",
        "noFtpPassword",
        _APP,
        bicep_alone={**NAMED_BY_AZURE, "properties.allow": "FTP is off in Terraform"},
    ),
    Twin(
        "auth",
        "auth",
        _APP,
        {
            "properties.platform.enabled": f"{_AUTH}.auth_enabled",
            "properties.globalValidation.requireAuthentication": f"{_AUTH}.require_authentication",
            "properties.globalValidation.unauthenticatedClientAction": f"{_AUTH}.unauthenticated_action",
            "properties.globalValidation.excludedPaths": f"{_AUTH}.excluded_paths",
            "properties.httpSettings.requireHttps": f"{_AUTH}.require_https",
            f"{_SIGN_IN}.registration.clientId": f"{_ENTRA}.client_id",
            f"{_SIGN_IN}.registration.openIdIssuer": f"{_ENTRA}.tenant_auth_endpoint",
            f"{_SIGN_IN}.validation.allowedAudiences[0]": f"{_ENTRA}.allowed_audiences[0]",
            f"{_SIGN_IN}.validation.allowedAudiences[1]": f"{_ENTRA}.allowed_audiences[1]",
            "properties.login.tokenStore.enabled": f"{_AUTH}.login.token_store_enabled",
        },
        {**NAMED_BY_AZURE, f"{_SIGN_IN}.enabled": OF_ITS_TYPE},
        {f"{_AUTH}.for_each": "compared with the condition of the module"},
    ),
    Twin(
        "registration",
        "registration",
        "azuread_application.app",
        {"displayName": "display_name", "signInAudience": "sign_in_audience"},
        {"uniqueName": "by it Bicep finds the registration again"},
    ),
    Twin(
        "federation",
        "trust",
        "azuread_application_federated_identity_credential.app",
        {
            "name": "display_name",
            "description": "description",
            "audiences": "audiences",
            "issuer": "issuer",
            "subject": "subject",
        },
        terraform_alone={"application_id": "in Bicep the name has it"},
    ),
)
