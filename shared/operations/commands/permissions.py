"""`permissions`: what the configuration needs in Exchange Online, why, and how it is granted."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from shared.operations.granting import (
    ROLE_IDS,
    App,
    app_of,
    not_needed,
    scope_command,
    take_back_commands,
    tenant_wide_commands,
    test_command,
)
from shared.operations.terminal import WELL, say
from shared.operations.text import as_json, printable
from shared.permissions import Need, NeededPermissions, needed_permissions
from shared.services import Services


async def run(services: Services, options: argparse.Namespace) -> int:
    """Tell it. No service is asked, but for a configuration that is a blob."""
    app, needed = app_of(services.settings), needed_permissions(services.configuration)
    say(as_json(_facts(app, needed)) if options.json else "\n".join(map(printable, _lines(app, needed))))
    return WELL


def _facts(app: App, needed: NeededPermissions) -> dict[str, Any]:
    commands = {
        "scope": scope_command(app, needed) if needed.needs else None,
        "test": test_command(app, needed) if needed.needs else None,
        "tenant_wide": tenant_wide_commands(app, needed),
        "take_back": take_back_commands(app),
    }
    return {
        "permissions": [_need(need) for need in needed.needs],
        "not_needed": not_needed(needed),
        "commands": commands,
        "to_fill_in": app.unknown,
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "permission": need.permission,
        "exchange_role": need.exchange_role,
        "graph_role_id": ROLE_IDS[need.permission],
        "mailboxes": need.mailboxes,
        "reasons": [asdict(reason) for reason in need.reasons],
    }


def _lines(app: App, needed: NeededPermissions) -> Iterator[str]:
    for need in needed.needs:
        yield f"{need.permission} in {', '.join(need.mailboxes)}"
        yield from (f"  {reason}" for reason in need.reasons)
    if not needed.needs:
        yield "No source is enabled: nothing is needed."
    yield from (f"{permission} is not needed." for permission in not_needed(needed))
    if needed.needs:
        yield ""
        yield from _grants(app, needed)
    yield ""
    yield "What the app has for the whole tenant, and how one of it is taken back. In PowerShell:"
    yield from (f"  {command}" for command in take_back_commands(app))
    if app.unknown:
        yield ""
        yield f"To be filled in: {', '.join(app.unknown)}; see docs/permissions.md."


def _grants(app: App, needed: NeededPermissions) -> Iterator[str]:
    yield "In these mailboxes alone, by RBAC for Applications. In PowerShell; at last without -WhatIf:"
    yield "  Connect-ExchangeOnline"
    yield "  Connect-MgGraph -Scopes Application.ReadWrite.All,AppRoleAssignment.ReadWrite.All"
    yield f"  {scope_command(app, needed)}"
    yield "It makes the scope, tests it, tries a subscription, and only then takes back what is granted for"
    yield "the whole tenant: the two are a union. To test it again, at any time:"
    yield f"  {test_command(app, needed)}"
    yield ""
    yield "Or in every mailbox of the tenant. In PowerShell:"
    yield from (f"  {command}" for command in tenant_wide_commands(app, needed))
