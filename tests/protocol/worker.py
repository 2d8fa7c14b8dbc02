"""One worker process of the world: the app's own composition, with stores and services of the world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.breaker_table import Breakers
from shared.queue_messages import (
    MAIL_ARRIVED,
    MAIL_FILED,
    VAULT_IMPORT,
    MailArrived,
    MailFiled,
    VaultImport,
)
from shared.services import Services
from shared.settings import Settings
from shared.testing.queues import POISON, QueuedMessage
from tests.protocol.hooks import Died, Hook, Hooked, HookedVault
from tests.protocol.simulated import NothingKept

if TYPE_CHECKING:
    from tests.protocol.world import World

VISIBLE_AGAIN, MOST_DEQUEUES = 30, 5
"""What `host.json` says of them."""


@cache
def _real_clients(settings: Settings) -> dict[str, Any]:
    """The clients that the composition hands on, and nobody asks: all workers have the same ones.

    To make them takes longer than most of what a worker does.
    """
    services = Services(settings, None)
    return {name: getattr(services, name) for name in ("graph", "_blobs", "_tables")}


class Worker:
    """Goes through a hook for each side effect, if it has one."""

    def __init__(self, world: World, hook: Hook | None) -> None:
        self.world = world
        self.hook = hook
        self.services = Services(*world.composition, world.clock)
        self.services.__dict__.update(
            _real_clients(self.services.settings),
            journal=self._hooked("journal", world.journal),
            unfinished=self._hooked("unfinished", world.unfinished),
            queues=self._hooked("queues", world.queues),
            area=self._hooked("area", world.area),
            breakers=Breakers(self._hooked("breakers", world.breakers), world.clock),
            fingerprints=self._hooked("fingerprints", world.fingerprints),
            folder_register=self._hooked("register", world.register),
            mailboxes=self._hooked("mailboxes", world.mailboxes),
            mailbox_writer=self._hooked("writer", world.writer),
            vault=world.vault if hook is None else HookedVault("vault", world.vault, hook),
            ping=world.outages.ping,
            secrets=NothingKept(),
        )

    @property
    def is_dead(self) -> bool:
        """Whether it has come to a point where it died."""
        return self.hook is not None and self.hook.is_dead

    async def take(self, message: QueuedMessage) -> None:
        """Take a message that was received, as the host does."""
        queues, may_be_poisoned = self.world.queues, not message.queue.endswith(POISON)
        if may_be_poisoned and message.dequeue_count > MOST_DEQUEUES:
            await self._poison(message)
            return
        try:
            await self._function(message.queue)(message.text.encode())
        except Died:
            return  # its lease runs out
        except Exception:  # noqa: BLE001 - whatever a function raises, the host settles its message
            if may_be_poisoned and message.dequeue_count >= MOST_DEQUEUES:
                await self._poison(message)
            else:
                await queues.hide(message, VISIBLE_AGAIN)
        else:
            await queues.delete(message)

    async def watch(self) -> None:
        """The timer."""
        with suppress(Died, Exception):  # whatever it raises, it runs again in a minute
            await self.services.watch.run()

    async def _poison(self, message: QueuedMessage) -> None:
        self.world.poisoned += 1
        await self.world.queues.poison(message)

    def _hooked(self, name: str, port: Any) -> Any:
        return port if self.hook is None else Hooked(name, port, self.hook)

    def _function(self, queue: str) -> Callable[[bytes], Awaitable[None]]:
        receiver, services = self.services.receiver, self.services
        if queue.endswith(POISON):
            return lambda body: services.dead_letters.take(queue.removesuffix(POISON), body)
        return {
            MAIL_ARRIVED: lambda body: receiver.receive(services.staging, MailArrived, body),
            VAULT_IMPORT: lambda body: receiver.receive(services.filing, VaultImport, body),
            MAIL_FILED: lambda body: receiver.receive(services.mailbox, MailFiled, body),
        }[queue]
