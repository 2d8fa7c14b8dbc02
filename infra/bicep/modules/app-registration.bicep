metadata description = 'An app registration for Microsoft Graph, for every GRAPH_CREDENTIAL but managed-identity.'
extension microsoftGraphV1

@description('The display name.')
param name string

resource registration 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: name
  displayName: name
  signInAudience: 'AzureADMyOrg'
}

resource principal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: registration.appId
}

output clientId string = registration.appId
output principalId string = principal.id
