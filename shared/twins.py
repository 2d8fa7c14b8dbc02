"""Several objects of one mail in the vault: one stays, and what may be is marked deleted (design, 4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shared.errors import ConfigurationFault
from shared.journal_row import Row
from shared.vault.protocol import Vault, VaultObject

FIRST_VERSION = 1
CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""The vault's clock may be that much behind ours."""


async def part_with(vault: Vault, row: Row, twins: Sequence[VaultObject]) -> tuple[str, ...]:
    """Mark twins of a mail's document deleted, under the claim on `row`; what the journal says of each.

    Only what nobody has changed, and this app's own account has created since the mail arrived.
    Raises Unavailable.
    """
    return tuple([await _part_with(vault, row, one) for one in twins if not one.deleted])


async def _part_with(vault: Vault, row: Row, twin: VaultObject) -> str:
    if not is_untouched(twin, row) or not await vault.is_own(twin):
        return f"object {twin.id} has the same filing key, and is not this app's to delete"
    try:
        await vault.mark_deleted(twin)
    except ConfigurationFault as fault:
        return f"object {twin.id} was filed twice, and could not be marked deleted: {fault.reason}"
    return f"object {twin.id} was filed twice, and was marked deleted"


def chosen(found: Sequence[VaultObject], named: int | None, sizes: Sequence[int]) -> VaultObject:
    """Which of these objects stays: the one that the journal names, else the lowest id.

    What is not deleted goes before what is, and what has files of these `sizes` before what has not.
    """

    def rank(one: VaultObject) -> tuple[bool, bool, bool, int]:
        return one.id != named, one.deleted, sorted(one.sizes) != sorted(sizes), one.id

    return min(found, key=rank)


def is_untouched(twin: VaultObject, row: Row) -> bool:
    """Whether nobody has changed it, and it was created since the mail arrived."""
    return (
        twin.version == FIRST_VERSION
        and twin.created is not None
        and twin.created >= row.arrived - CLOCKS_DIFFER_BY
    )
