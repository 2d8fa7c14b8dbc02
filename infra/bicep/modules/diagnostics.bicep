metadata description = 'What storage and Key Vault tell of who used them, in Log Analytics.'

param workspaceId string
param mailAccountName string
param hostAccountName string
param keyVaultName string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

resource mail 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: mailAccountName
}

resource mailBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: mail
  name: 'default'
}

resource mailQueues 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' existing = {
  parent: mail
  name: 'default'
}

resource mailTables 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' existing = {
  parent: mail
  name: 'default'
}

resource host 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: hostAccountName
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: host
  name: 'default'
}

// Each use of a secret, and near expiry: the alert on it reads them.
resource ofVault 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'vaultpost'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
      {
        category: 'AzurePolicyEvaluationDetails'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

// Deletions alone: the app's own reads and writes, some dozens for each mail, would cost more than all else.
resource ofMailBlobs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'vaultpost'
  scope: mailBlobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource ofMailQueues 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'vaultpost'
  scope: mailQueues
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource ofMailTables 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'vaultpost'
  scope: mailTables
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

// Who has replaced the package.
resource ofHostBlobs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'vaultpost'
  scope: hostBlobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}
