metadata description = 'Vaultpost in one resource group: everything that the app needs, and nothing that holds a secret.'

@minLength(3)
@maxLength(12)
@description('The beginning of every name: small letters, digits, single hyphens between them.')
param name string

@description('The region. It must have Flex Consumption: az functionapp list-flexconsumption-locations')
param location string = resourceGroup().location

@description('Tags of every resource.')
param tags object = {}

// ---- The app

@allowed([
  512
  2048
  4096
])
@description('Memory of an instance, in MB.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('The most instances that the platform may start: at least three times as many as are always ready of each.')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(20)
@description('Instances that are always ready for the webhook, for staging and for filing, of each. With none, mail waits for a cold start.')
param alwaysReadyInstances int = 1

@minValue(1)
@maxValue(1000)
@description('HTTP requests that one instance takes at a time.')
param httpConcurrency int = 16

@description('The configuration: a file of the package, or blob:configuration/mail-sources.toml.')
param sources string = 'mail-sources.toml'

@description('The public base address, where it is not that of the app itself, such as https://mail.example.com/api.')
param notificationUrl string = ''

@minValue(128)
@maxValue(4096)
@description('Memory for the mail that passes through at the same time, in MB.')
param memoryMB int = 192

@description('A file of the package with the authorities of the M-Files server\'s certificate, where they are not public ones.')
param vaultCa string = ''

@description('A mailbox that the app must not be able to read: the doctor tries.')
param outsideMailbox string = ''

// ---- Microsoft Graph

@allowed([
  'managed-identity'
  'federated'
  'client-certificate'
  'client-secret'
])
@description('How the app proves itself to Microsoft Graph. With managed-identity and federated no secret exists.')
param graphCredential string = 'managed-identity'

@description('Client id of an app registration that is there already; empty: one is made, unless the managed identity is used.')
param graphClientId string = ''

@description('The tenant of the app registration.')
param graphTenantId string = tenant().tenantId

@description('Microsoft Graph; another one in national clouds.')
param graphEndpoint string = 'https://graph.microsoft.com/v1.0'

@description('Microsoft Entra ID; another one in national clouds.')
param graphAuthority string = environment().authentication.loginEndpoint

@description('Whether to grant the application permissions on all mailboxes of the tenant. It needs Privileged Role Administrator; infra/exchange narrows them. With false, infra/exchange grants them for single mailboxes.')
param grantGraphPermissions bool = true

@description('Whether the configuration marks or moves mail after filing: Mail.ReadWrite beside Mail.Read.')
param changesMail bool = false

// ---- Storage, secrets and logs

@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
@description('Replication of the storage accounts.')
param storageSku string = 'Standard_ZRS'

@minValue(2)
@maxValue(365)
@description('Days for which staged mail is kept: staging-days of the configuration.')
param stagingDays int = 30

@minValue(1)
@maxValue(365)
@description('Days in which a deleted blob can be had back.')
param deletedBlobDays int = 7

@minValue(7)
@maxValue(90)
@description('Days in which a deleted secret can be had back.')
param softDeleteDays int = 90

@minValue(30)
@maxValue(730)
@description('Days for which logs are kept.')
param logRetentionDays int = 90

@description('GB of logs a day at which the workspace takes no more; -1: no limit.')
param logDailyCapGB int = 5

@description('Who hears of alerts: e-mail addresses.')
param alertEmails array = []

@description('Object id of the person, group or pipeline that sets the secrets and uses ops.py; empty: nobody gets a role.')
param operatorPrincipalId string = ''

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorPrincipalType string = 'Group'

// ---- Network

@description('Storage and Key Vault by private addresses alone, in a network of their own.')
param privateNetwork bool = false

@description('The app goes out by one fixed address. It needs the network.')
param natGateway bool = false

@description('Addresses of the network.')
param addressPrefix string = '10.88.0.0/24'

@description('Those of the app within it: a /27 at least, a /26 for many instances.')
param appSubnetPrefix string = '10.88.0.0/26'

@description('Those of the private endpoints within it: a /28 at least.')
param endpointSubnetPrefix string = '10.88.0.64/27'

@description('DNS servers of the company; none: those of Azure.')
param dnsServers array = []

@description('Addresses of the company\'s own network, in which the M-Files server stands; none: no route is made.')
param companyPrefixes array = []

@description('The gateway or firewall that leads there.')
param companyNextHop string = ''

@description('A hub network to peer with; empty: none.')
param hubNetworkId string = ''

@description('Whether the gateway of that hub leads to the company\'s own network. It must be there, and the hub\'s side of the peering must let us use it (allowGatewayTransit).')
param hubHasGateway bool = false

@description('The host name of the M-Files server, where no DNS server of the company is asked for it; empty: none.')
param vaultHost string = ''

@description('Its address on the company\'s own network.')
param vaultAddress string = ''

// ---- Sign-in

@description('Client id of the app registration by which people sign in to all but the webhook and the health check; empty: function keys alone.')
param easyAuthClientId string = ''

var unique = take(uniqueString(resourceGroup().id, name), 8)
// An environment of azd may be called with capitals.
var prefix = toLower(name)
var plain = replace(prefix, '-', '')
var hasNetwork = privateNetwork || natGateway || !empty(companyPrefixes) || !empty(hubNetworkId) || !empty(dnsServers) || !empty(vaultHost)
var ownsRegistration = graphCredential != 'managed-identity' && empty(graphClientId)
var graphRoles = changesMail ? [
  'Mail.Read'
  'Mail.ReadWrite'
] : [
  'Mail.Read'
]

var queues = [
  'mail-arrived'
  'vault-import'
  'mail-filed'
  'folder-sweep'
  'lifecycle-event'
  'mail-arrived-poison'
  'vault-import-poison'
  'mail-filed-poison'
  'folder-sweep-poison'
  'lifecycle-event-poison'
]

var tables = [
  'filings'
  'unfinished'
  'subscriptions'
  'folders'
  'fingerprints'
  'breakers'
]

var containers = [
  'staging'
  'state'
  'kept'
  'configuration'
]

// A queue function that scales from zero is not near real time.
var alwaysReady = [
  'http'
  'function:staging'
  'function:filing'
]

var fewestInstances = length(alwaysReady) * alwaysReadyInstances
var mostInstances = maximumInstanceCount >= fewestInstances ? maximumInstanceCount : fail('maximumInstanceCount is below the ${fewestInstances} instances that are always ready')

var openPaths = [
  '/api/notifications'
  '/api/lifecycle'
  '/api/health'
]

// Graph's own bodies are far smaller; the app refuses what is over 1 MiB.
var largestRequestBody = 2097152

// In China tokens are issued under another name than people and apps sign in by.
var issuingHost = environment().name == 'AzureChinaCloud' ? 'https://login.partner.microsoftonline.cn' : environment().authentication.loginEndpoint
var issuer = uri(issuingHost, '${tenant().tenantId}/v2.0')

var exchangeAudiences = {
  AzureCloud: 'api://AzureADTokenExchange'
  AzureUSGovernment: 'api://AzureADTokenExchangeUSGov'
  AzureChinaCloud: 'api://AzureADTokenExchangeChina'
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${prefix}-${unique}'
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    mailAccountName: 'st${take(plain, 8)}mail${unique}'
    hostAccountName: 'st${take(plain, 8)}host${unique}'
    location: location
    tags: tags
    stagingContainer: containers[0]
    stagingDays: stagingDays
    deletedBlobDays: deletedBlobDays
    sku: storageSku
    isPrivate: privateNetwork
  }
}

