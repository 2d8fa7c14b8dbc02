metadata description = 'What somebody has to look at, and who hears of it.'

param prefix string
param location string
param tags object

@description('Application Insights, which has what the app and its host tell.')
param componentId string

@description('Log Analytics, which has what Key Vault tells.')
param workspaceId string

param actionGroupId string

// The event `queues` is written each minute by the function `watch`: messages by queue, and seconds for which one has waited.
var alerts = [
  {
    name: 'poison-queue'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    scope: 'component'
    remedy: 'Messages have come to a poison queue. The app takes them back by itself, ten times; look at the log of the function that failed, and at `ops.py status`.'
    query: '''
traces
| where message startswith 'message-revived ' or (message startswith 'queues ' and message matches regex '-poison=[1-9]')
'''
  }
  {
    name: 'queue-age'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    scope: 'component'
    remedy: 'A message has waited for more than five minutes without being taken: is the app running, and are there enough instances? See `ops.py status`.'
    query: '''
traces
| where message startswith 'queues '
| extend waiting = toint(extract(@'waiting=(\d+)', 1, message))
| where waiting > 300
'''
  }
  {
    name: 'webhook-5xx'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    scope: 'component'
    remedy: 'Microsoft Graph got an error from the webhook, and will send its notifications again for four hours. Run `ops.py doctor`: storage, Key Vault, address.'
    query: '''
requests
| where operation_Name in ('notifications', 'lifecycle') and toint(resultCode) >= 500
'''
  }
  {
    name: 'webhook-slow'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    scope: 'component'
    remedy: 'More than one in twenty answers of the webhook took longer than 3 seconds; at one in ten Microsoft Graph delays its notifications by ten minutes. Are instances for `http` always ready?'
    query: '''
requests
| where operation_Name in ('notifications', 'lifecycle')
| summarize slow = countif(duration > 3000), total = count()
| where slow * 20 > total
'''
  }
  {
    name: 'look-at-it'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    scope: 'component'
    remedy: 'The app has met something that does not mend itself: a failed mail, a source that is held, a service that is down. `ops.py status` tells which, and what to do.'
    query: '''
traces
| where severityLevel >= 3 and customDimensions.Category startswith 'Function.'
'''
  }
  {
    name: 'nothing-runs'
    severity: 0
    every: 'PT15M'
    window: 'PT1H'
    scope: 'component'
    remedy: 'The timer that renews the subscriptions has not ended well for an hour: is the app running? Look at the log of the function `subscriptions`.'
    query: '''
requests
| where operation_Name == 'subscriptions' and success == true
| summarize runs = count()
| where runs == 0
'''
  }
  {
    name: 'secret-expires'
    severity: 2
    every: 'PT1H'
    window: 'PT6H'
    scope: 'workspace'
    remedy: 'A secret or certificate in Key Vault expires soon, or has expired. Set a new version (docs/settings.md): the app takes it up by itself.'
    query: '''
AZKVAuditLogs
| where OperationName in ('SecretNearExpiryEventGridNotification', 'SecretExpiredEventGridNotification', 'CertificateNearExpiryEventGridNotification', 'CertificateExpiredEventGridNotification')
'''
  }
]

module rules 'alert.bicep' = [for alert in alerts: {
  name: 'alert-${alert.name}'
  params: {
    name: '${prefix}-${alert.name}'
    location: location
    tags: tags
    query: alert.query
    scopeId: alert.scope == 'workspace' ? workspaceId : componentId
    remedy: alert.remedy
    severity: alert.severity
    every: alert.every
    window: alert.window
    actionGroupId: actionGroupId
  }
}]
