"""Running one command: from its options to its exit status, whatever goes wrong."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Mapping

from shared.errors import ConfigurationFault, Transient, VaultpostError
from shared.graph.faults import Refused
from shared.operations.commands import (
    backfill,
    explain,
    permissions,
    rebuild,
    reconcile,
    replay,
    status,
    subscriptions,
    sweep,
    switching,
)
from shared.operations.terminal import NO_SERVICE, WRONG, complain
from shared.services import Services

Command = Callable[[Services, argparse.Namespace], Awaitable[int]]
COMMANDS: Mapping[str, Command] = {
    "status": status.run,
    "subscriptions": subscriptions.run,
    "sweep": sweep.run,
    "backfill": backfill.run,
    "replay": replay.run,
    "reconcile": reconcile.run,
    "rebuild": rebuild.run,
    "explain": explain.run,
    "permissions": permissions.run,
    "pause": switching.run,
    "resume": switching.run,
}
_MAY_BE_UNKNOWN = frozenset({"status", "resume"})
"""Commands that also take a source which is not configured any more."""
_HINTS = {
    "storage": "Can this machine reach the storage account, and may you use it? (az login)",
    "keyvault": "Can this machine reach Key Vault, and may you read its secrets? (az login)",
    "graph": "Can this machine reach Graph, and be what GRAPH_CREDENTIAL says? See docs/operations.md.",
    "mailbox": "Graph has enough of requests to this mailbox: run it again later.",
    "vault": "Can this machine reach the vault? See docs/operations.md.",
}


async def run(services: Services, options: argparse.Namespace) -> int:
    """Run the command that `options` name, and close what it has used."""
    try:
        await services.refresh()
        if services.refused:
            complain(
                WRONG, "ops.py: the configuration is refused; the last good one is used:", *services.refused
            )
        options.source = _key_name(services, options.source)
        if options.command not in _MAY_BE_UNKNOWN and options.source not in (None, *services.sources):
            return status.unknown(services, options.source)
        return await COMMANDS[options.command](services, options)
    except VaultpostError as fault:
        return _complain(fault)
    finally:
        await services.close()


def _key_name(services: Services, source: str | None) -> str | None:
    """The name in keys of a source that is called so, or was formerly."""
    known = {one.name: one.key_name for one in services.sources.values()}
    return known.get(source, source) if source is not None else None


def _complain(fault: VaultpostError) -> int:
    if isinstance(fault, ConfigurationFault):
        return complain(WRONG, f"ops.py: {fault.reason}", fault.remedy)
    if isinstance(fault, Transient):
        return complain(NO_SERVICE, f"ops.py: {fault}", _HINTS.get(fault.origin, _HINTS["storage"]))
    detail = f" {fault.detail}" if isinstance(fault, Refused) else ""
    hint = "Look at mailbox and folders of this source in mail-sources.toml."
    return complain(NO_SERVICE, f"ops.py: {fault}{detail}", hint)
