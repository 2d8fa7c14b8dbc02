"""The poison queues: what no function could take is queued again later, up to a limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import azure.functions as func

from shared.queue_messages import KINDS
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """The functions `dead_letters_mail_arrived` and so on, one for each queue."""
    functions = func.Blueprint()
    for queue in KINDS:
        trigger = functions.queue_trigger(
            arg_name="msg", queue_name=f"{queue}-poison", connection="MailStorage"
        )
        named = functions.function_name(f"dead_letters_{queue.replace('-', '_')}")
        named(trigger(_taking(services, queue)))
    return functions


def _taking(services: Services, queue: str) -> Callable[[func.QueueMessage], Awaitable[None]]:
    async def take(msg: func.QueueMessage) -> None:
        await services.dead_letters.take(queue, msg.get_body())

    return take