module mailContainers 'modules/container.bicep' = [for container in containers: {
  name: 'container-${container}'
  params: {
    accountName: storage.outputs.mailName
    name: container
    principalId: identity.outputs.principalId
  }
}]

module mailQueues 'modules/queue.bicep' = [for queue in queues: {
  name: 'queue-${queue}'
  params: {
    accountName: storage.outputs.mailName
    name: queue
    principalId: identity.outputs.principalId
  }
}]

module mailTables 'modules/table.bicep' = [for table in tables: {
  name: 'table-${table}'
  params: {
    accountName: storage.outputs.mailName
    name: table
    principalId: identity.outputs.principalId
  }
}]

module keyVault 'modules/keyvault.bicep' = {
  name: 'keyvault'
  params: {
    name: 'kv-${prefix}-${unique}'
    location: location
    tags: tags
    softDeleteDays: softDeleteDays
    isPrivate: privateNetwork
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-${prefix}-${unique}'
    componentName: 'appi-${prefix}-${unique}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGB: logDailyCapGB
  }
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'diagnostics'
  params: {
    workspaceId: monitoring.outputs.workspaceId
    mailAccountName: storage.outputs.mailName
    hostAccountName: storage.outputs.hostName
    keyVaultName: keyVault.outputs.name
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    principalId: identity.outputs.principalId
    hostAccountName: storage.outputs.hostName
    keyVaultName: keyVault.outputs.name
    componentName: monitoring.outputs.componentName
  }
}

