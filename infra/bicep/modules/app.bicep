metadata description = 'The function app on Flex Consumption: Linux, Python 3.13.'

param name string
param planName string
param location string
param tags object

@description('The app\'s identity.')
param identityId string
param identityClientId string

@description('The app\'s own settings, by name (docs/settings.md).')
param settings object

param mailEndpoints object
param hostEndpoints object

@description('The container that the package is deployed to.')
param packageUrl string

param insightsConnectionString string

@allowed([
  512
  2048
  4096
])
@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@minValue(1)
@maxValue(1000)
@description('The most instances that the platform may start.')
param maximumInstanceCount int

@description('What always has an instance: `http` or `function:NAME`.')
param alwaysReady array

@minValue(0)
@description('Instances that are always ready, of each.')
param alwaysReadyInstances int

@minValue(1)
@maxValue(1000)
@description('HTTP requests that one instance takes at a time. Graph calls an address slow after 3 seconds.')
param httpConcurrency int

@description('Bytes of a request\'s body that the host takes.')
param largestRequestBody int

@description('The subnet that the app goes out by; empty: none.')
param subnetId string

var ownSettings = [for setting in items(settings): {
  name: setting.key
  value: setting.value
}]

var ready = [for what in alwaysReady: {
  name: what
  instanceCount: alwaysReadyInstances
}]

var platformSettings = [
  {
    name: 'AzureWebJobsStorage__blobServiceUri'
    value: hostEndpoints.blob
  }
  {
    name: 'AzureWebJobsStorage__queueServiceUri'
    value: hostEndpoints.queue
  }
  {
    name: 'AzureWebJobsStorage__tableServiceUri'
    value: hostEndpoints.table
  }
  {
    name: 'AzureWebJobsStorage__credential'
    value: 'managedidentity'
  }
  {
    name: 'AzureWebJobsStorage__clientId'
    value: identityClientId
  }
  {
    name: 'MailStorage__blobServiceUri'
    value: mailEndpoints.blob
  }
  {
    name: 'MailStorage__queueServiceUri'
    value: mailEndpoints.queue
  }
  {
    name: 'MailStorage__tableServiceUri'
    value: mailEndpoints.table
  }
  {
    name: 'MailStorage__credential'
    value: 'managedidentity'
  }
  {
    name: 'MailStorage__clientId'
    value: identityClientId
  }
  {
    name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
    value: insightsConnectionString
  }
  {
    name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
    value: 'ClientId=${identityClientId};Authorization=AAD'
  }
  {
    name: 'FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'
    value: string(largestRequestBody)
  }
]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  // checkov:skip=CKV_AZURE_225: an instance that fails is replaced by the platform, and mail waits in its queue meanwhile
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  // checkov:skip=CKV_AZURE_222: Microsoft Graph must reach the two webhook addresses from the internet
  // checkov:skip=CKV_AZURE_17: Microsoft Graph has no client certificate; its notifications are proved by their client state
  // checkov:skip=CKV_AZURE_212: Flex Consumption has instances that are always ready instead
  // checkov:skip=CKV_AZURE_213: Flex Consumption asks no health address; GET /api/health is there for whoever watches
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'app'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Microsoft Graph must reach the two webhook addresses from the internet.
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: ready
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      appSettings: concat(platformSettings, ownSettings)
      ftpsState: 'Disabled'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      remoteDebuggingEnabled: false
    }
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
  // One site takes one change of its configuration at a time.
  dependsOn: [
    noFtpPassword
  ]
}

output id string = app.id
output name string = app.name
output host string = app.properties.defaultHostName
