using 'main.bicep'

// For `azd up`: `azd env set NAME VALUE` sets what is read here.
param name = readEnvironmentVariable('AZURE_ENV_NAME', 'vaultpost')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param tags = {
  'azd-env-name': readEnvironmentVariable('AZURE_ENV_NAME', 'vaultpost')
}
// azd tells who is signed in, but not as what: a pipeline sets AZURE_PRINCIPAL_TYPE to ServicePrincipal.
param operatorPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param operatorPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')

param sources = readEnvironmentVariable('VAULTPOST_SOURCES', 'mail-sources.toml')
param outsideMailbox = readEnvironmentVariable('VAULTPOST_OUTSIDE_MAILBOX', '')
param graphCredential = readEnvironmentVariable('GRAPH_CREDENTIAL', 'managed-identity')
param grantGraphPermissions = bool(readEnvironmentVariable('GRANT_GRAPH_PERMISSIONS', 'true'))
param changesMail = bool(readEnvironmentVariable('CHANGES_MAIL', 'false'))
param alertEmails = empty(readEnvironmentVariable('ALERT_EMAIL', '')) ? [] : [
  readEnvironmentVariable('ALERT_EMAIL', '')
]
param privateNetwork = bool(readEnvironmentVariable('PRIVATE_NETWORK', 'false'))
param natGateway = bool(readEnvironmentVariable('NAT_GATEWAY', 'false'))
