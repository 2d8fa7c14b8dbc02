metadata description = 'What a person, group or pipeline needs to set the secrets and to use ops.py.'

@description('Object id of the person, group or pipeline.')
param principalId string

@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param principalType string

param mailAccountName string

@description('The container of the configuration, where that is a blob.')
param configurationContainer string

param keyVaultName string

// Key Vault Secrets Officer. `az keyvault secret set`: the template writes no secret.
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

// Storage Table Data Contributor. ops.py: status reads the journal; pause, resume, replay write it.
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

// Storage Queue Data Message Sender. ops.py: replay, sweep, backfill queue mail.
var queueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

// Storage Blob Data Contributor, on the container of the configuration. `az storage blob upload` writes it, ops.py reads
// it: download_blob. Staged mail stands in other containers.
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

resource mail 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: mailAccountName
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: mail
  name: 'default'
}

resource configuration 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' existing = {
  parent: blobs
  name: configurationContainer
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

resource onSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, secretsOfficer)
  scope: vault
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsOfficer)
  }
}

resource onTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mail.id, principalId, tableDataContributor)
  scope: mail
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableDataContributor)
  }
}

resource onQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mail.id, principalId, queueDataMessageSender)
  scope: mail
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueDataMessageSender)
  }
}

resource onConfiguration 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(configuration.id, principalId, blobDataContributor)
  scope: configuration
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}
