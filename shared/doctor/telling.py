"""What a fault says to a person: what is wrong, and what to do."""

from __future__ import annotations

from shared.credential_faults import CredentialFault
from shared.errors import Permanent, VaultpostError
from shared.secret_faults import SecretFault

AGAIN = "Run the doctor again."


def told(fault: VaultpostError, remedy: str = AGAIN) -> tuple[str, str]:
    """Its reason and its remedy; of one that has none, its text, and the `remedy` given."""
    if isinstance(fault, Permanent | CredentialFault | SecretFault):
        return fault.reason, fault.remedy
    return str(fault), remedy
