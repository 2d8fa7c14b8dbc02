"""Whether the vault has every name of the configuration."""

from __future__ import annotations

from collections.abc import Sequence

from shared.doctor.finding import Finding, failed, ok
from shared.doctor.vault_parts import VaultParts
from shared.errors import ConfigurationFault, Transient
from shared.name_check import looked_up

NAMES = "names"


async def check_names(parts: VaultParts) -> Sequence[Finding]:
    """Look up each name of all sources and rules, in a structure that is read now."""
    sources = parts.configuration().source
    found: list[ConfigurationFault | None] = []
    try:
        structure = await parts.vault().structure(fresh=True)
        for source in sources:
            found += [fault async for fault in looked_up(source, structure)]
    except Transient as fault:
        return [failed(NAMES, f"the structure of the vault cannot be read: {fault}", "Run the doctor again.")]
    except ConfigurationFault as fault:
        return [failed(NAMES, fault.reason, fault.remedy)]
    missing = dict.fromkeys((one.reason, one.remedy) for one in found if one is not None)
    if missing:
        return [failed(NAMES, reason.rstrip("."), remedy) for reason, remedy in missing]
    of = "the source" if len(sources) == 1 else f"{len(sources)} sources"
    return [ok(NAMES, f"the vault has all {len(found)} names that {of} and the rules use")]
