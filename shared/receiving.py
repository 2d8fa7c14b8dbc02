"""What a queue function does with a message before its own work begins."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import NotYet, Stale
from shared.log import Events
from shared.queue_messages import FromTheFuture, Message, decode
from shared.queues import Queues

PUT_BACK_FOR = 300
"""Seconds that a message of a later version waits: by then that version may be back."""
LOOK_AGAIN_AFTER = 5
"""Seconds that a message waits whose mail a twin is working on, or cannot be read yet."""
_M = TypeVar("_M", bound=Message)


async def receive(
    queues: Queues, queue: str, body: bytes, kind: type[_M], work: Callable[[_M], Awaitable[object]]
) -> None:
    """Decode the `body` of a message in `queue`, and do its `work`.

    Where it only has to wait, a copy is put back: to change the message itself would spoil the host's
    receipt. Raises Unreadable, and what else `work` raises.
    """
    log = Events("queues", queue=queue)
    try:
        await work(decode(body, kind))
    except FromTheFuture as error:
        log.warning("message-put-back", why=str(error))
        await queues.send_text(queue, body.decode(), delay=PUT_BACK_FOR)
    except (NotYet, Stale) as error:
        log.info("message-put-back", why=str(error))
        delay = LOOK_AGAIN_AFTER if error.after is None else max(1, math.ceil(error.after))
        await queues.send_text(queue, body.decode(), delay=delay)
