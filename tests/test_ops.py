"""The operator's commands, each in a process of its own, on a storage account of the test's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web

import ops
from sandbox.app import free_port, write_settings
from sandbox.example_sources import example_sources
from sandbox.pki import Authority
from sandbox.serving import serve
from sandbox.storage.account import Account
from sandbox.storage.azurite import Storage
from shared.breaker import BreakerKey
from shared.breaker_table import BreakerTable
from shared.identities import filing_key
from shared.journal_row import DELETED, Row, State
from shared.operations.command_line import parse
from shared.operations.commands import doctor
from shared.queue_messages import MAIL_ARRIVED, VAULT_IMPORT
from shared.unfinished import OpenMail

from .shared.accounts import Stores, connection_string, many_accounts, opened
from .shared.operations.azure_cli import AzureCli, settings_of
from .shared.operations.test_azure_settings import HOST, KEYS, LIST, SHOW

pytestmark = pytest.mark.anyio
ROOT = Path(ops.__file__).parent
NOW = datetime.now(UTC).replace(microsecond=0)
GUID = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"


@dataclass(frozen=True)
class Answer:
    """What a command has said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Operator:
    """A person with a settings file."""

    settings: Path
    stores: Stores

    async def run(self, *arguments: str) -> Answer:
        """`ops.py --settings FILE` with more arguments."""
        return await run("--settings", str(self.settings), *arguments)

    async def insert(self, *rows: Row) -> None:
        for row in rows:
            if not row.has_ended:
                await self.stores.unfinished.add(OpenMail.of(row))
            await self.stores.journal.insert(row)

    async def row(self, message: str) -> Row:
        row = await self.stores.journal.read("invoices", filing_key("invoices", message))
        assert row is not None
        return row


async def run(
    *arguments: str, environment: Mapping[str, str] | None = None, options: tuple[str, ...] = ()
) -> Answer:
    """`ops.py` with an environment that says nothing of the app."""
    foreign = ("VAULTPOST_", "KEY_VAULT_", "GRAPH_", "AZURE_", "MailStorage", "SSL_CERT_", "IDENTITY_")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    done = await anyio.run_process(
        [sys.executable, *options, str(ROOT / "ops.py"), *arguments],
        env={**ours, **(environment or {})},
        cwd=ROOT.parent,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    out, err = (output.decode().replace(os.linesep, "\n") for output in (done.stdout, done.stderr))
    return Answer(done.returncode, out, err)


def mail(message: str, state: State, **changed: Any) -> Row:
    row = Row("invoices", filing_key("invoices", message), state, message, NOW - timedelta(days=1))
    return replace(row, **changed)


def failed(message: str, **changed: Any) -> Row:
    facts = {"ended": NOW - timedelta(hours=1), "reason": "No size.", "remedy": "Mend it.", **changed}
    return mail(message, "failed", **facts)


def values(directory: Path, storage: str, authority: Authority) -> dict[str, str]:
    """Settings as the app has them; the configuration has the one source `invoices`."""
    sources = directory / "mail-sources.toml"
    sources.write_text(example_sources("https://mfiles.example.com", GUID), encoding="utf-8")
    return {
        "VAULTPOST_SOURCES": str(sources),
        "VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api",
        "KEY_VAULT_URL": "https://kv.vault.azure.net",
        "MailStorage": storage,
        **authority.environment(),
    }


@pytest.fixture(scope="module")
async def accounts(azurite: tuple[Path, Path], authority: Authority) -> AsyncIterator[Iterator[str]]:
    """Connection strings, each of an account that nobody has used."""
    async with Storage(*azurite, authority, account=many_accounts()) as storage:
        yield (connection_string(storage, number) for number in range(50))


@pytest.fixture
async def operator(accounts: Iterator[str], authority: Authority, tmp_path: Path) -> AsyncIterator[Operator]:
    """An operator of an app whose account is empty."""
    async with opened(next(accounts)) as stores:
        file = tmp_path / "local.settings.json"
        write_settings(file, values(tmp_path, stores.connection_string, authority))
        yield Operator(file, stores)


async def test_of_an_empty_account_all_is_well(operator: Operator) -> None:
    answer = await operator.run("status")

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "source    arrived  staged  filed  skipped  failed",
        "invoices        0       0      0        0       0",
        "",
        "All is well.",
    ]


