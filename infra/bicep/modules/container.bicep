metadata description = 'One container of the mail, and the app\'s right to its blobs.'

param accountName string
param name string

@description('Object id of the app\'s identity.')
param principalId string

// Storage Blob Data Contributor. upload_blob, stage_block, commit_block_list, download_blob, get_blob_properties,
// list_blob_names, delete_blob: mail is staged, filed from there, kept; sweeps have their state there; of the
// configuration the last good one is kept beside it.
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: accountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: name
  properties: {
    publicAccess: 'None'
  }
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, principalId, blobDataContributor)
  scope: container
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}
