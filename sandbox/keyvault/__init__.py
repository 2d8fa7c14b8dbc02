"""Azure Key Vault: the secrets of one vault, over its REST interface."""
