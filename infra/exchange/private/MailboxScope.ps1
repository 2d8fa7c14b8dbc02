# The scope itself: learn.microsoft.com/exchange/permissions-exo/application-rbac
# Each function can be run again: what is there already is adopted. Exchange's cmdlets do not see the preference for
# errors of a script: each that changes anything says -ErrorAction Stop itself.

function Get-ScopeName {
    <#
    .SYNOPSIS
    The name of the scope and of the role assignment for a permission. It has part of the client id: a tenant may have several apps.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [guid] $AppId,
        [Parameter(Mandatory)] [ValidateSet('Mail.Read', 'Mail.ReadWrite')] [string] $Permission
    )

    "Vaultpost $("$AppId".Substring(0, 8)) $Permission"
}

function Get-AddressFilter {
    <#
    .SYNOPSIS
    A filter that only these mailboxes match. An apostrophe in an address is doubled.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [string[]] $Address
    )

    @($Address | ForEach-Object { "PrimarySmtpAddress -eq '$($_.Replace("'", "''"))'" }) -join ' -or '
}

function Get-GroupFilter {
    <#
    .SYNOPSIS
    A filter that the direct members of a group match; those of groups within it do not.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [string] $Group
    )

    $name = (Get-Group -Identity $Group -ErrorAction Stop).DistinguishedName
    "MemberOfGroup -eq '$($name.Replace("'", "''"))'"
}

function Set-ExchangePrincipal {
    <#
    .SYNOPSIS
    Makes the enterprise application known to Exchange.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [guid] $AppId,
        [Parameter(Mandatory)] [guid] $ObjectId,
        [Parameter(Mandatory)] [string] $DisplayName
    )

    if (Get-ServicePrincipal -Identity "$ObjectId" -ErrorAction SilentlyContinue) { return }
    if ($PSCmdlet.ShouldProcess("$ObjectId", 'Make the enterprise application known to Exchange')) {
        New-ServicePrincipal -AppId "$AppId" -ObjectId "$ObjectId" -DisplayName $DisplayName -ErrorAction Stop | Out-Null
    }
}

function Set-RecipientScope {
    <#
    .SYNOPSIS
    Makes a scope of the mailboxes that match a filter, or gives one of that name this filter.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $Name,
        [Parameter(Mandatory)] [string] $Filter
    )

    $isThere = [bool] (Get-ManagementScope -Identity $Name -ErrorAction SilentlyContinue)
    if ($PSCmdlet.ShouldProcess($Name, "Scope of the mailboxes with $Filter")) {
        if ($isThere) {
            Set-ManagementScope -Identity $Name -RecipientRestrictionFilter $Filter -ErrorAction Stop
        } else {
            New-ManagementScope -Name $Name -RecipientRestrictionFilter $Filter -ErrorAction Stop | Out-Null
        }
    }
}

function Set-ScopedRole {
    <#
    .SYNOPSIS
    Gives a service principal an application role in a scope, or in an administrative unit.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId,
        [Parameter(Mandatory)] [string] $Role,
        [Parameter(Mandatory)] [string] $Name,
        [string] $AdministrativeUnit
    )

    $former = Get-ManagementRoleAssignment -Identity $Name -ErrorAction SilentlyContinue
    if (-not $PSCmdlet.ShouldProcess("$ObjectId", "Give it the role $Role as $Name")) { return }
    if ($former) {
        # It may be of another scope: it is made anew.
        Remove-ManagementRoleAssignment -Identity $Name -Confirm:$false -ErrorAction Stop
    }
    if ($AdministrativeUnit) {
        New-ManagementRoleAssignment -Name $Name -App "$ObjectId" -Role $Role -RecipientAdministrativeUnitScope $AdministrativeUnit -ErrorAction Stop | Out-Null
    } else {
        New-ManagementRoleAssignment -Name $Name -App "$ObjectId" -Role $Role -CustomResourceScope $Name -ErrorAction Stop | Out-Null
    }
}