async def test_status_tells_what_failed_what_waits_and_what_to_do(operator: Operator) -> None:
    await operator.insert(
        mail("one", "filed"), mail("two", "staged", due=NOW, reason="M-Files answered 503"), failed("three")
    )

    answer = await operator.run("status")

    assert (answer.status, answer.err) == (1, "")
    assert "invoices        0       1      1        0       1" in answer.out
    assert f"Oldest unfinished: invoices {filing_key('invoices', 'two')}, staged, 24 hours old" in answer.out
    assert "    M-Files answered 503\n" in answer.out
    assert f"  invoices {filing_key('invoices', 'three')}" in answer.out
    assert "    No size.\n    Mend it.\n" in answer.out
    assert answer.out.endswith("\nNot all is well.\n")


async def test_status_as_json(operator: Operator) -> None:
    await operator.insert(mail("one", "filed"), failed("two"))

    answer = await operator.run("status", "--json", "--source", "invoices")

    assert answer.status == 1
    assert set(answer.json) == {
        *("well", "at", "counts", "oldest", "waiting", "reasons_to_wait", "shut", "failed", "failures"),
        *("folders", "unannounced"),
    }
    assert answer.json["counts"]["invoices"] == {
        "arrived": 0,
        "staged": 0,
        "filed": 1,
        "skipped": 0,
        "failed": 1,
    }
    assert [one["reason"] for one in answer.json["failed"]] == ["No size."]


async def test_status_shows_the_newest_fifty_failed_and_with_all_all(operator: Operator) -> None:
    await operator.insert(*(failed(str(number)) for number in range(51)))

    some, whole = await operator.run("status", "--json"), await operator.run("status", "--json", "--all")

    assert [(len(one.json["failed"]), one.json["failures"]) for one in (some, whole)] == [(50, 51), (51, 51)]


async def test_a_dry_run_tells_and_does_nothing(operator: Operator) -> None:
    await operator.insert(failed("one"))
    before = await operator.row("one")

    answer = await operator.run("replay", "--all", "--dry-run")

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        f"  invoices {before.key}  would be replayed  (No size.)",
        "1 mail would be replayed.",
    ]
    assert await operator.row("one") == before
    assert await operator.stores.number(MAIL_ARRIVED) == 0


async def test_a_replay_begins_anew(operator: Operator) -> None:
    await operator.insert(failed("one"), failed("two", reason="Refused."), mail("three", "filed"))

    answer = await operator.run("replay", "--source", "invoices", "--reason", "SIZE", "--json")

    assert answer.status == 0
    assert (answer.json["dry_run"], answer.json["outcomes"]) == (False, {"replayed": 1})
    row = await operator.row("one")
    assert (row.state, row.ended, row.reason) == ("arrived", None, "")
    assert row.warnings[0].endswith(": No size.")
    assert (await operator.row("two")).state == "failed"
    (message,) = await operator.stores.visible(MAIL_ARRIVED)
    assert (message["message"], message["cause"]) == ("one", "replay")
    assert [mail.key async for mail in operator.stores.unfinished.all()] == [row.key]


async def test_a_mail_that_has_not_ended_is_queued_again_for_its_step(operator: Operator) -> None:
    await operator.insert(mail("one", "staged"))
    key = filing_key("invoices", "one")

    answer = await operator.run("replay", "--source", "invoices", "--key", key, "--json")

    assert (answer.status, answer.json["outcomes"]) == (0, {"queued": 1})
    assert (await operator.row("one")).state == "staged"
    assert [message["key"] for message in await operator.stores.visible(VAULT_IMPORT)] == [key]
    assert await operator.stores.number(MAIL_ARRIVED) == 0


async def test_a_replay_can_be_since_a_day(operator: Operator) -> None:
    await operator.insert(failed("old", ended=datetime(2026, 1, 1, 23, 59, tzinfo=UTC)))
    await operator.insert(failed("new", ended=datetime(2026, 1, 2, tzinfo=UTC)))

    answer = await operator.run("replay", "--source", "invoices", "--since", "2026-01-02")

    assert answer.status == 0
    assert answer.out.startswith("Replaying 1 of the journal's mails ...\n")
    assert ((await operator.row("old")).state, (await operator.row("new")).state) == ("failed", "arrived")


async def test_a_filed_mail_is_replayed_only_again(operator: Operator) -> None:
    await operator.insert(mail("one", "filed", ended=NOW, object_id=7, warnings=(DELETED,)))
    one = ("replay", "--source", "invoices", "--key", filing_key("invoices", "one"))

    refused, done = await operator.run(*one), await operator.run(*one, "--again")

    assert (refused.status, done.status) == (1, 0)
    assert "it is filed, as object 7" in refused.err
    row = await operator.row("one")
    assert (row.state, row.again, row.object_id) == ("arrived", True, None)


