"""Check `storage`: each queue, table and container, read and written with the app's own identity."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from azure.core.exceptions import AzureError

from shared import (
    breaker_table,
    fingerprints,
    folder_register,
    journal,
    staging_area,
    subscription_register,
    sweep_state,
    unfinished,
)
from shared.doctor.check import Check
from shared.doctor.claims import claims_of
from shared.doctor.commands import Commands
from shared.doctor.finding import Finding, failed, ok, warning
from shared.doctor.storage_looks import Seen, StorageAccess, look_at_container, look_at_queue, look_at_table
from shared.queue_messages import KINDS
from shared.settings import Settings, SourcesBlob

STORAGE = "storage"
QUEUES = (*KINDS, *(f"{queue}-poison" for queue in KINDS))
TABLES = (
    journal.TABLE,
    unfinished.TABLE,
    subscription_register.TABLE,
    folder_register.TABLE,
    fingerprints.TABLE,
    breaker_table.TABLE,
)
CONTAINERS = (staging_area.CONTAINER, staging_area.KEPT, sweep_state.CONTAINER)
_SCOPE = "https://storage.azure.com/.default"
_ROLES = {
    "queues": "Storage Queue Data Contributor",
    "tables": "Storage Table Data Contributor",
    "containers": "Storage Blob Data Contributor",
}


@dataclass(frozen=True)
class Storage:
    """The check."""

    settings: Settings
    access: Callable[[], StorageAccess]

    def check(self) -> Check:
        """`storage`."""
        return Check(STORAGE, self._run, needs=("settings",))

    async def _run(self) -> list[Finding]:
        access = self.access()
        file = self.settings.sources_file
        read_only = (file.container,) if isinstance(file, SourcesBlob) else ()
        queues, tables, containers = await asyncio.gather(
            _all(*(look_at_queue(access, name) for name in QUEUES)),
            _all(*(look_at_table(access, name) for name in TABLES)),
            _all(*(look_at_container(access, name) for name in dict.fromkeys((*CONTAINERS, *read_only)))),
        )
        return [
            *await self._told("queues", queues),
            *_poison(queues),
            *await self._told("tables", tables),
            *await self._told("containers", containers),
        ]

    async def _told(self, kind: str, seen: Sequence[Seen]) -> list[Finding]:
        faults: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
        for one in seen:
            if one.fault:
                faults[one.fault, one.is_refused].append(one.name)
        if faults:
            return [
                failed(
                    STORAGE, f"{', '.join(names)}: {fault}", await self._remedy(kind, refused), subject=kind
                )
                for (fault, refused), names in faults.items()
            ]
        missing = [one.name for one in seen if one.is_missing]
        later = f"; {', '.join(missing)} not there yet: made when first needed" if missing else ""
        return [ok(STORAGE, f"can be read and written{later}", subject=kind)]

    async def _remedy(self, kind: str, is_refused: bool) -> str:
        commands, storage = Commands(self.settings), self.settings.storage
        if storage.connection_string is not None:
            return (
                "Copy the connection string anew: az storage account show-connection-string --name ACCOUNT "
                "--query connectionString --output tsv\nSet it as MailStorage."
            )
        if is_refused:
            return (
                f"{commands.storage_role(_ROLES[kind], await self._who())}\nIt takes effect within ten "
                "minutes. If it has the role: let the app through the account's firewall (portal, the "
                "storage account > Networking)."
            )
        return (
            "Look at MailStorage__blobServiceUri, __queueServiceUri and __tableServiceUri, and whether the "
            "app reaches the account:\n"
            f"az storage account show --name {commands.storage_account} --query "
            '"[primaryEndpoints,publicNetworkAccess,networkRuleSet.defaultAction]"'
        )

    async def _who(self) -> str:
        identity, unknown = self.access().identity, "OBJECT-ID-OF-THE-APP'S-IDENTITY"
        if identity is None:
            return unknown
        try:
            claims = claims_of((await identity.get_token(_SCOPE)).token)
        except AzureError:
            return unknown  # the command stays general
        return unknown if claims is None else claims.principal or claims.app or unknown


async def _all(*looks: Awaitable[Seen]) -> list[Seen]:
    return list(await asyncio.gather(*looks))


def _poison(queues: Sequence[Seen]) -> list[Finding]:
    return [
        warning(
            STORAGE,
            f"holds {one.waiting} messages, which its function should have taken",
            "python3 ops.py status says what has failed; messages come back by themselves, ten times. Look "
            f"at the log of the function dead_letters_{one.name.removesuffix('-poison').replace('-', '_')}.",
            subject=f"queue {one.name}",
        )
        for one in queues
        if one.waiting
    ]
