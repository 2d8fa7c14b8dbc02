"""Indexing an app."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.host.functions import Function, HttpTrigger, QueueTrigger, TimerTrigger, load_functions
from sandbox.host.settings import StartRefused
from tests.sandbox.host.sample import write_app

HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    """An app is one for each process: here each test has its own."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("function_app", None)


def index(directory: Path, source: str, **settings: str) -> dict[str, Function]:
    app = write_app(directory / "app", HEAD + source)
    return {function.name: function for function in load_functions(app, settings, "api")}


def faults_of(directory: Path, source: str) -> tuple[str, ...]:
    with pytest.raises(StartRefused) as refused:
        index(directory, source)
    return refused.value.faults


def test_functions_are_taken_from_the_apps_decorators(tmp_path: Path) -> None:
    functions = index(
        tmp_path,
        """
@app.function_name("hook")
@app.route(route="hooks/{name}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def receive(req: func.HttpRequest, context: func.Context) -> func.HttpResponse: ...
@app.queue_trigger(arg_name="message", queue_name="mail-%STAGE%", connection="MailStorage")
def take(message: func.QueueMessage) -> None: ...
@app.timer_trigger(arg_name="timer", schedule="%WHEN%")
def tick(timer): ...
""",
        STAGE="test",
        WHEN="0 */5 * * * *",
    )
    assert list(functions) == ["hook", "take", "tick"]
    hook, take, tick = functions.values()
    assert isinstance(hook.trigger, HttpTrigger)
    assert (hook.trigger.route.template, hook.trigger.methods, hook.trigger.level) == (
        "api/hooks/{name}",
        frozenset({"POST"}),
        "anonymous",
    )
    assert (hook.argument, hook.wants_context, hook.asynchronous) == ("req", True, True)
    assert take.trigger == QueueTrigger("mail-test", "MailStorage")
    assert (take.argument, take.wants_context, take.asynchronous) == ("message", False, False)
    assert isinstance(tick.trigger, TimerTrigger)
    assert tick.trigger.schedule.expression == "0 */5 * * * *"
    assert not tick.trigger.at_start


def test_a_route_is_the_functions_name_and_its_level_function_unless_given(tmp_path: Path) -> None:
    trigger = index(tmp_path, "@app.route()\ndef status(req: func.HttpRequest) -> str: ...\n")[
        "status"
    ].trigger
    assert isinstance(trigger, HttpTrigger)
    assert (trigger.route.template, trigger.methods, trigger.level) == ("api/status", None, "function")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (
            "@app.blob_trigger(arg_name='b', path='x', connection='C')\ndef f(b): ...\n",
            "function f: bindings of type 'blobTrigger' are not supported",
        ),
        (
            "@app.queue_output('o', queue_name='q', connection='C')\n@app.route()\ndef f(req, o): ...\n",
            "function f: bindings of type 'queue' are not supported",
        ),
        (
            "@app.retry('fixed_delay', '3', delay_interval='00:00:01')\n@app.route()\ndef f(req): ...\n",
            "function f: retry policies are not supported",
        ),
        (
            "@app.queue_trigger(arg_name='m', queue_name='%Q%', connection='C')\ndef f(m): ...\n",
            "function f: the setting Q in '%Q%' is missing",
        ),
        (
            "@app.timer_trigger(arg_name='t', schedule='soon')\ndef f(t): ...\n",
            "function f: schedule 'soon' is not an NCRONTAB expression",
        ),
        (
            "@app.route(route='a.{b}')\ndef f(req): ...\n",
            "function f: route part 'a.{b}' is not supported",
        ),
        (
            "@app.timer_trigger(arg_name='t', schedule='0 0 0 * * *')\ndef f(t, other): ...\n",
            "function f: its parameters must be 't' and, at most, 'context'",
        ),
        (
            "@app.timer_trigger(arg_name='t', schedule='0 0 0 * * *')\ndef f(t: func.QueueMessage): ...\n",
            "function f: its parameter 't' does not fit a timerTrigger",
        ),
        (
            "@app.timer_trigger(arg_name='t', schedule='0 0 0 * * *')\ndef f(t, context: str): ...\n",
            "function f: its parameter 'context' must be an azure.functions.Context",
        ),
        (
            "@app.route(route='same')\ndef f(req): ...\n@app.route(route='Same')\ndef g(req): ...\n",
            "functions f and g have the same route and any method",
        ),
        ("other = func.FunctionApp()\n", "function_app.py must hold one function app, not 2"),
    ],
)
def test_what_cannot_be_run_refuses_the_start(tmp_path: Path, source: str, fault: str) -> None:
    (found,) = faults_of(tmp_path, source)
    assert fault in found


def test_every_refused_function_is_named_at_once(tmp_path: Path) -> None:
    source = "".join(
        f"@app.timer_trigger(arg_name='t', schedule='soon')\ndef {name}(t): ...\n" for name in ("f", "g")
    )
    assert [fault.split(":")[0] for fault in faults_of(tmp_path, source)] == ["function f", "function g"]


def test_addresses_of_the_host_itself_cannot_be_routes(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", HEAD + "@app.route(route='admin/x')\ndef f(req): ...\n")
    with pytest.raises(StartRefused, match="reserved"):
        load_functions(app, {}, "")


def test_what_the_import_raises_passes(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        index(tmp_path, "1 / 0\n")
