"""Microsoft Graph: mail and subscriptions, through the SDK's builders, authentication and middleware."""
