"""A tenant of Microsoft 365: Entra ID, managed identities and Microsoft Graph."""
