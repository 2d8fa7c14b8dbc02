metadata description = 'One queue, and the right of the app and of the Functions host to its messages.'

param accountName string
param name string

@description('Object id of the app\'s identity.')
param principalId string

// Storage Queue Data Contributor. The app: send_message, peek_messages, get_queue_properties; its doctor:
// delete_message. The Functions host, as the app's identity: receives, renews the lease (Update Message, which no lesser role has), deletes, moves to the poison queue,
// reads the length to scale.
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: accountName
}

resource service 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' existing = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = {
  parent: service
  name: name
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(queue.id, principalId, queueDataContributor)
  scope: queue
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueDataContributor)
  }
}
