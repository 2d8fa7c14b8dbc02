"""The application settings by name, as an operator meets them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """One application setting."""

    name: str
    meaning: str
    default: str | None = None


SETTINGS = (
    Setting(
        "VAULTPOST_SOURCES",
        "the configuration: a file, absolute or relative to the app, or blob:CONTAINER/NAME",
        "mail-sources.toml",
    ),
    Setting(
        "VAULTPOST_NOTIFICATION_URL", "public base address of the app's functions, such as https://HOST/api"
    ),
    Setting(
        "VAULTPOST_MEMORY_MB",
        "memory in MB for the mail that passes through at the same time; the rest waits",
        "192",
    ),
    Setting(
        "VAULTPOST_VAULT_CA",
        "a PEM file, absolute or relative to the app: authorities, besides the public ones, that the "
        "certificate of the M-Files server may come from",
    ),
    Setting(
        "VAULTPOST_OUTSIDE_MAILBOX",
        "a mailbox that the app must not be able to read; the doctor tries to",
    ),
    Setting("KEY_VAULT_URL", "the Key Vault of the secrets"),
    Setting("AZURE_CLIENT_ID", "client id of the user-assigned managed identity"),
    Setting("GRAPH_CREDENTIAL", "how the app proves itself to Microsoft Graph", "managed-identity"),
    Setting("GRAPH_TENANT_ID", "tenant of the app registration"),
    Setting("GRAPH_CLIENT_ID", "client id of the app registration"),
    Setting("GRAPH_ENDPOINT", "Microsoft Graph with its version", "https://graph.microsoft.com/v1.0"),
    Setting("GRAPH_AUTHORITY", "Microsoft Entra ID", "https://login.microsoftonline.com"),
    Setting("MailStorage", "connection string of the storage for mail (locally)"),
    Setting("MailStorage__blobServiceUri", "address of its blobs (in Azure)"),
    Setting("MailStorage__queueServiceUri", "address of its queues (in Azure)"),
    Setting("MailStorage__tableServiceUri", "address of its tables (in Azure)"),
    Setting("MailStorage__credential", "how the app proves itself to it", "managedidentity"),
    Setting("MailStorage__clientId", "client id of the identity for it"),
    Setting("AzureWebJobsStorage", "the storage of the Functions host itself, read by the host alone"),
)