async def test_pause_and_resume_are_rows_of_the_breakers_and_status_shows_them(operator: Operator) -> None:
    table = BreakerTable(operator.stores.tables)

    paused = await operator.run("pause", "--source", "invoices", "--why", "The vault moves.")
    status = await operator.run("status")
    rows = await table.read_all()
    resumed = await operator.run("resume", "--source", "invoices")
    again = await operator.run("resume", "--source", "invoices")

    assert (paused.status, status.status, resumed.status, again.status) == (0, 1, 0, 0)
    breaker = rows[BreakerKey("source", "invoices")]
    assert (breaker.state, breaker.reason) == ("paused", "The vault moves.")
    assert 'source "invoices" is paused since' in status.out
    assert "It was paused: The vault moves." in resumed.out
    assert (await table.read_all())[BreakerKey("source", "invoices")].state == "closed"
    assert "nothing to do" in again.out


async def test_a_service_is_paused_for_all(operator: Operator) -> None:
    answer = await operator.run("pause", "--service", "vault", "--why", "Upgrade.")

    assert answer.status == 0
    assert list(await BreakerTable(operator.stores.tables).read_all()) == [BreakerKey("service", "vault")]


@pytest.mark.parametrize(
    "command",
    [
        ("status", "--source", "invoice"),
        ("replay", "--source", "invoice"),
        ("pause", "--source", "invoice", "--why", "x"),
    ],
)
async def test_a_source_that_nobody_knows_is_a_slip(operator: Operator, command: tuple[str, ...]) -> None:
    answer = await operator.run(*command)

    assert (answer.status, answer.out) == (2, "")
    assert answer.err == 'ops.py: source "invoice" is not configured. Configured: invoices.\n'


async def test_a_vanished_source_that_has_mail_is_shown(operator: Operator) -> None:
    await operator.insert(mail("one", "filed", source="vanished"))

    answer = await operator.run("status", "--source", "vanished")

    assert (answer.status, answer.err) == (0, "")


async def test_bad_settings_are_a_list_of_all_that_is_wrong(tmp_path: Path) -> None:
    """No traceback, and nothing is done."""
    file = tmp_path / "local.settings.json"
    write_settings(file, {"KEY_VAULT_URL": "kv", "VAULTPOST_SOURCES": "none.toml"})

    answer = await run("--settings", str(file), "status")

    assert (answer.status, answer.out) == (2, "")
    head, *faults = answer.err.splitlines()
    assert head == "ops.py: settings or configuration are wrong:"
    assert [fault.split(":")[0] for fault in faults[:3]] == [
        "- setting VAULTPOST_NOTIFICATION_URL",
        "- setting KEY_VAULT_URL",
        "- setting MailStorage",
    ]
    assert "none.toml: cannot be read" in faults[3]


async def test_a_settings_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    answer = await run("--settings", str(tmp_path / "none.json"), "status")

    assert answer.status == 2
    assert "none.json: cannot be read" in answer.err
    assert "Traceback" not in answer.err


async def test_without_a_file_the_environment_counts_and_the_files_values_win(
    operator: Operator, tmp_path: Path, authority: Authority
) -> None:
    environment = values(tmp_path, operator.stores.connection_string, authority)

    alone = await run("status", environment=environment)
    beside = await run(
        "--settings", str(operator.settings), "status", environment={**environment, "MailStorage": "wrong"}
    )

    assert (alone.status, beside.status) == (0, 0)


async def test_settings_are_read_from_azure_and_those_of_the_file_win(
    operator: Operator, tmp_path: Path, authority: Authority
) -> None:
    """What this machine's environment says of another app counts no more."""
    there = values(tmp_path, "wrong", authority)
    cli = AzureCli(tmp_path / "bin", {LIST: settings_of(there), SHOW: HOST})
    environment = {"PATH": cli.path, "VAULTPOST_NOTIFICATION_URL": "wrong", "AZURE_CLIENT_ID": "wrong"}
    file = tmp_path / "mine.json"
    write_settings(file, {"MailStorage": operator.stores.connection_string})

    answer = await run(
        *("--function-app", "func-a", "--resource-group", "rg", "--settings", str(file), "status"),
        environment={**environment, **authority.environment()},
    )

    assert (answer.status, answer.err) == (0, "")


