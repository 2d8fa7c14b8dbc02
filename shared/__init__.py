"""The domain of Vaultpost and its adapters. Nothing here imports `azure.functions`."""
