"""The commands that mend a set-up, with the names that the settings tell; the rest is for the reader.

Names in capitals stand for what only the reader knows. Source: learn.microsoft.com/cli/azure.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.settings import Settings

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
"""Microsoft Graph in every tenant (learn.microsoft.com/troubleshoot/entra/entra-id/governance/
verify-first-party-apps-sign-in)."""
ROLE_IDS = {
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
}
"""Ids of application permissions (learn.microsoft.com/graph/permissions-reference)."""


@dataclass(frozen=True)
class Commands:
    """For the app that has these settings."""

    settings: Settings

    @property
    def app(self) -> str:
        """The name of the function app, as far as its address tells."""
        host = urlsplit(self.settings.notification_url).hostname or ""
        return host.partition(".")[0] if ".azurewebsites." in host else "APP"

    @property
    def storage_account(self) -> str:
        """The name of the account for mail."""
        host = urlsplit(self.settings.storage.blob_url).hostname or ""
        return host.partition(".")[0] or "ACCOUNT"

    def setting(self, name: str, value: str) -> str:
        """Give the app a setting; it starts anew by that."""
        return (
            f"az functionapp config appsettings set --resource-group GROUP --name {self.app} "
            f'--settings "{name}={value}"'
        )

    def identity(self) -> str:
        """Let the app have a managed identity."""
        return (
            f"az functionapp identity assign --resource-group GROUP --name {self.app}\n"
            "With a user-assigned one: assign it to the app (portal, the function app > Identity), and set "
            "AZURE_CLIENT_ID to its client id."
        )

    def subscriptions(self) -> str:
        """Have the subscriptions made now.

        Graph shows each registration its own alone. A managed identity cannot be borrowed: there the app runs
        its function (learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http).
        """
        if self.settings.graph.credential not in ("managed-identity", "federated"):
            return "python3 ops.py subscriptions --apply"
        return (
            f"KEY=$(az functionapp keys list --resource-group GROUP --name {self.app} --query masterKey "
            "--output tsv)\n"
            "curl --request POST --header @- --header 'Content-Type: application/json' "
            f'--data \'{{"input": ""}}\' https://{self.app}.azurewebsites.net/admin/functions/subscriptions '
            '<<< "x-functions-key: $KEY"'
        )

    def storage_role(self, role: str, who: str) -> str:
        """Let an identity use the storage account."""
        return (
            f'az role assignment create --role "{role}" --assignee {who} '
            f"--scope $(az storage account show --name {self.storage_account} --query id --output tsv)"
        )

    def graph_role(self, role: str, app: str, principal: str) -> str:
        """Let the app have a permission of Graph in the whole tenant.

        An app registration is asked and consented to; a managed identity is assigned it, as the portal
        has no page for that (learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments).
        """
        role_id = ROLE_IDS[role]
        if self.settings.graph.credential == "managed-identity":
            body = f'{{"principalId": "{principal}", "resourceId": "\'$GRAPH\'", "appRoleId": "{role_id}"}}'
            return (
                f"GRAPH=$(az ad sp show --id {GRAPH_APP} --query id --output tsv)\n"
                f"az rest --method POST --url https://graph.microsoft.com/v1.0/servicePrincipals/{principal}"
                f"/appRoleAssignments --body '{body}'"
            )
        return (
            f"az ad app permission add --id {app} --api {GRAPH_APP} --api-permissions {role_id}=Role\n"
            f"az ad app permission admin-consent --id {app}"
        )
