"""`explain` as an operator runs it, on the sandbox's vault: nothing of that changes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import write_settings
from sandbox.faults import Status
from shared.configuration_file import configuration_of
from shared.operations.command_line import parse
from shared.operations.commands.running import run as run_command
from shared.services import Services

from ...test_ops import run
from .estate import Estate
from .test_explain import letter

pytestmark = pytest.mark.anyio
SOURCES = """\
[vault]
url = "{url}"
guid = "{guid}"
filing-key = "PD.FilingKey"

[[source]]
name = "{name}"
mailbox = "{mailbox}"

[source.document]
class = "CL.Mail"
content = "linked-attachments"
workflow = "WF.Mail"
state = "WFS.Mail.New"

[source.document.properties]
"PD.Received" = "{{{{ received }}}}"
"PD.Customer" = {{ value = "{{{{ from.domain }}}}", add-missing = true }}
"PD.Importance" = {{ value = "{{{{ header('X-Importance') }}}}", add-missing = true }}

[source.document.attachment]
class = "CL.Attachment"

[source.attachments]
deny = ["*.exe"]

[[source.rule]]
name = "bills"
when = "'Invoice' in subject"

[source.rule.document]
additional-classes = ["CL.Invoice"]
"""


@pytest.fixture
def sources(estate: Estate, tmp_path: Path) -> str:
    """The configuration, also in a file."""
    vault = estate.box.vault
    text = SOURCES.format(
        url=estate.box.addresses.vault, guid=vault.guid, name=estate.name, mailbox=estate.mailbox
    )
    (tmp_path / "mail-sources.toml").write_text(text, encoding="utf-8")
    return text


@pytest.fixture
async def services(estate: Estate, sources: str) -> AsyncIterator[Services]:
    """The composition over that configuration."""
    configuration = configuration_of(tomllib.loads(sources), "mail-sources.toml")
    made = Services(estate.services.settings, configuration, estate.clock)
    yield made
    await made.close()


def written(directory: Path, mime: bytes) -> str:
    """A file with that mail."""
    file = directory / "mail.eml"
    file.write_bytes(mime)
    return str(file)


async def test_a_mail_is_explained_and_nothing_is_touched(
    estate: Estate, sources: str, tmp_path: Path
) -> None:
    mail = written(tmp_path, letter(Date="Tue, 24 Nov 2026 16:37:41 +0000"))
    vault = estate.box.vault
    structure, objects = vault.structure, vault.objects()
    file = tmp_path / "local.settings.json"
    write_settings(file, {**estate.environment})
    arguments = ("--settings", str(file), "explain", "--mail", mail, "--source", estate.name)

    answer = await run(*arguments, "--json")

    assert (answer.status, answer.err) == (0, "")
    told = answer.json
    assert (told["rule"], told["outcome"]) == ("bills", "filed")
    main, attached = told["documents"]
    values = {value["name"]: value for value in main["properties"]}
    assert values["Received"]["value"] == "2026-11-24T16:37:41Z"
    assert values["Customer"]["items"] == [{"name": "acme.example", "is_new": True}]
    assert [item["name"] for value in main["properties"] for item in value["items"]] == [
        "Invoice",
        "Mail processing",
        "New",
        "acme.example",
    ]
    assert (attached["class"]["name"], attached["relation"]) == ("Attachment", "Reference")
    assert [one["name"] for one in attached["files"]] == ["offer.pdf"]
    assert told["warnings"] == ["attachment 2 is not filed: its name or type is denied"]
    assert vault.structure is structure
    assert vault.objects() == objects
    assert await estate.rows() == []


async def test_a_list_that_takes_no_new_items_would_hold_the_source(
    services: Services, estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    structure = estate.box.vault.structure
    mail = written(tmp_path, letter(X_Importance="Vital"))

    status = await run_command(services, parse(["explain", "--mail", mail, "--source", estate.name]))

    said = capsys.readouterr()
    assert (status, said.err) == (1, "")
    assert 'Rule "bills". Its source would be held, and the mail would wait.\n' in said.out
    assert "takes no new items" in said.out
    assert estate.box.vault.structure is structure


async def test_an_item_that_is_there_is_found(
    services: Services, estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = written(tmp_path, letter("Hello").replace(b"acme.example", b"contoso.com"))
    command = ["explain", "--mail", mail, "--source", estate.name, "--received", "2026-11-25", "--json"]

    assert await run_command(services, parse(command)) == 0

    told = json.loads(capsys.readouterr().out)
    values = {value["name"]: value for value in told["documents"][0]["properties"]}
    assert told["rule"] == ""
    assert (values["Customer"]["value"], values["Customer"]["items"]) == (
        665,
        [{"name": "contoso.com", "is_new": False}],
    )
    assert values["Received"]["value"] == "2026-11-25T00:00:00Z"


async def test_a_vault_that_does_not_answer_is_told(
    services: Services, estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = written(tmp_path, letter())
    estate.box.faults.vault.add(Status(503))

    status = await run_command(services, parse(["explain", "--mail", mail, "--source", estate.name]))

    said = capsys.readouterr()
    assert (status, said.out) == (3, "")
    assert "Can this machine reach the vault?" in said.err


async def test_a_file_that_is_not_there_is_a_slip(
    services: Services, estate: Estate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["explain", "--mail", str(tmp_path / "none.eml"), "--source", estate.name]

    assert await run_command(services, parse(command)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "none.eml: cannot be read" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain"],
        ["explain", "--mail", "a.eml"],
        ["explain", "--source", "a"],
        ["explain", "--mail", "a.eml", "--source", "a", "--received", "yesterday"],
    ],
    ids=" ".join,
)
def test_an_incomplete_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)

    assert caught.value.code == 2
    assert "usage: ops.py" in capsys.readouterr().err
