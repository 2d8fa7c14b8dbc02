metadata description = 'The app\'s managed identity as the credential of the app registration: neither certificate nor secret exists.'
extension microsoftGraphV1

@description('The unique name of the app registration.')
param registrationName string

@description('Object id of the managed identity.')
param identityPrincipalId string

@description('Who issues the tokens of the tenant.')
param issuer string

@description('What the token that is exchanged is for: another one in national clouds.')
param audience string

resource trust 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${registrationName}/managed-identity'
  description: 'The managed identity of the function app.'
  audiences: [
    audience
  ]
  issuer: issuer
  subject: identityPrincipalId
}
