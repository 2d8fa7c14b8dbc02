"""Drives Microsoft's own Python worker library, without gRPC and without the real host.

As a program, on Python 3.13 with `azure-functions-runtime`, it indexes an app and invokes its functions
one after the other: `python harness.py APP_DIR < calls.json > answers.json`. The worker keeps it in globals,
so each app needs a process of its own: `run_worker` starts one. The file needs the standard library only,
as it is read by both interpreters.

`protos` below stands for the gRPC messages: the library only makes them and reads their attributes.
"""

from __future__ import annotations

import asyncio
import base64
import enum
import importlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

# The interpreter of an environment with the app's requirements and azure-functions-runtime.
INTERPRETER = "VAULTPOST_PYTHON313"
SECONDS = 60

Call = dict[str, Any]


class WorkerFailed(Exception):
    """The worker did not index the app, or did not answer; with what it wrote to standard error."""


@dataclass(frozen=True)
class Answers:
    """`functions` by name, each with its bindings; `answers` in the order of the calls.

    An answer has `error` and `trace` when the invocation failed; else, for HTTP, `status`, `headers`, `body`.
    """

    functions: Mapping[str, Sequence[Mapping[str, Any]]]
    answers: Sequence[Mapping[str, Any]]


def http_call(
    function: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    route: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> Call:
    """A request as the host hands it over: `query` and `route` parameters apart from the address."""
    request = {"method": method, "url": url, "headers": {k.lower(): v for k, v in (headers or {}).items()}}
    request |= {"query": dict(query or {}), "params": dict(route or {})}
    return {"function": function, "http": {**request, "body": base64.b64encode(body).decode()}}


def queue_call(function: str, text: str, dequeue_count: int = 1) -> Call:
    """A message whose content is `text`."""
    return {"function": function, "queue": {"text": text, "dequeue_count": dequeue_count}}


def timer_call(function: str, *, past_due: bool = False) -> Call:
    """A timer that is due."""
    return {"function": function, "timer": {"past_due": past_due}}


def run_worker(app: Path, calls: Sequence[Call], environment: Mapping[str, str]) -> Answers:
    """Index `app` in a worker of its own and make `calls`, with `environment` added to this process's.

    Python is isolated (`-I`): beside its own packages, `app` alone is on the path, as on the platform.
    Raises WorkerFailed, and KeyError when no interpreter is named.
    """
    command = [os.environ[INTERPRETER], "-I", str(Path(__file__).resolve()), str(app)]
    done = subprocess.run(
        command,
        input=json.dumps(calls).encode(),
        env={**os.environ, **environment},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise WorkerFailed(done.stderr.decode(errors="replace"))
    document = json.loads(done.stdout)
    answers = [_with_bytes(answer) for answer in document["answers"]]
    return Answers(document["functions"], answers)


def _with_bytes(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"body": base64.b64decode(answer["body"])} if "body" in answer else answer


class _Message:
    """A protobuf message: what was not set is None."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class _OneOf(_Message):
    """A message of one field out of several; the others are missing, not None: the library tries them."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802 - protobuf's own name
        """The field that is set."""
        return next(iter(self.__dict__), None)


class _Status(_Message):
    Failure, Success, Cancelled = 0, 1, 2


class _BindingInfo(_Message):
    # Integers, not members of an enum: the library compares them by identity.
    undefined, string, binary, stream = 0, 1, 2, 3
    out, inout = 1, 2


class _Cookie(_Message):
    SameSite = enum.IntEnum("SameSite", {"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


_PLAIN = (
    "WorkerMetadata WorkerInitResponse FunctionMetadataResponse FunctionLoadResponse InvocationResponse "
    "RpcFunctionMetadata RpcRetryOptions RpcException RpcHttp "
    "NullableString NullableBool NullableDouble NullableTimestamp Timestamp"
)
protos = SimpleNamespace(
    TypedData=_OneOf,
    ParameterBinding=_OneOf,
    StatusResult=_Status,
    BindingInfo=_BindingInfo,
    RpcHttpCookie=_Cookie,
    **{name: type(name, (_Message,), {}) for name in _PLAIN.split()},
)


class _Worker:
    """The library with one app in it."""

    def __init__(self) -> None:
        self._library = importlib.import_module("azure_functions_runtime")
        self._ids: dict[str, str] = {}
        self.functions: dict[str, list[dict[str, Any]]] = {}

    async def index(self, app: str) -> None:
        """Import the app and load its functions. Raises WorkerFailed."""
        sys.path.insert(0, app)
        self._library.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=app)
        properties = {"host": "127.0.0.1", "protos": protos}
        request = SimpleNamespace(request=SimpleNamespace(worker_init_request=init), properties=properties)
        _check(await self._library.worker_init_request(request))
        metadata = await self._library.functions_metadata_request(SimpleNamespace())
        _check(metadata)
        if not metadata.function_metadata_results:
            raise WorkerFailed(f"no functions in {app}")
        for function in metadata.function_metadata_results:
            load = SimpleNamespace(function_load_request=SimpleNamespace(function_id=function.function_id))
            _check(await self._library.function_load_request(SimpleNamespace(request=load)))
            self._ids[function.name] = function.function_id
            self.functions[function.name] = [json.loads(binding) for binding in function.raw_bindings]

    async def call(self, call: Call) -> dict[str, Any]:
        """Invoke one function."""
        name = call["function"]
        data, metadata = _input(call)
        bindings = self.functions[name]
        argument = next(item["name"] for item in bindings if item["type"].endswith("Trigger"))
        trace = SimpleNamespace(trace_parent=f"00-{'1' * 32}-{'2' * 16}-01", trace_state="", attributes={})
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()),
            function_id=self._ids[name],
            input_data=[SimpleNamespace(name=argument, data=data, WhichOneof=lambda _: "data")],
            trigger_metadata=metadata,
            trace_context=trace,
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )
        request = SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
        return _answer(await self._library.invocation_request(request))

    def close(self) -> None:
        """End the library's threads."""
        self._library.stop_threadpool_executor()


def _check(response: Any) -> None:
    if response.result.status != _Status.Success:
        failure = response.result.exception
        raise WorkerFailed(f"{failure.message}\n{failure.stack_trace}")


def _input(call: Call) -> tuple[_OneOf, dict[str, _OneOf]]:
    """The trigger's data and metadata, in the shapes in which the real host sends them."""
    if "http" in call:
        request = dict(call["http"])
        body = _OneOf(bytes=base64.b64decode(request.pop("body")))
        return _OneOf(http=_Message(**request, body=body)), {}
    if "queue" in call:
        return _OneOf(string=call["queue"]["text"]), _queue_metadata(call["queue"]["dequeue_count"])
    now = datetime.now(UTC).isoformat()
    timer = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": {"Last": now, "LastUpdated": now, "Next": now},
        "IsPastDue": call["timer"]["past_due"],
    }
    return _OneOf(json=json.dumps(timer)), {}


