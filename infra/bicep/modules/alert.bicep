metadata description = 'One alert on what a query finds.'

@description('What has happened.')
param name string
param location string
param tags object

@description('What the workspace or the component has to say; a row is a reason to alert.')
param query string

@description('The workspace or the component.')
param scopeId string

@description('What to do: it stands in what the alert sends.')
param remedy string

@description('0 critical, 1 error, 2 warning.')
param severity int

@description('How often the query is asked, and how far back it looks: ISO 8601.')
param every string
param window string

param actionGroupId string

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: name
    enabled: true
    severity: severity
    evaluationFrequency: every
    windowSize: window
    scopes: [
      scopeId
    ]
    criteria: {
      allOf: [
        {
          query: query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    // A table that has no row yet is no fault of the query.
    skipQueryValidation: true
    actions: {
      actionGroups: [
        actionGroupId
      ]
      customProperties: {
        remedy: remedy
      }
    }
  }
}
