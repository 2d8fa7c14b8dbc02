#Requires -Version 5.1
<#
.SYNOPSIS
Limits Vaultpost to its mailboxes: RBAC for Applications in Exchange Online, in place of a grant for the whole tenant.

.DESCRIPTION
In this order, and no step before the one above it has gone well:
1. Looks whether modules, connections and roles are there, and whether the object id is the right one.
2. Makes the app known to Exchange, makes the scopes, and gives the app its roles in them.
3. Tests each mailbox inside and one outside with Test-ServicePrincipalAuthorization.
4. Makes a subscription, and deletes it, as an app registration that has the scoped role alone and is removed again.
5. Takes back what Entra ID has granted for the whole tenant, after a question. The two are a union: until then the
   scope restricts nothing.
Where step 3 or 4 goes wrong, step 5 is left out, and why is said. It can be run again at any time; so it must be,
after a change of the mailboxes. `python3 ops.py permissions` writes the command with the mailboxes of the configuration.
Nothing is written to disk, and no secret is shown.

.PARAMETER AppId
The client id of the app registration, or of the managed identity.

.PARAMETER ObjectId
The object id of the ENTERPRISE APPLICATION (portal: Entra ID, Enterprise applications), or of the managed identity
(portal: its page, "Object (principal) ID"). Not that of the page App registrations.

.PARAMETER Mailbox
Every mailbox that the app reads.

.PARAMETER ReadWriteMailbox
Those of them in which mail is marked, moved or deleted.

.PARAMETER Group
A group whose direct members are the mailboxes that are read. Without it and -AdministrativeUnit the scope names the addresses.

.PARAMETER ReadWriteGroup
The same, of those that are written to.

.PARAMETER AdministrativeUnit
The id of an administrative unit that has the mailboxes which are read.

.PARAMETER ReadWriteAdministrativeUnit
The same, of those that are written to.

.PARAMETER OutsideMailbox
A mailbox that the app must not be able to read: the tests need one.

.PARAMETER NotificationUrl
The app's own address of notifications, https://HOST/api/notifications. It answers the handshake of the probe.

.PARAMETER ProbeMinutes
How long the probe waits for Exchange, which takes 30 minutes to 2 hours.