module operator 'modules/operator.bicep' = if (!empty(operatorPrincipalId)) {
  name: 'operator'
  params: {
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    mailAccountName: storage.outputs.mailName
    configurationContainer: containers[3]
    keyVaultName: keyVault.outputs.name
  }
  dependsOn: [
    mailContainers
  ]
}

module operatorCertificates 'modules/operator-certificates.bicep' = if (!empty(operatorPrincipalId) && graphCredential == 'client-certificate') {
  name: 'operator-certificates'
  params: {
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    keyVaultName: keyVault.outputs.name
  }
}

// ---- Network

module nat 'modules/nat.bicep' = if (natGateway) {
  name: 'nat'
  params: {
    name: 'nat-${prefix}-${unique}'
    location: location
    tags: tags
  }
}

module route 'modules/route.bicep' = if (!empty(companyPrefixes)) {
  name: 'route'
  params: {
    name: 'rt-${prefix}-${unique}'
    location: location
    tags: tags
    companyPrefixes: companyPrefixes
    companyNextHop: companyNextHop
  }
}

module network 'modules/network.bicep' = if (hasNetwork) {
  name: 'network'
  params: {
    name: 'vnet-${prefix}-${unique}'
    location: location
    tags: tags
    addressPrefix: addressPrefix
    appSubnetPrefix: appSubnetPrefix
    endpointSubnetPrefix: endpointSubnetPrefix
    dnsServers: dnsServers
    natGatewayId: natGateway ? nat!.outputs.id : ''
    routeTableId: empty(companyPrefixes) ? '' : route!.outputs.id
  }
}

module peering 'modules/peering.bicep' = if (!empty(hubNetworkId)) {
  name: 'peering'
  params: {
    networkName: network!.outputs.name
    hubNetworkId: hubNetworkId
    hubHasGateway: hubHasGateway
  }
}

module vaultName 'modules/vault-name.bicep' = if (!empty(vaultHost)) {
  name: 'vault-name'
  params: {
    host: vaultHost
    address: vaultAddress
    networkId: network!.outputs.id
    tags: tags
  }
}

var zones = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}'
}

module privateZones 'modules/private-zone.bicep' = [for zone in items(privateNetwork ? zones : {}): {
  name: 'zone-${zone.key}'
  params: {
    name: zone.value
    networkId: network!.outputs.id
    tags: tags
  }
}]

var endpoints = [
  {
    of: 'mail'
    service: 'blob'
  }
  {
    of: 'mail'
    service: 'queue'
  }
  {
    of: 'mail'
    service: 'table'
  }
  {
    of: 'host'
    service: 'blob'
  }
  {
    of: 'secrets'
    service: 'vault'
  }
]

module privateEndpoints 'modules/private-endpoint.bicep' = [for endpoint in (privateNetwork ? endpoints : []): {
  name: 'endpoint-${endpoint.of}-${endpoint.service}'
  params: {
    name: 'pe-${prefix}-${endpoint.of}-${endpoint.service}'
    location: location
    tags: tags
    subnetId: network!.outputs.endpointSubnetId
    resourceId: endpoint.of == 'mail' ? storage.outputs.mailId : (endpoint.of == 'host' ? storage.outputs.hostId : keyVault.outputs.id)
    service: endpoint.service
    zoneId: resourceId('Microsoft.Network/privateDnsZones', zones[endpoint.service])
  }
  dependsOn: [
    privateZones
  ]
}]

