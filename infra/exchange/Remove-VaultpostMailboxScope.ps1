#Requires -Version 5.1
<#
.SYNOPSIS
Undoes Set-VaultpostMailboxScope.ps1: takes the scoped roles back, and removes the scopes.

.DESCRIPTION
With -TenantWide the app is first granted these permissions in every mailbox of the tenant, so that it goes on. Without
it, the app can read no mailbox afterwards; nothing is lost, and its sources are held until it can.

.PARAMETER AppId
The client id of the app registration, or of the managed identity.

.PARAMETER ObjectId
The object id of the enterprise application, or of the managed identity. Not that of the page App registrations.

.PARAMETER TenantWide
Permissions to grant for the whole tenant first.

.EXAMPLE
.\Remove-VaultpostMailboxScope.ps1 -AppId 11111111-2222-3333-4444-555555555555 -ObjectId 66666666-7777-8888-9999-000000000000 -TenantWide Mail.Read -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
param(
    [Parameter(Mandatory)] [guid] $AppId,
    [Parameter(Mandatory)] [guid] $ObjectId,
    [ValidateSet('Mail.Read', 'Mail.ReadWrite')] [string[]] $TenantWide = @()
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/Prerequisites.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/MailboxScope.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/TenantWideGrant.ps1')

Assert-Prerequisite -GraphScope 'Application.Read.All', 'AppRoleAssignment.ReadWrite.All'
Assert-EnterpriseApplication -AppId $AppId -ObjectId $ObjectId
if ($TenantWide.Count -gt 0) {
    Add-TenantWideGrant -ObjectId $ObjectId -Permission $TenantWide
    if (-not $WhatIfPreference) {
        $granted = @(Get-TenantWideGrant -ObjectId $ObjectId | ForEach-Object { $_.Permission })
        $missing = @($TenantWide | Where-Object { $granted -notcontains $_ })
        if ($missing.Count -gt 0) { throw "Not granted: $($missing -join ', '). The scope is left as it is." }
    }
}
Remove-ScopedRole -Name (Get-ScopeName -AppId $AppId -Permission 'Mail.ReadWrite')
Remove-ScopedRole -Name (Get-ScopeName -AppId $AppId -Permission 'Mail.Read')
Remove-ExchangePrincipal -ObjectId $ObjectId
