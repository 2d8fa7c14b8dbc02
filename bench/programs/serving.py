"""How a program is driven: a line of orders on standard input, a line of its processor time on the other."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

Filer = Callable[[list[str]], Awaitable[None]]
"""Files the messages with these ids."""


async def serve(file_mails: Filer) -> None:
    """Answer each line, a JSON list of message ids, with the CPU seconds that it took to file them."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        began = time.process_time()
        await file_mails(json.loads(line))
        print(json.dumps(time.process_time() - began), flush=True)