async def test_an_app_that_the_azure_cli_does_not_find_is_told(tmp_path: Path) -> None:
    cli = AzureCli(tmp_path / "bin", {})
    asked = ("--function-app", "func-a", "--resource-group", "rg")

    for command in ("status", "doctor"):
        answer = await run(*asked, command, environment={"PATH": cli.path})

        assert (answer.status, answer.out) == (2, "")
        assert "ERROR: (ResourceNotFound)" in answer.err
        assert "Traceback" not in answer.err


async def test_storage_that_does_not_answer_has_an_exit_status_of_its_own(
    tmp_path: Path, authority: Authority
) -> None:
    address = f"http://127.0.0.1:{free_port()}/down"
    storage = Account("down", "a2V5").connection_string(dict.fromkeys(("Blob", "Queue", "Table"), address))

    answer = await run("status", environment=values(tmp_path, storage, authority))

    assert (answer.status, answer.out) == (3, "")
    assert "journal: storage did not answer" in answer.err
    assert "Traceback" not in answer.err


async def test_an_interpreter_without_the_packages_is_told_what_to_do() -> None:
    """In one line. `-S` leaves the installed packages out."""
    answer = await run("status", options=("-S",))

    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert "pip install -r requirements.txt" in line
    assert not line.startswith("ops.py: shared")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["replay"],
        ["replay", "--key", "0"],
        ["replay", "--all", "--source", "invoices"],
        ["replay", "--all", "--since", "2026-01-01"],
        ["replay", "--source", "a", "--key", "0", "--reason", "x"],
        ["replay", "--source", "a", "--since", "yesterday"],
        ["pause", "--source", "a"],
        ["pause", "--why", "x"],
        ["resume", "--service", "storage"],
        ["resume", "--source", "a", "--service", "graph"],
        ["--function-app", "a", "status"],
        ["--resource-group", "a", "status"],
    ],
    ids=" ".join,
)
def test_an_incomplete_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ops.main(arguments)

    assert caught.value.code == 2
    assert "usage: ops.py" in capsys.readouterr().err


@dataclass
class OtherApp:
    """Answers where the app's functions are; `asked` are the keys and queries that came."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str | None, str]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization"))
        self.asked.append((request.headers.get("x-functions-key"), request.query_string))
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@asynccontextmanager
async def answering(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[OtherApp, str]]:
    """An app that gives that answer, and where its functions are."""
    app = OtherApp(status, body, headers or {})
    site = web.Application()
    site.router.add_get("/api/doctor", app.handle)
    served = await serve(site, context=None)
    yield app, f"{served.origin}/api"
    await served.close()


REPORT = {
    "well": False,
    "at": "2026-11-25T00:00:00+00:00",
    "findings": [
        {"check": "token", "subject": "", "status": "ok", "what": "is given", "remedy": ""},
        {
            "check": "mailbox",
            "subject": "a@b.c",
            "status": "failed",
            "what": "403",
            "remedy": "Do this.\nOr that.",
        },
    ],
}


async def test_the_doctor_is_asked_of_the_app_with_the_key(tmp_path: Path) -> None:
    """The key need not stand in the list of processes."""
    async with answering(200, json.dumps(REPORT).encode()) as (app, url):
        environment = {"VAULTPOST_FUNCTION_KEY": "the-key", "VAULTPOST_NOTIFICATION_URL": url}
        told = await run("doctor", "--write", environment=environment)
        by_options = await run("doctor", "--app", url, "--key", "other", "--json")

    assert (told.status, by_options.status) == (1, 1)
    assert app.asked == [("the-key", "write=true"), ("other", "")]
    assert app.tokens == [None, None]
    assert told.out.splitlines() == [
        "ok       token    is given",
        "failed   mailbox  a@b.c: 403",
        "      Do this.",
        "      Or that.",
        "",
        "Not all is well: 1 failure.",
    ]
    assert (told.err, by_options.err) == ("", "")
    assert by_options.json == REPORT


async def test_the_doctors_key_and_address_are_read_from_azure(tmp_path: Path) -> None:
    async with answering(200, json.dumps(REPORT).encode()) as (app, url):
        there = settings_of({"VAULTPOST_NOTIFICATION_URL": url})
        keys = {"functionKeys": {"default": "the-key"}}
        cli = AzureCli(tmp_path / "bin", {LIST: there, SHOW: HOST, KEYS: keys})
        told = await run(
            *("--function-app", "func-a", "--resource-group", "rg", "doctor"), environment={"PATH": cli.path}
        )

    assert (told.status, told.err) == (1, "")
    assert app.asked == [("the-key", "")]
    assert "the-key" not in told.out


async def test_where_azure_gives_no_key_the_doctor_looks_from_here(tmp_path: Path) -> None:
    """As of an app whose host does not start: then the faults of its settings are what is needed."""
    there = settings_of({"VAULTPOST_NOTIFICATION_URL": "https://app.example.com/api"})
    cli = AzureCli(tmp_path / "bin", {LIST: there, SHOW: HOST})

    told = await run(
        *("--function-app", "func-a", "--resource-group", "rg", "doctor"), environment={"PATH": cli.path}
    )

    assert told.status == 2
    assert "no function key was read:\n- function app func-a: az functionapp keys list: ERROR" in told.err
    assert re.search("^failed +settings +KEY_VAULT_URL: is not set", told.out, re.MULTILINE)


async def test_a_key_that_the_app_refuses_is_told_and_nothing_else_is_done() -> None:
    async with answering(401) as (_, url):
        answer = await run("doctor", "--app", url, "--key", "wrong")

    assert (answer.status, answer.out) == (3, "")
    assert "refuses the key (401)" in answer.err
    assert "az functionapp keys list" in answer.err
    assert "wrong" not in answer.err


async def test_a_sign_in_before_the_app_is_no_fault_of_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Easy Auth answers so before the app is asked."""
    challenge = {"WWW-Authenticate": 'Bearer realm="func-a.azurewebsites.net"'}
    async with answering(401, headers=challenge) as (app, url):
        options = parse(["doctor", "--app", url, "--key", "the-key"])
        status = await doctor.run(options, {"VAULTPOST_APP_TOKEN": "the-token"}, ROOT)

    told = capsys.readouterr()
    assert app.tokens == ["Bearer the-token"]
    assert (status, told.out) == (3, "")
    assert "asks for a sign-in (401)" in told.err
    assert "az account get-access-token" in told.err
    assert "the-token" not in told.err


