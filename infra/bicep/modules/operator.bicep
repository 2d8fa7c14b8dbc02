metadata description = 'What a person or group needs to set the secrets and to use ops.py.'

@description('Object id of the person or group.')
param principalId string

@allowed([
  'User'
  'Group'
])
param principalType string

param mailAccountName string
param keyVaultName string

// Key Vault Secrets Officer. `az keyvault secret set`: the template writes no secret.
var secretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

// Storage Table Data Contributor. ops.py: status reads the journal; pause, resume, replay write it.
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

// Storage Queue Data Message Sender. ops.py: replay, sweep, backfill queue mail.
var queueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

// Storage Blob Data Reader. ops.py reads the configuration where it is a blob.
var blobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'

resource mail 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: mailAccountName
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

resource onBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(mail.id, principalId, blobDataReader)
  scope: mail
  properties: {
    principalId: principalId
    principalType: principalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataReader)
  }
}
