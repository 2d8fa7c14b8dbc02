"""Microsoft's Python worker runs a small app of every kind of trigger, as the sandbox's host does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.worker.harness import INTERPRETER, WorkerFailed, http_call, queue_call, run_worker, timer_call

pytestmark = pytest.mark.skipif(
    not os.environ.get(INTERPRETER),
    reason=f"needs Microsoft's worker library: {INTERPRETER} names no Python 3.13 that has it",
)

APP = """
import json, os
import azure.functions as func

print("printed while importing")
app = func.FunctionApp()
blueprint = func.Blueprint()


@app.route(route="hello/{name?}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def hello(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    print("printed while running")
    answer = [req.method, req.url, req.route_params.get("name"), dict(req.params), req.headers.get("X-Given"),
              context.function_name, os.environ["SETTING"]]
    return func.HttpResponse(json.dumps(answer).encode() + req.get_body(), status_code=201,
                             mimetype="application/json", headers={"X-Answer": "yes"})


@app.route(route="text")
def text(req: func.HttpRequest) -> str:
    return "plain"


@app.route(route="nothing")
def nothing(req: func.HttpRequest):
    return None


@blueprint.queue_trigger(arg_name="message", queue_name="mail", connection="MailStorage")
async def take(message: func.QueueMessage) -> None:
    seen = (message.get_body().decode(), message.dequeue_count, message.insertion_time.year > 2000)
    if seen != ("grüße", 3, True):
        raise ValueError(seen)


@blueprint.queue_trigger(arg_name="message", queue_name="other", connection="MailStorage")
async def returns(message: func.QueueMessage) -> int:
    return 1


@blueprint.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
def tick(timer: func.TimerRequest) -> None:
    if not timer.past_due:
        raise LookupError("not past due")


app.register_functions(blueprint)
"""


def app_in(directory: Path, source: str) -> Path:
    (directory / "function_app.py").write_text(source, encoding="utf-8")
    return directory


def test_every_kind_of_function_is_indexed_and_invoked(tmp_path: Path) -> None:
    calls = [
        http_call(
            "hello",
            "POST",
            "https://example.com/api/hello/Anna?q=1",
            headers={"X-Given": "v"},
            query={"q": "1"},
            route={"name": "Anna"},
            body=b"\xff",
        ),
        http_call("text", "GET", "https://example.com/api/text"),
        queue_call("take", "grüße", dequeue_count=3),
        timer_call("tick", past_due=True),
    ]
    done = run_worker(app_in(tmp_path, APP), calls, {"SETTING": "known"})

    assert list(done.functions) == ["hello", "text", "nothing", "take", "returns", "tick"]
    assert {binding["type"] for binding in done.functions["hello"]} == {"httpTrigger", "http"}
    hello, text, take, tick = done.answers
    assert (hello["status"], hello["headers"]["X-Answer"]) == (201, "yes")
    assert hello["headers"]["content-type"] == "application/json"
    answer = '["POST", "https://example.com/api/hello/Anna?q=1", "Anna", {"q": "1"}, "v", "hello", "known"]'
    assert hello["body"] == answer.encode() + b"\xff"
    assert (text["status"], text["body"]) == (200, b"plain")
    assert (take, tick) == ({}, {})


def test_failures_are_answers_with_type_message_and_trace(tmp_path: Path) -> None:
    """The last two are what the sandbox's host refuses alike: no response, and a value that nothing takes."""
    calls = [
        queue_call("take", "other"),
        timer_call("tick"),
        http_call("nothing", "GET", "https://example.com/"),
        queue_call("returns", "text"),
    ]
    take, tick, nothing, returns = run_worker(app_in(tmp_path, APP), calls, {}).answers
    assert take["error"] == "ValueError: ('other', 1, True)"
    assert "function_app.py" in take["trace"]
    assert tick["error"] == "LookupError: not past due"
    assert nothing["error"].startswith("TypeError: unable to encode outgoing TypedData")
    assert "without a $return binding" in returns["error"]


def test_an_app_that_cannot_be_indexed_is_told(tmp_path: Path) -> None:
    source = (
        "import azure.functions as func\napp = func.FunctionApp()\nraise RuntimeError('settings missing')\n"
    )
    with pytest.raises(WorkerFailed, match="RuntimeError: settings missing"):
        run_worker(app_in(tmp_path, source), [], {})


def test_a_directory_without_an_app_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="no functions in"):
        run_worker(tmp_path, [], {})
