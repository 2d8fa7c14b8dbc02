metadata description = 'Two storage accounts: that of the mail, and that of the Functions host with the package.'

param mailAccountName string
param hostAccountName string
param location string
param tags object

@description('The container of the bytes that go by age.')
param stagingContainer string

@description('Days until staged bytes are deleted. The configuration\'s staging-days must be the same.')
param stagingDays int

@description('Days in which a deleted blob can be had back.')
param deletedBlobDays int

@description('Replication: Standard_LRS within a data centre, Standard_ZRS over the zones of the region.')
param sku string

@description('Closes the public endpoints: both accounts are reached by private endpoints alone.')
param isPrivate bool

var packageContainer = 'app-package'

// What holds for both. No shared key: whoever comes has an identity, and its roles.
var common = {
  accessTier: 'Hot'
  allowBlobPublicAccess: false
  allowCrossTenantReplication: false
  allowSharedKeyAccess: false
  defaultToOAuthAuthentication: true
  isHnsEnabled: false
  minimumTlsVersion: 'TLS1_2'
  publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  supportsHttpsTrafficOnly: true
  networkAcls: {
    bypass: 'None'
    defaultAction: isPrivate ? 'Deny' : 'Allow'
  }
}

resource mail 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_35: closed where the network is private; otherwise the app has no fixed address to let in
  // checkov:skip=CKV_AZURE_206: what is staged is in Exchange, too; replication to another region is the company's choice
  // checkov:skip=CKV_AZURE_43: the name is computed of small letters and digits
  name: mailAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: common
}

resource mailBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: mail
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: deletedBlobDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: deletedBlobDays
    }
  }
}

resource mailQueueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: mail
  name: 'default'
}

resource mailTableService 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' = {
  parent: mail
  name: 'default'
}

resource stagingByAge 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: mail
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'staged-bytes-go-by-age'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                '${stagingContainer}/'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: stagingDays
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [
    mailBlobs
  ]
}

resource host 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_35: closed where the network is private; otherwise the app has no fixed address to let in
  // checkov:skip=CKV_AZURE_206: it holds the package and leases of the host, which a deployment makes anew
  // checkov:skip=CKV_AZURE_43: the name is computed of small letters and digits
  name: hostAccountName
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: common
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: host
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: deletedBlobDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: deletedBlobDays
    }
  }
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: hostBlobs
  name: packageContainer
  properties: {
    publicAccess: 'None'
  }
}

output mailId string = mail.id
output mailName string = mail.name
output mailEndpoints object = mail.properties.primaryEndpoints
output hostId string = host.id
output hostName string = host.name
output hostEndpoints object = host.properties.primaryEndpoints
output packageUrl string = '${host.properties.primaryEndpoints.blob}${package.name}'
