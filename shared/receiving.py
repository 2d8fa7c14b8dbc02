"""What a queue function does with a message before its own work begins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.log import Events
from shared.queue_messages import FromTheFuture, Message, decode
from shared.queues import Queues

PUT_BACK_FOR = 300
"""Seconds that a message of a later version waits: by then that version may be back."""
_M = TypeVar("_M", bound=Message)


async def receive(
    queues: Queues, queue: str, body: bytes, kind: type[_M], work: Callable[[_M], Awaitable[object]]
) -> None:
    """Decode the `body` of a message in `queue`, and do its `work`.

    Raises Unreadable, and what `work` raises.
    """
    try:
        message = decode(body, kind)
    except FromTheFuture as error:
        Events("queues", queue=queue).warning("message-put-back", why=str(error))
        await queues.send_text(queue, body.decode(), delay=PUT_BACK_FOR)
        return
    await work(message)
