"""Indexing: the functions of an app, taken from its own decorators as the Python worker takes them."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from sandbox.host.bindings import converter
from sandbox.host.routes import Route, RouteRefused, parse_route
from sandbox.host.schedule import Schedule, ScheduleRefused
from sandbox.host.settings import StartRefused

_SETTING = re.compile(r"%([^%]+)%")
ANONYMOUS = "anonymous"
_RESERVED = {"admin", "runtime"}


@dataclass(frozen=True)
class HttpTrigger:
    """`methods` is None where every method is taken; `level` is anonymous, function or admin."""

    route: Route
    methods: frozenset[str] | None
    level: str


@dataclass(frozen=True)
class QueueTrigger:
    """`connection` names the setting, or the group of settings, that leads to the storage account."""

    queue: str
    connection: str


@dataclass(frozen=True)
class TimerTrigger:
    """`at_start` is what the app asked for: this host starts no timer by itself."""

    schedule: Schedule
    at_start: bool


@dataclass(frozen=True)
class Function:
    """One function of the app and how it is called; `argument` is the parameter that the trigger fills."""

    name: str
    call: Callable[..., Any]
    argument: str
    trigger: HttpTrigger | QueueTrigger | TimerTrigger
    wants_context: bool

    @property
    def asynchronous(self) -> bool:
        """Whether it runs in the loop; others run in a thread."""
        return inspect.iscoroutinefunction(self.call)

    @property
    def directory(self) -> Path:
        """Where its source stands."""
        return Path(inspect.getfile(self.call)).parent


def load_functions(directory: Path, settings: Mapping[str, str], route_prefix: str) -> list[Function]:
    """Import `function_app` from `directory` and index its functions.

    Raises StartRefused for what this host or the worker would refuse; whatever the import raises passes.
    """
    sys.path.insert(0, str(directory))
    app = _application(importlib.import_module("function_app"))
    functions, faults = [], []
    for declared in app.get_functions():
        try:
            functions.append(_function(declared, settings, route_prefix))
        except (RouteRefused, ScheduleRefused, _BindingRefused) as error:
            faults.append(f"function {declared.get_function_name()}: {error}")
    faults += _contested_routes(functions)
    if faults:
        raise StartRefused(faults)
    return functions


class _BindingRefused(ValueError):
    """A binding that this host, or the worker, does not run."""


def _application(module: ModuleType) -> FunctionRegister:
    found = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if len(found) != 1:
        raise StartRefused([f"function_app.py must hold one function app, not {len(found)}"])
    return found[0]


def _function(declared: Any, settings: Mapping[str, str], route_prefix: str) -> Function:
    if declared.get_setting("retry_policy"):
        raise _BindingRefused("retry policies are not supported by this host")
    bindings = [json.loads(binding) for binding in declared.get_raw_bindings()]
    trigger = next(binding for binding in bindings if binding["type"].lower().endswith("trigger"))
    for binding in bindings:
        if binding is not trigger and (binding["type"], binding["name"]) != ("http", "$return"):
            raise _BindingRefused(f"bindings of type {binding['type']!r} are not supported by this host")
    call = declared.get_user_function()
    return Function(
        name=declared.get_function_name(),
        call=call,
        argument=trigger["name"],
        trigger=_trigger(trigger, settings, route_prefix),
        wants_context=_checked_parameters(call, trigger),
    )


def _contested_routes(functions: Iterable[Function]) -> list[str]:
    """Two functions for one path and method: which of them Azure would run is chance."""
    faults: list[str] = []
    taken: dict[tuple[object, str], str] = {}
    for function in functions:
        if isinstance(trigger := function.trigger, HttpTrigger):
            for method in sorted(trigger.methods or {"any method"}):
                other = taken.setdefault((trigger.route.shape, method), function.name)
                if other != function.name:
                    faults.append(f"functions {other} and {function.name} have the same route and {method}")
    return faults


def _trigger(
    binding: Mapping[str, Any], settings: Mapping[str, str], route_prefix: str
) -> HttpTrigger | QueueTrigger | TimerTrigger:
    match binding["type"]:
        case "httpTrigger":
            return _http_trigger(binding, route_prefix)
        case "queueTrigger":
            queue = _expanded(binding["queueName"], settings)
            return QueueTrigger(queue, binding.get("connection") or "AzureWebJobsStorage")
        case "timerTrigger":
            schedule = Schedule.parse(_expanded(binding["schedule"], settings))
            return TimerTrigger(schedule, bool(binding.get("runOnStartup")))
        case other:
            raise _BindingRefused(f"bindings of type {other!r} are not supported by this host")


def _http_trigger(binding: Mapping[str, Any], route_prefix: str) -> HttpTrigger:
    path = "/".join(part for part in (route_prefix, str(binding["route"]).strip("/")) if part)
    if path.partition("/")[0].lower() in _RESERVED:
        raise RouteRefused(f"route {path!r} is reserved for the host")
    methods = frozenset(method.upper() for method in binding.get("methods") or ())
    return HttpTrigger(
        parse_route(path), methods or None, str(binding.get("authLevel") or "function").lower()
    )


def _expanded(text: str, settings: Mapping[str, str]) -> str:
    """`text` with each `%NAME%` replaced by the application setting NAME."""
    if missing := [name for name in _SETTING.findall(text) if name not in settings]:
        raise _BindingRefused(f"the setting {', '.join(missing)} in {text!r} is missing")
    return _SETTING.sub(lambda found: settings[found[1]], text)


def _checked_parameters(call: Callable[..., Any], trigger: Mapping[str, Any]) -> bool:
    """Whether the function wants the context; refuses parameters as the worker's registry does."""
    names = set(inspect.signature(call).parameters)
    wants_context = "context" in names - {trigger["name"]}
    if names - {"context"} != {trigger["name"]} - {"context"}:
        raise _BindingRefused(f"its parameters must be {trigger['name']!r} and, at most, 'context'")
    hints = typing.get_type_hints(call)
    if wants_context and getattr(hints.get("context"), "__name__", "Context") != "Context":
        raise _BindingRefused("its parameter 'context' must be an azure.functions.Context")
    hint = hints.get(trigger["name"])
    if hint is not None and not converter(trigger["type"]).check_input_type_annotation(hint):
        raise _BindingRefused(f"its parameter {trigger['name']!r} does not fit a {trigger['type']}")
    return wants_context
