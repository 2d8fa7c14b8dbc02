# Does Microsoft Graph make a subscription for an app that has Mail.Read in a scope alone? No page of the documentation
# says so. The app itself cannot tell as long as it has Mail.Read for the whole tenant, too: the two are a union. So an
# app registration that is made for this and nothing else tries it, with the same scope, before anything is taken back.
# Its secret is held in memory, is never written or shown, and ends with the registration, which is removed in any case.

function Invoke-SubscriptionProbe {
    <#
    .SYNOPSIS
    What came of it: Subscribed, Refused, TooWide, AddressFault, NoAnswer, or NotRun.
    .DESCRIPTION
    Exchange knows of a new role after 30 minutes to 2 hours: the probe is tried every 5 minutes until then.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [string] $ScopeName,
        [string] $AdministrativeUnit,
        [Parameter(Mandatory)] [string] $Mailbox,
        [Parameter(Mandatory)] [string] $OutsideMailbox,
        [Parameter(Mandatory)] [uri] $NotificationUrl,
        [int] $Minutes = 150
    )

    if (-not $PSCmdlet.ShouldProcess($Mailbox, 'Try a subscription, as an app registration made for it')) { return 'NotRun' }
    $name = "Vaultpost probe $([guid]::NewGuid().ToString('N').Substring(0, 12))"
    $application = $null
    $principal = $null
    $credential = $null
    try {
        $application = New-MgApplication -DisplayName $name -SignInAudience 'AzureADMyOrg'
        $principal = New-MgServicePrincipal -AppId $application.AppId
        Invoke-UntilDone -Action {
            New-ServicePrincipal -AppId $application.AppId -ObjectId $principal.Id -DisplayName $name -ErrorAction Stop | Out-Null
        }
        Invoke-UntilDone -Action {
            if ($AdministrativeUnit) {
                New-ManagementRoleAssignment -Name $name -App $principal.Id -Role 'Application Mail.Read' -RecipientAdministrativeUnitScope $AdministrativeUnit -ErrorAction Stop | Out-Null
            } else {
                New-ManagementRoleAssignment -Name $name -App $principal.Id -Role 'Application Mail.Read' -CustomResourceScope $ScopeName -ErrorAction Stop | Out-Null
            }
        }
        $lifetime = @{ displayName = $name; endDateTime = (Get-Date).ToUniversalTime().AddMinutes($Minutes + 60) }
        $password = Add-MgApplicationPassword -ApplicationId $application.Id -PasswordCredential $lifetime
        $credential = New-Object -TypeName pscredential -ArgumentList $application.AppId, (ConvertTo-SecureString -String $password.SecretText -AsPlainText -Force)
        $password = $null
        Wait-Subscription -Credential $credential -Mailbox $Mailbox -OutsideMailbox $OutsideMailbox -NotificationUrl $NotificationUrl -Minutes $Minutes
    } finally {
        $credential = $null
        Remove-Probe -Name $name -Application $application -Principal $principal -Confirm:$false | Out-Null
    }
}

function Remove-Probe {
    <#
    .SYNOPSIS
    Removes all that the probe has made; what cannot be removed is named, and does not keep the rest from it.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $Name,
        [AllowNull()] [object] $Application,
        [AllowNull()] [object] $Principal
    )

    if (-not $PSCmdlet.ShouldProcess($Name, 'Remove what the probe has made')) { return }
    try {
        if (Get-ManagementRoleAssignment -Identity $Name -ErrorAction SilentlyContinue) {
            Remove-ManagementRoleAssignment -Identity $Name -Confirm:$false -ErrorAction Stop
        }
    } catch {
        Write-Warning "The role assignment $Name is left: Remove-ManagementRoleAssignment '$Name'. $($_.Exception.Message)"
    }
    try {
        if ($Principal -and (Get-ServicePrincipal -Identity $Principal.Id -ErrorAction SilentlyContinue)) {
            Remove-ServicePrincipal -Identity $Principal.Id -Confirm:$false -ErrorAction Stop
        }
    } catch {
        Write-Warning "Exchange still knows $($Principal.Id): Remove-ServicePrincipal '$($Principal.Id)'. $($_.Exception.Message)"
    }
    try {
        if ($Application) {
            Remove-MgApplication -ApplicationId $Application.Id -ErrorAction Stop
        }
    } catch {
        Write-Warning "The app registration $Name is left: Remove-MgApplication -ApplicationId $($Application.Id). $($_.Exception.Message)"
    }
}

function Wait-Subscription {
    <#
    .SYNOPSIS
    Tries until the mailbox can be read and subscribed to, or the time is over.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [pscredential] $Credential,
        [Parameter(Mandatory)] [string] $Mailbox,
        [Parameter(Mandatory)] [string] $OutsideMailbox,
        [Parameter(Mandatory)] [uri] $NotificationUrl,
        [Parameter(Mandatory)] [int] $Minutes
    )

    $root = "$((Get-MgEnvironment -Name (Get-MgContext).Environment).GraphEndpoint.TrimEnd('/'))/v1.0"
    $end = (Get-Date).AddMinutes($Minutes)
    $readableSince = $null
    $result = 'NoAnswer'
    while ($true) {
        $token = Get-ProbeToken -Credential $Credential
        $inside = Invoke-ProbeRequest -Method 'Get' -Uri "$root/users/$([uri]::EscapeDataString($Mailbox))/mailFolders/inbox" -Token $token
        if ($inside.Status -eq 200) {
            if (-not $readableSince) { $readableSince = Get-Date }
            $outside = Invoke-ProbeRequest -Method 'Get' -Uri "$root/users/$([uri]::EscapeDataString($OutsideMailbox))/mailFolders/inbox" -Token $token
            if ($outside.Status -eq 200) { return 'TooWide' }
            $result = Get-SubscriptionResult -Root $root -Mailbox $Mailbox -NotificationUrl $NotificationUrl -Token $token
            if ($result -notin 'Refused', 'NoAnswer') { return $result }
        }
        # Once reading works, half an hour more is given to what subscriptions may be decided by.
        if ($readableSince -and (Get-Date) -ge $readableSince.AddMinutes(30)) { return $result }
        if ((Get-Date) -ge $end) { return $result }
        Write-Information "Exchange does not know of the role yet, or Graph refuses. Next try in 5 minutes, until $($end.ToString('t'))." -InformationAction Continue
        Start-Sleep -Seconds 300
    }
}

