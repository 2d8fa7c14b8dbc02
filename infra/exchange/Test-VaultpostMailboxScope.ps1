#Requires -Version 5.1
<#
.SYNOPSIS
Tests the scope of Vaultpost, and changes nothing: each mailbox inside, one outside, what is granted for the whole tenant.

.DESCRIPTION
Exit status 0 where the scope is good and nothing is granted for the whole tenant beside it, else 1.

.PARAMETER ObjectId
The object id of the enterprise application, or of the managed identity. Not that of the page App registrations.

.PARAMETER Mailbox
Every mailbox that the app reads.

.PARAMETER ReadWriteMailbox
Those of them in which mail is marked, moved or deleted.

.PARAMETER OutsideMailbox
A mailbox that the app must not be able to read.

.EXAMPLE
.\Test-VaultpostMailboxScope.ps1 -ObjectId 66666666-7777-8888-9999-000000000000 -Mailbox invoices@example.com -OutsideMailbox ceo@example.com
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [guid] $ObjectId,
    [Parameter(Mandatory)] [string[]] $Mailbox,
    [string[]] $ReadWriteMailbox = @(),
    [Parameter(Mandatory)] [string] $OutsideMailbox
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/Prerequisites.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/MailboxScope.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/TenantWideGrant.ps1')

Assert-Prerequisite -GraphScope 'Application.Read.All'
$isTested = Test-MailboxScope -ObjectId $ObjectId -Mailbox $Mailbox -ReadWriteMailbox $ReadWriteMailbox -OutsideMailbox $OutsideMailbox
$granted = @(Get-TenantWideGrant -ObjectId $ObjectId | ForEach-Object { $_.Permission })
if ($granted.Count -gt 0) {
    Write-Warning "Granted for the whole tenant, so that the scope restricts nothing: $($granted -join ', ')."
}
[pscustomobject] @{
    Tested     = $isTested
    TenantWide = $granted -join ', '
    Scoped     = $granted.Count -eq 0
}
if (-not $isTested -or $granted.Count -gt 0) { exit 1 }
