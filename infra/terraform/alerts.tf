# What somebody has to look at, and who hears of it.

resource "azurerm_monitor_action_group" "app" {
  name                = "ag-${var.name}-${local.unique}"
  resource_group_name = var.resource_group_name
  tags                = var.tags
  short_name          = "vaultpost"
  enabled             = true

  dynamic "email_receiver" {
    for_each = var.alert_emails

    content {
      name                    = email_receiver.value
      email_address           = email_receiver.value
      use_common_alert_schema = true
    }
  }
}

locals {
  # The event `queues` is written each minute by the function `watch`: messages by queue, and seconds for which one has waited.
  alerts = {
    poison-queue = {
      severity = 2
      every    = "PT5M"
      window   = "PT15M"
      scope    = azurerm_application_insights.app.id
      remedy   = "Messages have come to a poison queue. The app takes them back by itself, ten times; look at the log of the function that failed, and at `ops.py status`."
      query    = <<-KQL
        traces
        | where message startswith 'message-revived ' or (message startswith 'queues ' and message matches regex '-poison=[1-9]')
      KQL
    }

    queue-age = {
      severity = 1
      every    = "PT5M"
      window   = "PT15M"
      scope    = azurerm_application_insights.app.id
      remedy   = "A message has waited for more than five minutes without being taken: is the app running, and are there enough instances? See `ops.py status`."
      query    = <<-KQL
        traces
        | where message startswith 'queues '
        | extend waiting = toint(extract(@'waiting=(\d+)', 1, message))
        | where waiting > 300
      KQL
    }

    webhook-5xx = {
      severity = 1
      every    = "PT5M"
      window   = "PT15M"
      scope    = azurerm_application_insights.app.id
      remedy   = "Microsoft Graph got an error from the webhook, and will send its notifications again for four hours. Run `ops.py doctor`: storage, Key Vault, address."
      query    = <<-KQL
        requests
        | where operation_Name in ('notifications', 'lifecycle') and toint(resultCode) >= 500
      KQL
    }

    webhook-slow = {
      severity = 2
      every    = "PT5M"
      window   = "PT15M"
      scope    = azurerm_application_insights.app.id
      remedy   = "More than one in twenty answers of the webhook took longer than 3 seconds; at one in ten Microsoft Graph delays its notifications by ten minutes. Are instances for `http` always ready?"
      query    = <<-KQL
        requests
        | where operation_Name in ('notifications', 'lifecycle')
        | summarize slow = countif(duration > 3000), total = count()
        | where slow * 20 > total
      KQL
    }

    look-at-it = {
      severity = 1
      every    = "PT5M"
      window   = "PT15M"
      scope    = azurerm_application_insights.app.id
      remedy   = "The app has met something that does not mend itself: a failed mail, a source that is held, a service that is down. `ops.py status` tells which, and what to do."
      query    = <<-KQL
        traces
        | where severityLevel >= 3 and customDimensions.Category startswith 'Function.'
      KQL
    }

    nothing-runs = {
      severity = 0
      every    = "PT15M"
      window   = "PT1H"
      scope    = azurerm_application_insights.app.id
      remedy   = "The timer that renews the subscriptions has not ended well for an hour: is the app running? Look at the log of the function `subscriptions`."
      query    = <<-KQL
        requests
        | where operation_Name == 'subscriptions' and success == true
        | summarize runs = count()
        | where runs == 0
      KQL
    }

    secret-expires = {
      severity = 2
      every    = "PT1H"
      window   = "PT6H"
      scope    = azurerm_log_analytics_workspace.app.id
      remedy   = "A secret or certificate in Key Vault expires soon, or has expired. Set a new version (docs/settings.md): the app takes it up by itself."
      query    = <<-KQL
        AZKVAuditLogs
        | where OperationName in ('SecretNearExpiryEventGridNotification', 'SecretExpiredEventGridNotification', 'CertificateNearExpiryEventGridNotification', 'CertificateExpiredEventGridNotification')
      KQL
    }

  }
}

resource "azurerm_monitor_scheduled_query_rules_alert_v2" "alerts" {
  for_each = local.alerts

  name                    = "${var.name}-${each.key}"
  display_name            = "${var.name}-${each.key}"
  location                = local.location
  resource_group_name     = var.resource_group_name
  tags                    = var.tags
  enabled                 = true
  severity                = each.value.severity
  evaluation_frequency    = each.value.every
  window_duration         = each.value.window
  scopes                  = [each.value.scope]
  auto_mitigation_enabled = true
  # A table that has no row yet is no fault of the query.
  skip_query_validation = true

  criteria {
    query                   = each.value.query
    time_aggregation_method = "Count"
    operator                = "GreaterThan"
    threshold               = 0

    failing_periods {
      number_of_evaluation_periods             = 1
      minimum_failing_periods_to_trigger_alert = 1
    }
  }

  action {
    action_groups     = [azurerm_monitor_action_group.app.id]
    custom_properties = { remedy = each.value.remedy }
  }
}