.EXAMPLE
.\Set-VaultpostMailboxScope.ps1 -AppId 11111111-2222-3333-4444-555555555555 -ObjectId 66666666-7777-8888-9999-000000000000 -Mailbox invoices@example.com, contracts@example.com -ReadWriteMailbox invoices@example.com -OutsideMailbox ceo@example.com -NotificationUrl https://func-vaultpost.azurewebsites.net/api/notifications -WhatIf
#>
[CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Address')]
param(
    [Parameter(Mandatory)] [guid] $AppId,
    [Parameter(Mandatory)] [guid] $ObjectId,
    [Parameter(Mandatory)] [string[]] $Mailbox,
    [string[]] $ReadWriteMailbox = @(),
    [Parameter(Mandatory, ParameterSetName = 'Group')] [string] $Group,
    [Parameter(ParameterSetName = 'Group')] [string] $ReadWriteGroup,
    [Parameter(Mandatory, ParameterSetName = 'AdministrativeUnit')] [string] $AdministrativeUnit,
    [Parameter(ParameterSetName = 'AdministrativeUnit')] [string] $ReadWriteAdministrativeUnit,
    [Parameter(Mandatory)] [string] $OutsideMailbox,
    [Parameter(Mandatory)] [ValidatePattern('^https://')] [uri] $NotificationUrl,
    [ValidateRange(1, 1440)] [int] $ProbeMinutes = 150,
    [string] $DisplayName = 'Vaultpost'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/Prerequisites.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/MailboxScope.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/SubscriptionProbe.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'private/TenantWideGrant.ps1')

# 1. What has to be there.
Assert-Prerequisite -GraphScope 'Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All'
Assert-EnterpriseApplication -AppId $AppId -ObjectId $ObjectId
$reading = @(Get-PrimaryAddress -Mailbox $Mailbox | Select-Object -Unique)
$writing = @(Get-PrimaryAddress -Mailbox $ReadWriteMailbox | Select-Object -Unique)
$outside = Get-PrimaryAddress -Mailbox $OutsideMailbox
$unread = @($writing | Where-Object { $reading -notcontains $_ })
if ($unread.Count -gt 0) { throw "In -ReadWriteMailbox and not in -Mailbox: $($unread -join ', '). Subscriptions need Mail.Read." }
if ($reading -contains $outside) { throw "$outside cannot be inside and outside." }
if ($Group -and $writing.Count -gt 0 -and -not $ReadWriteGroup) { throw 'With -Group and -ReadWriteMailbox, -ReadWriteGroup has to be given.' }
if ($AdministrativeUnit -and $writing.Count -gt 0 -and -not $ReadWriteAdministrativeUnit) { throw 'With -AdministrativeUnit and -ReadWriteMailbox, -ReadWriteAdministrativeUnit has to be given.' }

# 2. The scopes and the roles in them.
$readName = Get-ScopeName -AppId $AppId -Permission 'Mail.Read'
$writeName = Get-ScopeName -AppId $AppId -Permission 'Mail.ReadWrite'
Set-ExchangePrincipal -AppId $AppId -ObjectId $ObjectId -DisplayName $DisplayName
if (-not $AdministrativeUnit) {
    $filter = if ($Group) { Get-GroupFilter -Group $Group } else { Get-AddressFilter -Address $reading }
    Set-RecipientScope -Name $readName -Filter $filter
}
Set-ScopedRole -ObjectId $ObjectId -Role 'Application Mail.Read' -Name $readName -AdministrativeUnit $AdministrativeUnit
if ($writing.Count -gt 0) {
    if (-not $AdministrativeUnit) {
        $filter = if ($Group) { Get-GroupFilter -Group $ReadWriteGroup } else { Get-AddressFilter -Address $writing }
        Set-RecipientScope -Name $writeName -Filter $filter
    }
    Set-ScopedRole -ObjectId $ObjectId -Role 'Application Mail.ReadWrite' -Name $writeName -AdministrativeUnit $ReadWriteAdministrativeUnit
} else {
    Remove-ScopedRole -Name $writeName
}
if ($WhatIfPreference) {
    Write-Warning 'With -WhatIf nothing was made: the tests, the probe and the question whether to take the grant for the whole tenant back would follow.'
    return
}

# 3. The tests. 4. The probe.
$isTested = Wait-MailboxScope -ObjectId $ObjectId -Mailbox $reading -ReadWriteMailbox $writing -OutsideMailbox $outside
$probe = 'NotRun'
if ($isTested) {
    $probe = Invoke-SubscriptionProbe -ScopeName $readName -AdministrativeUnit $AdministrativeUnit -Mailbox $reading[0] -OutsideMailbox $outside -NotificationUrl $NotificationUrl -Minutes $ProbeMinutes
}

# 5. Only now.
if ($isTested -and $probe -eq 'Subscribed') {
    Remove-TenantWideGrant -ObjectId $ObjectId
} else {
    $why = switch ($probe) {
        'Refused' { 'Graph makes no subscription for an app with a scoped role alone. Without the grant for the whole tenant, mail would be filed by the half-hourly sweep only.' }
        'TooWide' { "the probe could read $outside, which must be outside." }
        'AddressFault' { "Graph does not reach $($NotificationUrl.AbsoluteUri)." }
        'NoAnswer' { "Exchange had not followed after $ProbeMinutes minutes. Run it again, with a larger -ProbeMinutes." }
        default { if ($isTested) { 'the probe was not run.' } else { 'the tests have failed: see the warnings above.' } }
    }
    Write-Warning "What Entra ID has granted for the whole tenant is left as it is: $why"
}
$left = @(Get-TenantWideGrant -ObjectId $ObjectId | ForEach-Object { $_.Permission })
[pscustomobject] @{
    Tested     = $isTested
    Probe      = $probe
    TenantWide = $left -join ', '
    Scoped     = $left.Count -eq 0
}
Write-Information 'Exchange follows a change after 30 minutes to 2 hours, a managed identity after up to 24 hours, as its tokens are kept so long. Look then: python3 ops.py doctor' -InformationAction Continue