def _queue_metadata(dequeue_count: int) -> dict[str, _OneOf]:
    now = datetime.now(UTC)
    times = {"InsertionTime": now, "ExpirationTime": now + timedelta(days=7)}
    times["NextVisibleTime"] = now + timedelta(minutes=10)
    return {
        "Id": _OneOf(string=str(uuid.uuid4())),
        "PopReceipt": _OneOf(string="receipt"),
        "DequeueCount": _OneOf(json=str(dequeue_count)),
        **{name: _OneOf(json=json.dumps(f"{time:%Y-%m-%dT%H:%M:%S+00:00}")) for name, time in times.items()},
    }


def _answer(response: Any) -> dict[str, Any]:
    if response.result.status != _Status.Success:
        failure = response.result.exception
        return {"error": failure.message, "trace": failure.stack_trace}
    value = response.return_value
    kind = value.WhichOneof("data") if value else None
    if kind == "string":
        return {"status": 200, "headers": {}, "body": base64.b64encode(value.string.encode()).decode()}
    if kind == "http":
        body = base64.b64encode(value.http.body.bytes).decode()
        return {"status": int(value.http.status_code), "headers": dict(value.http.headers), "body": body}
    return {}


async def _run(app: str, calls: Sequence[Call]) -> dict[str, Any]:
    worker = _Worker()
    await worker.index(app)
    answers = [await worker.call(call) for call in calls]
    worker.close()
    return {"functions": worker.functions, "answers": answers}


def main() -> int:
    """Read the calls, run them, write the answers; the app's own output goes to standard error."""
    answers_to = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        document = asyncio.run(_run(str(Path(sys.argv[1]).resolve()), json.load(sys.stdin)))
    except WorkerFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    with answers_to:
        json.dump(document, answers_to)
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # As the real worker: what the app left open does not hold up the end.
    os._exit(status)
