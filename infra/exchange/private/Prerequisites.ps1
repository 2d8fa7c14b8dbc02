# What has to be there before anything is changed. Dot-sourced: -WhatIf and -Confirm of the script hold in here.

function Assert-Prerequisite {
    <#
    .SYNOPSIS
    Throws unless the modules are installed, both services are connected, and the account may do what is to be done.
    #>
    [CmdletBinding()]
    param(
        [string[]] $GraphScope = @()
    )

    Assert-Module -Name 'ExchangeOnlineManagement' -Least '3.2.0'
    if (-not @(Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' })) {
        throw 'Not connected to Exchange Online. Run: Connect-ExchangeOnline'
    }
    # A cmdlet that the account may not use is not there: learn.microsoft.com/powershell/exchange/find-exchange-cmdlet-permissions
    foreach ($name in 'New-ServicePrincipal', 'New-ManagementScope', 'New-ManagementRoleAssignment', 'Test-ServicePrincipalAuthorization') {
        if (-not (Get-Command -Name $name -ErrorAction SilentlyContinue)) {
            throw "This account may not use $name. It needs the role group Organization Management in Exchange, and the role Exchange Administrator in Entra ID."
        }
    }
    if ($GraphScope.Count -eq 0) { return }

    Assert-Module -Name 'Microsoft.Graph.Authentication' -Least '2.0.0'
    Assert-Module -Name 'Microsoft.Graph.Applications' -Least '2.0.0'
    $context = Get-MgContext
    $granted = if ($context) { @($context.Scopes) } else { @() }
    $missing = @($GraphScope | Where-Object { $granted -notcontains $_ -and $granted -notcontains $_.Replace('.Read.', '.ReadWrite.') })
    if ($missing.Count -gt 0) {
        throw "Not connected to Microsoft Graph with all that is needed. Run: Connect-MgGraph -Scopes $($GraphScope -join ',')"
    }
}

function Assert-Module {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Name,
        [Parameter(Mandatory)] [version] $Least
    )

    $found = @(Get-Module -ListAvailable -Name $Name | Where-Object { $_.Version -ge $Least })
    if ($found.Count -eq 0) {
        throw "Module $Name $Least or newer is not installed. Run: Install-Module $Name -Scope CurrentUser"
    }
}

function Assert-EnterpriseApplication {
    <#
    .SYNOPSIS
    Throws unless the object id is that of the enterprise application (or managed identity) with this client id.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [guid] $AppId,
        [Parameter(Mandatory)] [guid] $ObjectId
    )

    $found = @(Get-MgServicePrincipal -Filter "appId eq '$AppId'")
    if ($found.Count -eq 0) {
        throw "No enterprise application has the client id $AppId in this tenant."
    }
    if ($found[0].Id -ne "$ObjectId") {
        throw "The object id of the enterprise application $AppId is $($found[0].Id), not $ObjectId. The page App registrations shows another one: that of the registration."
    }
}

function Get-PrimaryAddress {
    <#
    .SYNOPSIS
    The primary address of each mailbox, which may be named by any address or by its object id. Throws for one that is not there.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [string[]] $Mailbox
    )

    foreach ($one in $Mailbox) {
        (Get-EXOMailbox -Identity $one -ErrorAction Stop).PrimarySmtpAddress
    }
}
