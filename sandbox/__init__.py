"""A local tenant, vault, Key Vault, storage and Functions host: what Vaultpost talks to, on this machine."""
