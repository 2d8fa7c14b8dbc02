"""The account of a storage emulator, and how clients and Azurite are told of it."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Account:
    """Name (3 to 24 lower-case letters and digits) and key (base64) of a storage account."""

    name: str
    key: str = field(repr=False)

    @classmethod
    def random(cls) -> Account:
        """An account that nothing else knows."""
        return cls(f"sandbox{secrets.token_hex(4)}", base64.b64encode(secrets.token_bytes(64)).decode())

    @property
    def environment(self) -> dict[str, str]:
        """The variable by which Azurite serves this account instead of its published one."""
        return {"AZURITE_ACCOUNTS": f"{self.name}:{self.key}"}

    def connection_string(self, addresses: Mapping[str, str]) -> str:
        """What the SDKs and `AzureWebJobsStorage` take; `addresses` by service: Blob, Queue, Table."""
        parts = {
            "DefaultEndpointsProtocol": "https",
            "AccountName": self.name,
            "AccountKey": self.key,
            **{f"{service}Endpoint": address for service, address in addresses.items()},
        }
        return ";".join(f"{name}={value}" for name, value in parts.items())
