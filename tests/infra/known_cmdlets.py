"""The cmdlets that the scripts may use, each with the parameters that it has in Windows PowerShell 5.1, or in
the least version of its module, as far as they are used, and the page that has them."""

from __future__ import annotations

_EXCHANGE = "learn.microsoft.com/powershell/module/exchange"
_APPLICATIONS = "learn.microsoft.com/powershell/module/microsoft.graph.applications"
_AUTHENTICATION = "learn.microsoft.com/powershell/module/microsoft.graph.authentication"
_CORE = "learn.microsoft.com/powershell/module/microsoft.powershell.core"
_UTILITY = "learn.microsoft.com/powershell/module/microsoft.powershell.utility"
_MANAGEMENT = "learn.microsoft.com/powershell/module/microsoft.powershell.management"
_SECURITY = "learn.microsoft.com/powershell/module/microsoft.powershell.security"

COMMON = frozenset({"ErrorAction", "InformationAction", "WarningAction", "Verbose"})
"""Every cmdlet has these.

learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_commonparameters
"""

_CHANGING: dict[str, tuple[str, str]] = {
    "New-ServicePrincipal": (_EXCHANGE, "AppId ObjectId DisplayName"),
    "Remove-ServicePrincipal": (_EXCHANGE, "Identity"),
    "New-ManagementScope": (_EXCHANGE, "Name RecipientRestrictionFilter"),
    "Set-ManagementScope": (_EXCHANGE, "Identity RecipientRestrictionFilter"),
    "Remove-ManagementScope": (_EXCHANGE, "Identity"),
    "New-ManagementRoleAssignment": (
        _EXCHANGE,
        "Name App Role CustomResourceScope RecipientAdministrativeUnitScope",
    ),
    "Remove-ManagementRoleAssignment": (_EXCHANGE, "Identity"),
    "New-MgApplication": (_APPLICATIONS, "DisplayName SignInAudience"),
    "Add-MgApplicationPassword": (_APPLICATIONS, "ApplicationId PasswordCredential"),
    "Remove-MgApplication": (_APPLICATIONS, "ApplicationId"),
    "New-MgServicePrincipal": (_APPLICATIONS, "AppId"),
    "New-MgServicePrincipalAppRoleAssignment": (
        _APPLICATIONS,
        "ServicePrincipalId PrincipalId ResourceId AppRoleId",
    ),
    "Remove-MgServicePrincipalAppRoleAssignment": (_APPLICATIONS, "ServicePrincipalId AppRoleAssignmentId"),
}
_READING: dict[str, tuple[str, str]] = {
    "Get-ServicePrincipal": (_EXCHANGE, "Identity"),
    "Get-ManagementScope": (_EXCHANGE, "Identity"),
    "Get-ManagementRoleAssignment": (_EXCHANGE, "Identity"),
    "Test-ServicePrincipalAuthorization": (_EXCHANGE, "Identity Resource"),
    "Get-EXOMailbox": (_EXCHANGE, "Identity"),
    "Get-Group": (_EXCHANGE, "Identity"),
    "Get-ConnectionInformation": (_EXCHANGE, ""),
    "Get-MgServicePrincipal": (_APPLICATIONS, "Filter"),
    "Get-MgServicePrincipalAppRoleAssignment": (_APPLICATIONS, "ServicePrincipalId All"),
    "Get-MgContext": (_AUTHENTICATION, ""),
    "Get-MgEnvironment": (_AUTHENTICATION, "Name"),
    "Get-Command": (_CORE, "Name"),
    "Get-Module": (_CORE, "ListAvailable Name"),
    "ForEach-Object": (_CORE, ""),
    "Where-Object": (_CORE, ""),
    "Out-Null": (_CORE, ""),
    "Join-Path": (_MANAGEMENT, "Path ChildPath"),
    "Get-Date": (_UTILITY, ""),
    "New-Object": (_UTILITY, "TypeName ArgumentList"),
    "Select-Object": (_UTILITY, "Unique"),
    "Start-Sleep": (_UTILITY, "Seconds"),
    "ConvertTo-Json": (_UTILITY, ""),
    "ConvertFrom-Json": (_UTILITY, ""),
    "Invoke-RestMethod": (_UTILITY, "Method Uri Body UseBasicParsing"),
    "Invoke-WebRequest": (_UTILITY, "Method Uri Headers Body ContentType UseBasicParsing"),
    "Write-Warning": (_UTILITY, ""),
    "Write-Verbose": (_UTILITY, ""),
    "Write-Information": (_UTILITY, ""),
    "ConvertTo-SecureString": (_SECURITY, "String AsPlainText Force"),
    "Set-StrictMode": (_CORE, "Version"),
}
OF_EXCHANGE = frozenset(
    name for name, (module, _) in {**_CHANGING, **_READING}.items() if module is _EXCHANGE
)
CHANGING = frozenset(_CHANGING)
"""Those that change something; they have Confirm and WhatIf, too."""
PAGES = {name: f"{module}/{name.lower()}" for name, (module, _) in {**_CHANGING, **_READING}.items()}
PARAMETERS = {
    name: COMMON | set(has.split()) | ({"Confirm", "WhatIf"} if name in _CHANGING else set())
    for name, (_, has) in {**_CHANGING, **_READING}.items()
}
