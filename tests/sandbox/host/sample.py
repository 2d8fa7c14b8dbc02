"""A function app with one function of each kind, and the host that runs it in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import textwrap
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]

HOST_FILE = {
    "version": "2.0",
    "extensions": {
        "queues": {
            "maxPollingInterval": "00:00:00.100",
            "visibilityTimeout": "00:00:00",
            "batchSize": 4,
            "newBatchThreshold": 2,
            "maxDequeueCount": 2,
            "messageEncoding": "none",
        }
    },
}

FUNCTION_APP = """
import asyncio, json, os, pathlib, subprocess, sys, time
import azure.functions as func

print("printed while importing")
os.write(1, b"written to descriptor 1\\n")
app = func.FunctionApp()
blueprint = func.Blueprint()
record = pathlib.Path(os.environ["RECORD"])


def note(name, **facts):
    with record.open("a") as lines:
        print(json.dumps({"name": name, **facts}), file=lines)


def seen(message):
    return {"body": message.get_body().decode(), "count": message.dequeue_count, "id": message.id,
            "inserted": str(message.insertion_time), "expires": str(message.expiration_time),
            "receipt": message.pop_receipt}


@app.route(route="hello/{name?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def hello(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    answer = {"name": req.route_params.get("name"), "query": dict(req.params),
              "body": req.get_body().decode(), "agent": req.headers.get("User-Agent"),
              "function": context.function_name,
              "trace": context.trace_context.trace_parent, "method": req.method}
    print("printed while running")
    return func.HttpResponse(json.dumps(answer), status_code=201, mimetype="application/json",
                             headers={"X-Answer": "yes"})


@app.route(route="secret")
def secret(req: func.HttpRequest) -> str:
    return "open"


@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
def broken(req: func.HttpRequest) -> str:
    raise ValueError("this one is broken")


@app.route(route="slow", auth_level=func.AuthLevel.ANONYMOUS)
async def slow(req: func.HttpRequest) -> str:
    note("slow began")
    await asyncio.sleep(1)
    return "done"


@blueprint.queue_trigger(arg_name="message", queue_name="%TAKEN%", connection="MailStorage")
async def take(message: func.QueueMessage) -> None:
    note("take", **seen(message))
    await asyncio.sleep(float(os.environ.get("TAKE_SECONDS", 0)))
    note("taken", **seen(message))


@blueprint.queue_trigger(arg_name="message", queue_name="%FAILING%", connection="MailStorage")
def fail(message: func.QueueMessage) -> None:
    note("fail", **seen(message))
    raise RuntimeError("never works")


@blueprint.timer_trigger(schedule="%SCHEDULE%", arg_name="timer", run_on_startup=True)
async def tick(timer: func.TimerRequest) -> None:
    note("tick", past_due=timer.past_due)


app.register_functions(blueprint)
note("imported", hash_randomization=sys.flags.hash_randomization, **{
    name: os.environ.get(name) for name in ("CALLERS", "BOTH")})
"""


def write_app(directory: Path, source: str = FUNCTION_APP, host: object = HOST_FILE) -> Path:
    """Make an app in `directory`; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "function_app.py").write_text(textwrap.dedent(source), encoding="utf-8")
    (directory / "host.json").write_text(json.dumps(host), encoding="utf-8")
    return directory


def write_settings(directory: Path, values: Mapping[str, str]) -> Path:
    """A `local.settings.json` with `values`; gives the file."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": dict(values)}), encoding="utf-8")
    return file


@dataclass
class RunningHost:
    """A host process that said it is ready at `address`."""

    process: Process
    address: str
    record: Path

    def notes(self, name: str) -> list[dict[str, Any]]:
        """What the app noted under `name`."""
        if not self.record.exists():
            return []
        lines = [json.loads(line) for line in self.record.read_text(encoding="utf-8").splitlines()]
        return [line for line in lines if line["name"] == name]

    async def end(self) -> Ended:
        """Wait for the end; gives exit status and what was written after the first line of output."""
        output, errors = await asyncio.wait_for(self.process.communicate(), 20)
        return Ended(self.process.returncode, output.decode(), errors.decode())


@dataclass(frozen=True)
class Ended:
    """How a host ended."""

    status: int | None
    output: str
    errors: str


def host_command(settings: Path, app: Path, *options: str) -> list[str]:
    """The command that dev.py runs."""
    return [sys.executable, "-m", "sandbox.host", "--settings", str(settings), "--app", str(app), *options]


async def launch(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
    """Start a host, with more variables in its environment."""
    merged = {**os.environ, **(environment or {})}
    return await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, env=merged, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE
    )


async def run_to_end(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """Run a host that does not get as far as to listen."""
    process = await launch(command, environment)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
    return Ended(process.returncode, output.decode(), errors.decode())


@asynccontextmanager
async def running_host(
    directory: Path, values: Mapping[str, str], *options: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[RunningHost]:
    """The sample app under a host, ready; killed at the end if the test did not end it."""
    record = directory / "record"
    app = write_app(directory / "app")
    settings = write_settings(directory, {"RECORD": str(record), "SCHEDULE": "0 0 0 1 1 *", **values})
    process = await launch(host_command(settings, app, *options), environment)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        if not line:
            _, errors = await process.communicate()
            raise AssertionError(f"the host did not get ready:\n{errors.decode()}")
        yield RunningHost(process, line.decode().removeprefix("ready ").strip(), record)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until `condition` holds; AssertionError when it does not within `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < end, "did not come true in time"
        await asyncio.sleep(0.02)