async def test_a_key_is_sent_to_no_other_machine_without_tls() -> None:
    answer = await run("doctor", "--app", "http://app.example.com/api", "--key", "the-key")

    assert (answer.status, answer.out) == (2, "")
    assert "the key is not sent there" in answer.err


@pytest.mark.parametrize("answers", [True, False], ids=["broken", "not there"])
async def test_where_the_app_does_not_answer_the_faults_of_its_start_come_first(
    tmp_path: Path, answers: bool
) -> None:
    file = tmp_path / "local.settings.json"
    async with answering(500) as (_, url):
        address = url if answers else f"http://127.0.0.1:{free_port()}/api"
        write_settings(
            file,
            {"VAULTPOST_NOTIFICATION_URL": address, "KEY_VAULT_URL": "kv", "VAULTPOST_SOURCES": "none.toml"},
        )
        answer = await run("--settings", str(file), "doctor", "--key", "the-key", "--json")

    assert answer.status == 2
    assert "What can be seen from here:" in answer.err
    findings = answer.json["findings"]
    failed = [(one["check"], one["subject"]) for one in findings if one["status"] == "failed"]
    assert failed == [("settings", "KEY_VAULT_URL"), ("settings", "MailStorage"), ("configuration", "")]
    assert {one["status"] for one in findings} == {"failed", "not-run"}


async def test_a_settings_file_that_is_not_there_is_a_finding_of_the_doctor(tmp_path: Path) -> None:
    answer = await run("--settings", str(tmp_path / "none.json"), "doctor", "--here", "--json")

    assert answer.status == 2
    assert "none.json: cannot be read" in answer.json["findings"][0]["what"]
    assert "Traceback" not in answer.err


async def test_without_a_key_the_doctor_looks_from_here_and_says_so(operator: Operator) -> None:
    """Nothing of this app is there but its storage."""
    answer = await operator.run("doctor")

    assert answer.status == 1
    assert "looked at from this machine, with your own login" in answer.err
    assert re.search("^ok +storage +queues: can be read and written", answer.out, re.MULTILINE)
    assert re.search("^failed +keyvault +", answer.out, re.MULTILINE)
    assert answer.out.splitlines()[-1].startswith("Not all is well: ")
    assert "\x1b" not in answer.out, "colours are for terminals"
