"""`python -m sandbox.host` as a program: settings, output, signals, exit status."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.host.__main__ import main
from tests.sandbox.host.sample import (
    host_command,
    launch,
    run_to_end,
    running_host,
    until,
    write_app,
    write_settings,
)

pytestmark = pytest.mark.anyio

posix_signals = pytest.mark.skipif(
    os.name == "nt", reason="Windows has no signal that asks another process to end"
)
UNREACHABLE = {
    "MailStorage": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:9/a",
    "TAKEN": "taken",
    "FAILING": "failing",
}


@posix_signals
async def test_the_settings_are_there_before_the_interpreter_and_win_over_the_callers(tmp_path: Path) -> None:
    values = {**UNREACHABLE, "PYTHONHASHSEED": "0", "BOTH": "from the file"}
    callers = {"CALLERS": "passed on", "BOTH": "from the caller", "PYTHONHASHSEED": "1"}
    async with running_host(tmp_path, values, environment=callers) as host:
        (imported,) = host.notes("imported")
        host.process.send_signal(signal.SIGINT)
        assert (await host.end()).status == 0, "Ctrl-C ends it as SIGTERM does"
    assert imported["hash_randomization"] == 0
    assert (imported["CALLERS"], imported["BOTH"]) == ("passed on", "from the file")


@posix_signals
async def test_a_signal_lets_a_running_function_end_and_its_answer_go_out(tmp_path: Path) -> None:
    """Standard output has its one line, whatever the app prints; storage is down all the while."""
    async with (
        running_host(tmp_path, UNREACHABLE) as host,
        httpx.AsyncClient(base_url=host.address) as client,
    ):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", host.address)
        assert (await client.get("/api/hello")).status_code == 201
        slow = asyncio.create_task(client.get("/api/slow"))
        await until(lambda: bool(host.notes("slow began")))
        host.process.send_signal(signal.SIGTERM)
        assert (await slow).text == "done"
        ended = await host.end()
    assert (ended.status, ended.output) == (0, "")
    for printed in ("printed while importing", "written to descriptor 1", "printed while running"):
        assert printed in ended.errors
    assert "Traceback" not in ended.errors
    assert host.notes("tick") == []


@posix_signals
async def test_a_signal_that_comes_before_it_is_ready_ends_it_too(tmp_path: Path) -> None:
    app = write_app(
        tmp_path / "app",
        "import time, os, pathlib\npathlib.Path(os.environ['MARK']).touch()\n"
        "time.sleep(0.3)\nimport azure.functions\napp = azure.functions.FunctionApp()\n",
    )
    mark = tmp_path / "mark"
    process = await launch(host_command(write_settings(tmp_path, {"MARK": str(mark)}), app))
    await until(mark.exists)
    process.send_signal(signal.SIGTERM)
    output, _ = await asyncio.wait_for(process.communicate(), 10)
    assert (process.returncode, output) == (0, b"")


async def test_bad_settings_are_one_list_and_exit_status_2(tmp_path: Path) -> None:
    """Those of the app, told by an exception with `faults`, and those of host.json together."""
    source = """
        class StartRefused(Exception):
            faults = ("KEY_VAULT_URL is missing", "GRAPH_TENANT_ID is missing")
        raise StartRefused()
    """
    app = write_app(tmp_path / "app", source, {"version": "2.0", "functionTimeout": "soon"})
    ended = await run_to_end(host_command(write_settings(tmp_path, {}), app))
    assert (ended.status, ended.output) == (2, "")
    assert ended.errors.splitlines() == [
        "The function app does not start:",
        '- host.json: functionTimeout must be an interval such as "00:00:30", not "soon"',
        "- KEY_VAULT_URL is missing",
        "- GRAPH_TENANT_ID is missing",
    ]


async def test_a_connection_without_settings_is_such_a_fault(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app")
    settings = write_settings(
        tmp_path, {"TAKEN": "q", "FAILING": "f", "SCHEDULE": "0 0 0 * * *", "RECORD": str(tmp_path / "r")}
    )
    ended = await run_to_end(host_command(settings, app))
    assert (ended.status, ended.output) == (2, "")
    assert "- the setting MailStorage is missing" in ended.errors
    assert "Traceback" not in ended.errors


async def test_the_largest_body_is_a_setting(tmp_path: Path) -> None:
    """One over it is refused by what it says of itself, or as soon as it is; none is ever unpacked."""
    values = UNREACHABLE | {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1000"}

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    async with (
        running_host(tmp_path, values) as host,
        httpx.AsyncClient(base_url=host.address) as client,
    ):
        largest = await client.post("/api/hello", content=b"x" * 1000)
        assert (largest.status_code, len(largest.json()["body"])) == (201, 1000)
        for content in (b"x" * 1001, pieces()):
            answer = await client.post("/api/hello", content=content)
            assert answer.status_code == 413
        packed = await client.post("/api/hello", content=b"no gzip", headers={"Content-Encoding": "gzip"})
        assert packed.json()["body"] == "no gzip"


async def test_a_largest_body_that_is_no_number_is_a_fault(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app")
    values = {"RECORD": str(tmp_path / "record"), "SCHEDULE": "0 0 0 1 1 *"}
    values |= UNREACHABLE | {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": "1 MB"}
    settings = write_settings(tmp_path, values)
    ended = await run_to_end(host_command(settings, app))
    assert (ended.status, ended.output) == (2, "")
    assert "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '1 MB' is no number of bytes" in ended.errors


def test_a_file_of_settings_that_cannot_be_used_is_told_without_starting_the_app(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text('{"Values": {"A": 1, "B": 2}}', encoding="utf-8")
    assert main(["--settings", str(file), "--app", str(tmp_path)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.splitlines() == [f"{file}: A must be a string, not 1", f"{file}: B must be a string, not 2"]


@pytest.mark.parametrize(
    "options", [("--port", "70000"), ("--lease", "0"), ("--lease", "ten"), ("--lease", "1.5"), ("--unknown",)]
)
def test_an_option_out_of_range_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--settings", "local.settings.json", *options])


async def test_an_app_that_cannot_be_imported_shows_its_traceback(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", "import a_module_that_is_not_there\n")
    ended = await run_to_end(host_command(write_settings(tmp_path, {}), app))
    assert (ended.status, ended.output) == (1, "")
    assert "Traceback" in ended.errors
    assert "No module named 'a_module_that_is_not_there'" in ended.errors


async def test_a_port_that_is_taken_ends_it(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", "import azure.functions\napp = azure.functions.FunctionApp()\n")
    settings = write_settings(tmp_path, {})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = await run_to_end(host_command(settings, app, "--port", port))
    assert (ended.status, ended.output) == (1, "")
    assert port in ended.errors


@posix_signals
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
async def test_where_a_process_cannot_be_replaced_the_child_ends_with_its_parent(
    tmp_path: Path, number: signal.Signals
) -> None:
    """The way of Windows, where a process is ended without notice: the child sees its input end."""
    app = write_app(tmp_path / "app", "import azure.functions\napp = azure.functions.FunctionApp()\n")
    inner = [sys.executable, "-m", "sandbox.host.process", str(app), "--port", "0", "--lease", "1"]
    outer = (
        f"import sys\nfrom sandbox.host.__main__ import supervise\nsys.exit(supervise({json.dumps(inner)}))"
    )
    process = await launch([sys.executable, "-c", outer])
    assert process.stdout is not None
    assert (await process.stdout.readline()).startswith(b"ready ")
    process.send_signal(number)
    _, errors = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    # The pipes are closed only when the child, which holds them too, has ended.
    assert b"Stopping" in errors