function Remove-ScopedRole {
    <#
    .SYNOPSIS
    Takes the role assignment of this name back, then its scope, where they are there.
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory)] [string] $Name
    )

    $isAssigned = Get-ManagementRoleAssignment -Identity $Name -ErrorAction SilentlyContinue
    if ($isAssigned -and $PSCmdlet.ShouldProcess($Name, 'Take the role assignment back')) {
        Remove-ManagementRoleAssignment -Identity $Name -Confirm:$false -ErrorAction Stop
    }
    $isScope = Get-ManagementScope -Identity $Name -ErrorAction SilentlyContinue
    if ($isScope -and $PSCmdlet.ShouldProcess($Name, 'Remove the scope')) {
        Remove-ManagementScope -Identity $Name -Confirm:$false -ErrorAction Stop
    }
}

function Remove-ExchangePrincipal {
    <#
    .SYNOPSIS
    Makes the enterprise application unknown to Exchange. In Entra ID it stays.
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId
    )

    $isThere = Get-ServicePrincipal -Identity "$ObjectId" -ErrorAction SilentlyContinue
    if ($isThere -and $PSCmdlet.ShouldProcess("$ObjectId", 'Make the enterprise application unknown to Exchange')) {
        Remove-ServicePrincipal -Identity "$ObjectId" -Confirm:$false -ErrorAction Stop
    }
}

function Test-MailboxScope {
    <#
    .SYNOPSIS
    Whether each mailbox has the roles that it needs and no more, and the one outside has none. Says what is not so.
    .DESCRIPTION
    Test-ServicePrincipalAuthorization passes by the cache of Exchange, and does not see what Entra ID grants for the whole tenant.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId,
        [Parameter(Mandatory)] [string[]] $Mailbox,
        [string[]] $ReadWriteMailbox = @(),
        [Parameter(Mandatory)] [string] $OutsideMailbox
    )

    $isGood = $true
    foreach ($one in $Mailbox) {
        $needed = @('Application Mail.Read')
        if ($ReadWriteMailbox -contains $one) { $needed += 'Application Mail.ReadWrite' }
        $roles = @(Get-RoleInScope -ObjectId $ObjectId -Mailbox $one)
        $missing = @($needed | Where-Object { $roles -notcontains $_ })
        $excess = @($roles | Where-Object { $needed -notcontains $_ })
        if ($missing.Count -gt 0) {
            Write-Warning "$one is not in the scope of $($missing -join ', ')."
            $isGood = $false
        }
        if ($excess.Count -gt 0) {
            Write-Warning "$one is in the scope of $($excess -join ', '), which the app does not need there."
        }
    }
    $outside = @(Get-RoleInScope -ObjectId $ObjectId -Mailbox $OutsideMailbox)
    if ($outside.Count -gt 0) {
        Write-Warning "$OutsideMailbox must be outside, and is in the scope of $($outside -join ', ')."
        $isGood = $false
    }
    $isGood
}

function Get-RoleInScope {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId,
        [Parameter(Mandatory)] [string] $Mailbox
    )

    @(Test-ServicePrincipalAuthorization -Identity "$ObjectId" -Resource $Mailbox -ErrorAction Stop) |
        Where-Object { "$($_.InScope)" -eq 'True' } |
        ForEach-Object { "$($_.RoleName)" } |
        Select-Object -Unique
}

function Wait-MailboxScope {
    <#
    .SYNOPSIS
    The same as Test-MailboxScope, several times: the directory takes a while to know what was made just now.
    #>
    [CmdletBinding()]
    [OutputType([bool])]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId,
        [Parameter(Mandatory)] [string[]] $Mailbox,
        [string[]] $ReadWriteMailbox = @(),
        [Parameter(Mandatory)] [string] $OutsideMailbox,
        [int] $Attempt = 6
    )

    for ($number = 1; $number -lt $Attempt; $number++) {
        try {
            if (Test-MailboxScope -ObjectId $ObjectId -Mailbox $Mailbox -ReadWriteMailbox $ReadWriteMailbox -OutsideMailbox $OutsideMailbox -WarningAction SilentlyContinue) {
                return $true
            }
        } catch {
            Write-Verbose "Not yet: $($_.Exception.Message)"
        }
        Start-Sleep -Seconds 20
    }
    Test-MailboxScope -ObjectId $ObjectId -Mailbox $Mailbox -ReadWriteMailbox $ReadWriteMailbox -OutsideMailbox $OutsideMailbox
}
