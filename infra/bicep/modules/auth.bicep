metadata description = 'Easy Auth before everything but the addresses that Graph, and whoever watches the app\'s health, must reach.'

param appName string

@description('Client id of the app registration that people sign in to, with https://HOST/.auth/login/aad/callback as its redirect address.')
param clientId string

@description('Who issues the tokens of the tenant.')
param issuer string

@description('Paths that need no sign-in: Graph sends none.')
param openPaths array

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource auth 'Microsoft.Web/sites/config@2025-03-01' = {
  // checkov:skip=CKV_AZURE_13: it is about the app, not about the settings of sign-in
  // checkov:skip=CKV_AZURE_63: it is about the app, not about the settings of sign-in
  // checkov:skip=CKV_AZURE_65: it is about the app, not about the settings of sign-in
  // checkov:skip=CKV_AZURE_66: it is about the app, not about the settings of sign-in
  // checkov:skip=CKV_AZURE_80: it is about the app, not about the settings of sign-in
  // checkov:skip=CKV_AZURE_88: it is about the app, not about the settings of sign-in
  // checkov:skip=CKV_AZURE_222: it is about the app, not about the settings of sign-in
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      excludedPaths: openPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: issuer
        }
        validation: {
          allowedAudiences: [
            'api://${clientId}'
            clientId
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}
