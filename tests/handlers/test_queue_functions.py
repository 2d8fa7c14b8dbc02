"""The functions of the queues: each gives what it gets to its own step, under its own name."""

from __future__ import annotations

import asyncio
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import azure.functions as func
import pytest

from handlers import dead_letters, filing, mailbox, staging, watch
from shared.queue_messages import KINDS, MailArrived, MailFiled, VaultImport
from shared.services import Services

STAGING, FILING, MAILBOX = object(), object(), object()


class Noting:
    """Notes what it is called with, whatever it stands for."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.refreshed = False

    async def note(self, *arguments: object) -> None:
        self.calls.append(arguments)

    async def refresh(self) -> None:
        """The configuration is brought up to date before any work."""
        assert self.calls == []
        self.refreshed = True


def with_parts(noting: Noting) -> Services:
    """The app, of which only these parts are asked."""
    part = SimpleNamespace(receive=noting.note, take=noting.note, run=noting.note)
    steps = {"staging": STAGING, "filing": FILING, "mailbox": MAILBOX}
    parts = {"receiver": part, "dead_letters": part, "watch": part, "names": part, "gauge": part, **steps}
    return cast(Services, SimpleNamespace(refresh=noting.refresh, **parts))


def functions_of(module: ModuleType, services: Services) -> dict[str, Any]:
    """The functions of a handler by name, as they are called."""
    app = func.FunctionApp()
    app.register_functions(module.blueprint(services))
    return {str(one.get_function_name()): one.get_user_function() for one in app.get_functions()}


def message(body: bytes) -> func.QueueMessage:
    return func.QueueMessage(id="1", body=body)


@pytest.mark.parametrize(
    ("module", "name", "step", "kind"),
    [
        (staging, "staging", STAGING, MailArrived),
        (filing, "filing", FILING, VaultImport),
        (mailbox, "mailbox", MAILBOX, MailFiled),
    ],
)
def test_each_queue_goes_to_its_step(module: ModuleType, name: str, step: object, kind: type) -> None:
    noting = Noting()
    (function,) = functions_of(module, with_parts(noting)).items()

    asyncio.run(function[1](message(b"\xffbytes")))

    assert (function[0], noting.calls) == (name, [(step, kind, b"\xffbytes")])
    assert noting.refreshed


@pytest.mark.parametrize("queue", KINDS)
def test_each_dead_letter_is_taken_as_one_of_its_own_queue(queue: str) -> None:
    noting = Noting()
    functions = functions_of(dead_letters, with_parts(noting))

    asyncio.run(functions[f"dead_letters_{queue.replace('-', '_')}"](message(b"{}")))

    assert noting.calls == [(queue, b"{}")]


def test_the_watch_is_called() -> None:
    noting = Noting()

    asyncio.run(functions_of(watch, with_parts(noting))["watch"](cast(func.TimerRequest, None)))

    assert noting.calls == [(), (), ()]
    assert noting.refreshed
