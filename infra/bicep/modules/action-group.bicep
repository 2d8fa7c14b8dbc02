metadata description = 'Who hears of alerts.'

param name string
param tags object

@description('Addresses of people or of a ticket system; none: alerts are shown in the portal alone.')
param emails array

var receivers = [for email in emails: {
  name: email
  emailAddress: email
  useCommonAlertSchema: true
}]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'vaultpost'
    enabled: true
    emailReceivers: receivers
  }
}

output id string = group.id
