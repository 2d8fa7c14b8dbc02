"""A strict local stand-in of the M-Files Web Service (MFWS, the REST API), with an example vault."""

from sandbox.vault.example_customers import add_example_customers
from sandbox.vault.objects import VaultFile, VaultObject, VaultProperty
from sandbox.vault.service import application
from sandbox.vault.vault import ExampleVault

__all__ = [
    "ExampleVault",
    "VaultFile",
    "VaultObject",
    "VaultProperty",
    "add_example_customers",
    "application",
]