// ---- Microsoft Graph

module registration 'modules/app-registration.bicep' = if (ownsRegistration) {
  name: 'app-registration'
  params: {
    name: '${prefix}-${unique}'
  }
}

module federation 'modules/federated-credential.bicep' = if (ownsRegistration && graphCredential == 'federated') {
  name: 'federated-credential'
  params: {
    registrationName: '${prefix}-${unique}'
    identityPrincipalId: identity.outputs.principalId
    issuer: issuer
    audience: exchangeAudiences[environment().name]
  }
  dependsOn: [
    registration
  ]
}

// An app registration that was there before has been granted what it needs, or will be, by whoever made it.
module graphRole 'modules/graph-role.bicep' = [for role in (grantGraphPermissions && empty(graphClientId) ? graphRoles : []): {
  name: 'graph-${toLower(replace(role, '.', '-'))}'
  params: {
    role: role
    principalId: ownsRegistration ? registration!.outputs.principalId : identity.outputs.principalId
  }
}]

// ---- The app

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: 'func-${prefix}-${unique}'
    planName: 'plan-${prefix}-${unique}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    settings: {
      VAULTPOST_SOURCES: sources
      VAULTPOST_NOTIFICATION_URL: notificationUrl
      VAULTPOST_MEMORY_MB: string(memoryMB)
      VAULTPOST_VAULT_CA: vaultCa
      VAULTPOST_OUTSIDE_MAILBOX: outsideMailbox
      KEY_VAULT_URL: keyVault.outputs.url
      AZURE_CLIENT_ID: identity.outputs.clientId
      GRAPH_CREDENTIAL: graphCredential
      GRAPH_TENANT_ID: graphTenantId
      GRAPH_CLIENT_ID: ownsRegistration ? registration!.outputs.clientId : graphClientId
      GRAPH_ENDPOINT: graphEndpoint
      GRAPH_AUTHORITY: graphAuthority
    }
    mailEndpoints: storage.outputs.mailEndpoints
    hostEndpoints: storage.outputs.hostEndpoints
    packageUrl: storage.outputs.packageUrl
    insightsConnectionString: monitoring.outputs.connectionString
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: mostInstances
    alwaysReady: alwaysReady
    alwaysReadyInstances: alwaysReadyInstances
    httpConcurrency: httpConcurrency
    largestRequestBody: largestRequestBody
    subnetId: hasNetwork ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [
    roles
    mailContainers
    mailQueues
    mailTables
    privateEndpoints
  ]
}

module auth 'modules/auth.bicep' = if (!empty(easyAuthClientId)) {
  name: 'auth'
  params: {
    appName: app.outputs.name
    clientId: easyAuthClientId
    issuer: issuer
    openPaths: openPaths
  }
}

module actionGroup 'modules/action-group.bicep' = {
  name: 'action-group'
  params: {
    name: 'ag-${prefix}-${unique}'
    tags: tags
    emails: alertEmails
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    prefix: prefix
    location: location
    tags: tags
    componentId: monitoring.outputs.componentId
    workspaceId: monitoring.outputs.workspaceId
    actionGroupId: actionGroup.outputs.id
  }
}

@description('The function app.')
output functionAppName string = app.outputs.name

@description('What Microsoft Graph is told: /notifications and /lifecycle are below it.')
output notificationUrl string = empty(notificationUrl) ? 'https://${app.outputs.host}/api' : notificationUrl

@description('The Key Vault that the secrets must be set in.')
output keyVaultName string = keyVault.outputs.name
output keyVaultUrl string = keyVault.outputs.url

@description('The storage account of the mail: queues, journal, staged bytes.')
output mailStorageName string = storage.outputs.mailName

@description('As whom the app goes to storage and Key Vault.')
output identityClientId string = identity.outputs.clientId
output identityPrincipalId string = identity.outputs.principalId

@description('As whom the app goes to Microsoft Graph: for infra/exchange.')
output graphClientId string = ownsRegistration ? registration!.outputs.clientId : (empty(graphClientId) ? identity.outputs.clientId : graphClientId)

@description('The fixed outbound address; empty: none.')
output outboundAddress string = natGateway ? nat!.outputs.address : ''
