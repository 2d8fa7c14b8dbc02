metadata description = 'Key Vault: roles, no access policies; what is deleted can be had back. The template writes no secret.'

@description('Within softDeleteDays after a removal: `az keyvault recover` first, the name is still taken.')
param name string
param location string
param tags object

@description('Days in which a deleted secret can be had back. It cannot be changed later.')
param softDeleteDays int

@description('Closes the public endpoint: the vault is reached by its private endpoint alone.')
param isPrivate bool

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_109: closed where the network is private; otherwise the app has no fixed address to let in
  // checkov:skip=CKV_AZURE_189: closed where the network is private
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: softDeleteDays
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

output id string = vault.id
output name string = vault.name
output url string = vault.properties.vaultUri
