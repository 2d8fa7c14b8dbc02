"""`permissions`: what is needed, why, and commands that the scripts take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.configuration import Configuration, Source, VaultSection
from shared.operations.command_line import parse
from shared.operations.commands.running import run
from shared.services import Services
from shared.settings import read_settings
from tests.infra.powershell import Function, nodes, parsed, script, text_of

from ..made import source

pytestmark = pytest.mark.anyio
CLIENT = "11111111-2222-3333-4444-555555555555"
ENVIRONMENT = {
    "VAULTPOST_NOTIFICATION_URL": "https://func-vaultpost.azurewebsites.net/api",
    "VAULTPOST_OUTSIDE_MAILBOX": "ceo@example.com",
    "KEY_VAULT_URL": "https://kv-vaultpost.vault.azure.net",
    "AZURE_CLIENT_ID": CLIENT,
    "MailStorage": "UseDevelopmentStorage=true",
}
REGISTRATION = {
    **ENVIRONMENT,
    "GRAPH_CREDENTIAL": "client-secret",
    "GRAPH_TENANT_ID": "example.com",
    "GRAPH_CLIENT_ID": "66666666-7777-8888-9999-000000000000",
}
READING = source("contracts")
WRITING = source("invoices", after={"move-to": "Filed"})


def services(environment: Mapping[str, str], root: Path, *sources: Source) -> Services:
    """The app of these settings, with services that are not there."""
    vault = VaultSection(
        "https://mfiles.example.com", "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}", "PD.FilingKey"
    )
    return Services(read_settings(environment, root), Configuration(vault, sources))


async def told(services: Services, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert await run(services, parse(["permissions", *more])) == 0
    return capsys.readouterr().out


def command_in(line: str) -> tuple[str, dict[str, str]]:
    """The first command of a line of PowerShell: its name, and what its parameters are given."""
    tree = parsed(line)
    assert not tree.has_error, line
    (command, *_) = nodes(tree, "command")
    words = [text_of(one) for one in command.children[1].children if text_of(one).strip()]
    given: dict[str, str] = {}
    for word in words:
        if word.startswith("-"):
            name = word.removeprefix("-")
            given[name] = ""
        else:
            given[name] += word
    return text_of(command.children[0]), given


async def test_what_is_needed_is_told_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = await told(services(ENVIRONMENT, tmp_path, READING, WRITING), capsys)

    assert "Mail.Read in contracts@example.com, invoices@example.com\n" in said
    assert 'Mail.ReadWrite in invoices@example.com\n  source "invoices": after.move-to\n' in said
    assert "is not needed" not in said
    assert "To be filled in" not in said


async def test_what_is_not_needed_is_told_to_be_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = await told(services(ENVIRONMENT, tmp_path, READING), capsys)

    assert "Mail.ReadWrite is not needed.\n" in said
    assert "Remove-MgServicePrincipalAppRoleAssignment" in said
    assert "-ReadWriteMailbox" not in said


@pytest.mark.parametrize(("sources", "writes"), [((READING, WRITING), True), ((READING,), False)])
async def test_the_scripts_take_their_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sources: tuple[Source, ...], writes: bool
) -> None:
    found = json.loads(await told(services(ENVIRONMENT, tmp_path, *sources), capsys, "--json"))

    for which in ("scope", "test"):
        name, given = command_in(found["commands"][which])
        declared = Function(script(name.removeprefix(".\\infra\\exchange\\")).tree.root_node)
        assert given.keys() <= declared.parameters() | {"WhatIf"}
        assert given.keys() >= declared.parameters(mandatory=True) - {"Group", "AdministrativeUnit"}
        assert given["Mailbox"] == ",".join(f"'{one.mailbox}'" for one in sources)
        assert given.get("ReadWriteMailbox") == ("'invoices@example.com'" if writes else None)
        assert given["OutsideMailbox"] == "'ceo@example.com'"
        assert given["ObjectId"] == f"(az ad sp show --id {CLIENT} --query id --output tsv)"
    _, scoped = command_in(found["commands"]["scope"])
    assert "WhatIf" in scoped
    assert scoped["AppId"] == CLIENT
    assert scoped["NotificationUrl"] == "https://func-vaultpost.azurewebsites.net/api/notifications"


async def test_a_managed_identity_is_granted_roles_and_a_registration_consent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A managed identity has no page on which an administrator could consent."""
    identity = json.loads(await told(services(ENVIRONMENT, tmp_path, READING, WRITING), capsys, "--json"))
    granted = [command_in(line) for line in identity["commands"]["tenant_wide"]]
    assert [(name, given["AppRoleId"]) for name, given in granted] == [
        ("New-MgServicePrincipalAppRoleAssignment", need["graph_role_id"]) for need in identity["permissions"]
    ]
    assert len(granted) == 2

    of_app = json.loads(await told(services(REGISTRATION, tmp_path, READING, WRITING), capsys, "--json"))
    add, consent = of_app["commands"]["tenant_wide"]
    assert add.startswith("az ad app permission add --id 66666666-7777-8888-9999-000000000000 ")
    assert all(f"{need['graph_role_id']}=Role" in add for need in of_app["permissions"])
    assert consent == "az ad app permission admin-consent --id 66666666-7777-8888-9999-000000000000"
    assert "-AppId 66666666-7777-8888-9999-000000000000 " in of_app["commands"]["scope"]


async def test_as_json_it_says_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Any] = json.loads(
        await told(services(ENVIRONMENT, tmp_path, READING, WRITING), capsys, "--json")
    )

    assert found["permissions"][1] == {
        "permission": "Mail.ReadWrite",
        "exchange_role": "Application Mail.ReadWrite",
        "graph_role_id": "e2a3a72e-5f79-4c64-b1b1-878b674786c9",
        "mailboxes": ["invoices@example.com"],
        "reasons": [{"source": "invoices", "key": "after.move-to", "rule": ""}],
    }
    assert (found["not_needed"], found["to_fill_in"]) == ([], [])


async def test_what_the_settings_do_not_say_is_to_be_filled_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A system-assigned identity has its id in none of them, and Graph does not reach a loopback address."""
    bare = {**ENVIRONMENT, "AZURE_CLIENT_ID": "", "VAULTPOST_OUTSIDE_MAILBOX": ""}
    bare["VAULTPOST_NOTIFICATION_URL"] = "http://127.0.0.1:7071/api"

    said = await told(services(bare, tmp_path, READING), capsys)

    assert "To be filled in: CLIENT-ID, OUTSIDE-MAILBOX, https://HOST/api/notifications;" in said
    assert "127.0.0.1" not in said


async def test_where_no_source_is_enabled_nothing_is_granted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disabled = msgspec.structs.replace(WRITING, enabled=False)
    said = await told(services(ENVIRONMENT, tmp_path, disabled), capsys)

    assert "nothing is needed" in said
    assert "Mail.Read is not needed.\nMail.ReadWrite is not needed.\n" in said
    assert "Set-VaultpostMailboxScope" not in said
