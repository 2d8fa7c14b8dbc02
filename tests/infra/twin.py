"""A resource of Bicep and the same one of Terraform: which of their arguments are the same."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Twin:
    """A resource of Bicep, by the module of main.bicep and its name there, and where Terraform has it.

    `arguments`: the way to a value in Bicep, and that in Terraform, but for those that every resource has
    (ALWAYS). `alone`: what one of both has no word for, and why. `part`: where Bicep has it within another
    resource.
    """

    module: str
    symbol: str
    address: str
    arguments: dict[str, str] = field(default_factory=dict)
    bicep_alone: dict[str, str] = field(default_factory=dict)
    terraform_alone: dict[str, str] = field(default_factory=dict)
    part: str = ""


ALWAYS = {"name": "name", "location": "location", "tags": "tags"}
OF_ITS_TYPE = "the type of Terraform says it"
BY_DEFAULT = "there is no other in Bicep"
NAMED_BY_AZURE = {"name": "there is one, with that name"}
EVERYWHERE = {"location": "it is global"}
OF_ACCOUNT = {"storage_account_id": "Bicep has it as parent"}
OF_ZONE = {"private_dns_zone_id": "Bicep has it as parent"}
