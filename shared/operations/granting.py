"""The commands that grant what the configuration needs: in a scope, or for the whole tenant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.permissions import NeededPermissions, Permission
from shared.settings import Settings

GRAPH_APP = "00000003-0000-0000-c000-000000000000"
ROLE_IDS: Mapping[Permission, str] = {
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadWrite": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
}
"""The application permissions of Microsoft Graph, alike in every tenant.

learn.microsoft.com/graph/permissions-reference
"""
CLIENT_ID, OUTSIDE, ADDRESS = "CLIENT-ID", "OUTSIDE-MAILBOX", "https://HOST/api/notifications"
"""What stands in a command where the settings do not say it."""
_SCRIPTS = r".\infra\exchange"
"""PowerShell takes it on every system."""


@dataclass(frozen=True)
class App:
    """Who is granted something, and what else the commands name."""

    client_id: str
    is_managed_identity: bool
    outside_mailbox: str
    notifications: str

    @property
    def object_id(self) -> str:
        """What gives the object id of its enterprise application."""
        return _object_id(self.client_id)

    @property
    def unknown(self) -> tuple[str, ...]:
        """What a person has to fill in."""
        said = {CLIENT_ID: self.client_id, OUTSIDE: self.outside_mailbox, ADDRESS: self.notifications}
        return tuple(placeholder for placeholder, value in said.items() if value == placeholder)


def app_of(settings: Settings) -> App:
    """The app of these settings. The client id of a system-assigned identity stands in none of them."""
    is_identity = settings.graph.credential == "managed-identity"
    address = settings.notifications_address
    return App(
        (settings.client_id if is_identity else settings.graph.client_id) or CLIENT_ID,
        is_identity,
        settings.outside_mailbox or OUTSIDE,
        address if address.startswith("https://") else ADDRESS,
    )


def scope_command(app: App, needed: NeededPermissions) -> str:
    """Limits the app to its mailboxes; for PowerShell. To be run without -WhatIf at last."""
    return " ".join(
        [
            rf"{_SCRIPTS}\Set-VaultpostMailboxScope.ps1",
            f"-AppId {app.client_id}",
            *_scope(app, needed),
            f"-NotificationUrl {app.notifications}",
            "-WhatIf",
        ]
    )


def test_command(app: App, needed: NeededPermissions) -> str:
    """Looks whether it is so; for PowerShell."""
    return " ".join([rf"{_SCRIPTS}\Test-VaultpostMailboxScope.ps1", *_scope(app, needed)])


def tenant_wide_commands(app: App, needed: NeededPermissions) -> tuple[str, ...]:
    """Grant the same in every mailbox of the tenant; for PowerShell.

    What stands on the page of an app registration is granted by consent; a managed identity has no page.
    """
    if app.is_managed_identity:
        grant = (
            f"New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId {app.object_id} "
            f"-PrincipalId {app.object_id} -ResourceId {_object_id(GRAPH_APP)} -AppRoleId "
        )
        return tuple(grant + ROLE_IDS[need.permission] for need in needed.needs)
    if not needed.needs:
        return ()
    roles = " ".join(f"{ROLE_IDS[need.permission]}=Role" for need in needed.needs)
    return (
        f"az ad app permission add --id {app.client_id} --api {GRAPH_APP} --api-permissions {roles}",
        f"az ad app permission admin-consent --id {app.client_id}",
    )


def not_needed(needed: NeededPermissions) -> tuple[Permission, ...]:
    """What is to be taken back where the app has it, of what it may need with another configuration."""
    return tuple(permission for permission in ROLE_IDS if permission not in needed.graph_roles)


def take_back_commands(app: App) -> tuple[str, ...]:
    """Show what the app has for the whole tenant, and take one of it back; for PowerShell."""
    of_app = f"MgServicePrincipalAppRoleAssignment -ServicePrincipalId {app.object_id}"
    return (
        f"Get-{of_app} | Format-Table ResourceDisplayName, AppRoleId, Id",
        f"Remove-{of_app} -AppRoleAssignmentId ID",
    )


def _scope(app: App, needed: NeededPermissions) -> Iterator[str]:
    yield f"-ObjectId {app.object_id}"
    yield f"-Mailbox {_quoted(needed.read.mailboxes)}"
    if needed.write:
        yield f"-ReadWriteMailbox {_quoted(needed.write.mailboxes)}"
    yield f"-OutsideMailbox {_quoted([app.outside_mailbox])}"


def _object_id(client_id: str) -> str:
    """A command in parentheses: PowerShell puts what it says in its place."""
    return f"(az ad sp show --id {client_id} --query id --output tsv)"


def _quoted(mailboxes: Sequence[str]) -> str:
    """Texts of PowerShell in which nothing is replaced."""
    return ",".join("'" + one.replace("'", "''") + "'" for one in mailboxes)