function Get-SubscriptionResult {
    <#
    .SYNOPSIS
    Subscribed, Refused, AddressFault or NoAnswer: an outage is no refusal. A subscription that is made is deleted at once; it would end within the hour.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [string] $Root,
        [Parameter(Mandatory)] [string] $Mailbox,
        [Parameter(Mandatory)] [uri] $NotificationUrl,
        [Parameter(Mandatory)] [string] $Token
    )

    $body = @{
        changeType         = 'created'
        notificationUrl    = $NotificationUrl.AbsoluteUri
        resource           = "users/$Mailbox/mailFolders('inbox')/messages"
        expirationDateTime = (Get-Date).ToUniversalTime().AddHours(1).ToString('yyyy-MM-ddTHH:mm:ssZ')
        clientState        = [guid]::NewGuid().ToString('N')
    } | ConvertTo-Json
    $made = Invoke-ProbeRequest -Method 'Post' -Uri "$Root/subscriptions" -Token $Token -Body $body
    if ($made.Status -eq 201) {
        $id = ($made.Content | ConvertFrom-Json).id
        Invoke-ProbeRequest -Method 'Delete' -Uri "$Root/subscriptions/$id" -Token $Token | Out-Null
        return 'Subscribed'
    }
    if ($made.Status -eq 400) {
        Write-Warning "Graph answered 400. It has to reach $($NotificationUrl.AbsoluteUri). $($made.Content)"
        return 'AddressFault'
    }
    if ($made.Status -in 401, 403) { return 'Refused' }
    'NoAnswer'
}

function Get-ProbeToken {
    <#
    .SYNOPSIS
    A new token, or an empty text as long as Entra ID does not know the registration yet. Throws where it has roles: then it proves nothing.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory)] [pscredential] $Credential
    )

    [Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
    $context = Get-MgContext
    $environment = Get-MgEnvironment -Name $context.Environment
    $body = @{
        client_id     = $Credential.UserName
        client_secret = $Credential.GetNetworkCredential().Password
        grant_type    = 'client_credentials'
        scope         = "$($environment.GraphEndpoint.TrimEnd('/'))/.default"
    }
    $uri = "$($environment.AzureADEndpoint.TrimEnd('/'))/$($context.TenantId)/oauth2/v2.0/token"
    try {
        $token = (Invoke-RestMethod -Method 'Post' -Uri $uri -Body $body -UseBasicParsing).access_token
    } catch {
        return ''
    }
    $claims = $token.Split('.')[1].Replace('-', '+').Replace('_', '/')
    $claims = $claims.PadRight($claims.Length + (4 - $claims.Length % 4) % 4, '=')
    $claims = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($claims)) | ConvertFrom-Json
    if ($claims.PSObject.Properties['roles']) {
        throw 'The token of the probe has roles for the whole tenant: it would prove nothing.'
    }
    $token
}

function Invoke-ProbeRequest {
    <#
    .SYNOPSIS
    A request as the probe: the status (0 without an answer) and the body.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Method,
        [Parameter(Mandatory)] [string] $Uri,
        [Parameter(Mandatory)] [AllowEmptyString()] [string] $Token,
        [string] $Body
    )

    if (-not $Token) { return [pscustomobject] @{ Status = 0; Content = '' } }
    $headers = @{ Authorization = "Bearer $Token" }
    try {
        if ($Body) {
            $answer = Invoke-WebRequest -Method $Method -Uri $Uri -Headers $headers -Body $Body -ContentType 'application/json' -UseBasicParsing
        } else {
            $answer = Invoke-WebRequest -Method $Method -Uri $Uri -Headers $headers -UseBasicParsing
        }
        return [pscustomobject] @{ Status = [int] $answer.StatusCode; Content = "$($answer.Content)" }
    } catch {
        $response = $_.Exception.PSObject.Properties['Response']
        if (-not $response -or -not $response.Value) { return [pscustomobject] @{ Status = 0; Content = '' } }
        return [pscustomobject] @{ Status = [int] $response.Value.StatusCode; Content = "$($_.ErrorDetails)" }
    }
}

function Invoke-UntilDone {
    <#
    .SYNOPSIS
    Does something that may fail while the directory does not know yet what was made just now: for 10 minutes.
    #>
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [scriptblock] $Action
    )

    for ($number = 1; $number -lt 20; $number++) {
        try {
            & $Action
            return
        } catch {
            Write-Verbose "Not yet: $($_.Exception.Message)"
            Start-Sleep -Seconds 30
        }
    }
    & $Action
}
