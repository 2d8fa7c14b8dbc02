metadata description = 'One application permission of Microsoft Graph, for the whole tenant: infra/exchange narrows it to the mailboxes.'
extension microsoftGraphV1

@allowed([
  'Mail.Read'
  'Mail.ReadWrite'
])
param role string

@description('Object id of the service principal that gets it.')
param principalId string

// The ids of application permissions are the same in every tenant (learn.microsoft.com/graph/permissions-reference).
var roleIds = {
  'Mail.Read': '810c84a8-4a9e-49e6-bf7d-12d183f40d01'
  'Mail.ReadWrite': 'e2a3a72e-5f79-4c64-b1b1-878b674786c9'
}

// So is that of Microsoft Graph.
resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource assignment 'Microsoft.Graph/appRoleAssignedTo@v1.0' = {
  appRoleId: roleIds[role]
  principalId: principalId
  resourceId: graph.id
}
