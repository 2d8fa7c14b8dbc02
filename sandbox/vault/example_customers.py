"""Customers and their contacts in the example vault: objects that lookups choose, found by what they hold."""

from __future__ import annotations

from sandbox.vault.example import (
    CONTACT_CLASS,
    CONTACT_TYPE,
    CUSTOMER_CLASS,
    CUSTOMER_TYPE,
    EMAIL_ADDRESS,
    EMAIL_DOMAIN,
)
from sandbox.vault.structure import NAME_OR_TITLE
from sandbox.vault.vault import ExampleVault

_CUSTOMERS = (
    (12, "Contoso", "contoso.com", "C-4711"),
    (17, "Fabrikam", "fabrikam.com", "C-4712"),
    (21, "Example Ltd", "example.com", ""),
    (23, "Northern branch", "shared.example", ""),
    (24, "Southern branch", "shared.example", ""),
)


def add_example_customers(vault: ExampleVault) -> None:
    """Five customers, two of which share an e-mail domain, and one contact."""
    for number, name, domain, external_id in _CUSTOMERS:
        values = {NAME_OR_TITLE: name, EMAIL_DOMAIN: domain}
        vault.add_object(CUSTOMER_TYPE, CUSTOMER_CLASS, values, number=number, external_id=external_id)
    ada = {NAME_OR_TITLE: "Ada Lovelace", EMAIL_ADDRESS: "ada@contoso.com"}
    vault.add_object(CONTACT_TYPE, CONTACT_CLASS, ada, number=31)
