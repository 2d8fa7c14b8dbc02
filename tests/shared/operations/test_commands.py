"""Exit statuses and complaints of the long commands, and how much memory they take."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

import ops
from sandbox.faults import Status
from shared.configuration import Source
from shared.operations.command_line import parse
from shared.operations.commands import backfill, rebuild, reconcile
from shared.operations.commands.running import run
from shared.operations.documents import Documents
from shared.operations.watched_mail import BATCH, FoundMail, WatchedMail
from shared.services import Services
from shared.testing.journal import InMemoryJournal
from shared.vault.protocol import VaultObject

from ..clock import NOON, FakeClock
from ..made import source
from .estate import Estate

pytestmark = pytest.mark.anyio
SINCE = ("--since", "2026-01-01")


def inbox(estate: Estate) -> str:
    return f"GET /users/{estate.mailbox}/mailFolders/inbox/messages"


@pytest.mark.parametrize("command", [("reconcile", *SINCE), ("backfill", *SINCE), ("rebuild",)], ids=" ".join)
async def test_graph_that_does_not_answer_is_told_at_once(
    estate: Estate, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    estate.box.faults.graph.add(Status(503, route=inbox(estate)))

    status = await run(estate.services, parse([*command, "--source", estate.name]))

    said = capsys.readouterr()
    assert (status, said.out) == (3, "")
    assert said.err.startswith("ops.py: Graph answered 503")
    assert "GRAPH_CREDENTIAL" in said.err


async def test_a_mailbox_that_may_not_be_read_is_told_with_the_remedy(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    estate.box.faults.graph.add(Status(403, route=inbox(estate)))

    status = await run(estate.services, parse(["reconcile", "--source", estate.name, *SINCE]))

    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert "Grant the app Mail.Read" in said.err


async def test_a_vault_that_does_not_let_in_is_told(
    estate: Estate, capsys: pytest.CaptureFixture[str]
) -> None:
    estate.deliver(received=estate.clock.now() - timedelta(hours=3))
    estate.box.faults.vault.add(Status(503))

    status = await run(estate.services, parse(["rebuild", "--source", estate.name, "--json"]))

    said = capsys.readouterr()
    assert (status, json.loads(said.out)["complete"]) == (3, False)
    assert "vault" in said.err


@pytest.mark.parametrize(
    "command",
    [("reconcile", *SINCE), ("backfill", *SINCE), ("rebuild",), ("sweep",), ("subscriptions",)],
    ids=" ".join,
)
async def test_a_source_that_nobody_knows_is_a_slip(
    estate: Estate, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    status = await run(estate.services, parse([*command, "--source", "nobody"]))

    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert said.err == f'ops.py: source "nobody" is not configured. Configured: {estate.name}.\n'


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep"],
        ["sweep", "--all", "--source", "a"],
        ["backfill", "--source", "a"],
        ["backfill", *SINCE],
        ["backfill", "--source", "a", "--since", "yesterday"],
        ["reconcile", "--source", "a"],
        ["reconcile", "--all", *SINCE],
        ["rebuild"],
        ["rebuild", "--source", "a", "--all"],
        ["subscriptions", "--apply", "now"],
    ],
    ids=" ".join,
)
def test_an_incomplete_command_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)

    assert caught.value.code == 2
    assert "usage: ops.py" in capsys.readouterr().err


class Endless(WatchedMail):
    """A mailbox with so many mails, none of which is in memory."""

    number = 0

    async def of(self, source: Source, since: datetime) -> AsyncGenerator[list[FoundMail], None]:
        for start in range(0, self.number, BATCH):
            yield [
                FoundMail("invoices", f"{one:032x}", f"AAA{one}=", NOON - timedelta(days=1), "inbox")
                for one in range(start, min(start + BATCH, self.number))
            ]


class Full(Documents):
    """A vault that has a document of each."""

    async def of(self, key: str) -> Sequence[VaultObject]:
        return [VaultObject(0, 7, 1, False, (3,))]


@pytest.mark.parametrize("name", ["reconcile", "backfill", "rebuild"])
async def test_memory_does_not_grow_with_the_number_of_mails(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mail is told, in whatever form."""
    command: Any = {"reconcile": reconcile, "backfill": backfill, "rebuild": rebuild}[name]

    class Nothing(io.StringIO):
        def write(self, text: str) -> int:
            return len(text)

    def endless(services: Services) -> WatchedMail:
        made = Endless(cast(Any, None))
        object.__setattr__(made, "number", number)
        return made

    monkeypatch.setattr(command, "mailbox_of", endless)
    if name != "backfill":
        monkeypatch.setattr(command, "documents_of", lambda services: Full(cast(Any, None), "PD.FilingKey"))
    monkeypatch.setattr(sys, "stdout", Nothing())
    arguments = [name, "--source", "invoices", "--json", *(SINCE if name != "rebuild" else ())]
    arguments += ["--dry-run"] if name != "reconcile" else []
    peaks = []
    for number in (1_000, 10_000):  # noqa: B007 - `endless` reads it
        services: Any = SimpleNamespace(
            sources={"invoices": source()},
            journal=InMemoryJournal(),
            unfinished=None,
            hand_over=None,
            clock=FakeClock(),
            configuration=SimpleNamespace(give_up_after="3d"),
            mailboxes=None,
            fingerprints=None,
            breakers=None,
            folder_register=None,
        )
        tracemalloc.start()
        await command.run(services, parse(arguments))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    # What is kept of a mail takes some 500 bytes.
    assert peaks[1] < peaks[0] + 1_000_000


def test_who_stops_a_command_sees_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ops, "_start", stop)

    assert ops.main(["status"]) == 130
    assert capsys.readouterr().err.startswith("ops.py: stopped.")
