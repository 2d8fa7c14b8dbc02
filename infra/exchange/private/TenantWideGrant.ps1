# What Entra ID has granted for the whole tenant: learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments
# It and what Exchange grants in a scope are a union: as long as it is there, the scope restricts nothing.

$script:MicrosoftGraph = '00000003-0000-0000-c000-000000000000'
$script:MailRole = 'Mail.Read', 'Mail.ReadBasic', 'Mail.ReadBasic.All', 'Mail.ReadWrite'

function Get-TenantWideGrant {
    <#
    .SYNOPSIS
    The application permissions on mail that an enterprise application has in every mailbox of the tenant.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId
    )

    $graph = Get-MgServicePrincipal -Filter "appId eq '$script:MicrosoftGraph'"
    foreach ($assignment in @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId "$ObjectId" -All)) {
        $role = $graph.AppRoles | Where-Object { $assignment.ResourceId -eq $graph.Id -and $_.Id -eq $assignment.AppRoleId }
        if ($role -and $script:MailRole -contains $role.Value) {
            [pscustomobject] @{ Permission = $role.Value; AssignmentId = $assignment.Id }
        }
    }
}

function Remove-TenantWideGrant {
    <#
    .SYNOPSIS
    Takes them back. Only for one whose scope was tested, and probed with a subscription.
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId
    )

    foreach ($grant in @(Get-TenantWideGrant -ObjectId $ObjectId)) {
        if ($PSCmdlet.ShouldProcess("$ObjectId", "Take back $($grant.Permission) for the whole tenant")) {
            Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId "$ObjectId" -AppRoleAssignmentId $grant.AssignmentId
            Write-Information "Taken back for the whole tenant: $($grant.Permission)" -InformationAction Continue
        }
    }
}

function Add-TenantWideGrant {
    <#
    .SYNOPSIS
    Grants permissions in every mailbox of the tenant, as far as they are not granted.
    #>
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [Parameter(Mandatory)] [guid] $ObjectId,
        [Parameter(Mandatory)] [ValidateSet('Mail.Read', 'Mail.ReadWrite')] [string[]] $Permission
    )

    $graph = Get-MgServicePrincipal -Filter "appId eq '$script:MicrosoftGraph'"
    $granted = @(Get-TenantWideGrant -ObjectId $ObjectId | ForEach-Object { $_.Permission })
    foreach ($one in $Permission) {
        $role = $graph.AppRoles | Where-Object { $_.Value -eq $one -and $_.AllowedMemberTypes -contains 'Application' }
        if ($granted -notcontains $one -and $PSCmdlet.ShouldProcess("$ObjectId", "Grant $one for the whole tenant")) {
            New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId "$ObjectId" -PrincipalId "$ObjectId" -ResourceId $graph.Id -AppRoleId $role.Id | Out-Null
        }
    }
}
