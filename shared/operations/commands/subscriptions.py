"""`subscriptions`: what is, what would be done, and, with `--apply`, doing it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from shared.operations.subscription_view import Action, Seen, look
from shared.operations.terminal import NOT_WELL, WELL, say
from shared.operations.text import as_json, printable, time_of
from shared.services import Services

_NOTHING_TO_DO = frozenset({"none", "ended", "not-ours"})
_SAYS: dict[Action, str] = {
    "none": "lives",
    "create": "is to be created",
    "renew": "is to be renewed",
    "replace": "is to be replaced: another address, or another version of notification-key",
    "delete": "is to be deleted: its folder is not watched any more",
    "strike-off": "is gone: to be struck off",
    "ended": "has ended",
    "not-ours": "was not created by this app: left alone",
}


async def run(services: Services, options: argparse.Namespace) -> int:
    """Tell it; NOT_WELL where something is to be done still."""
    subscriptions = services.subscriptions
    if options.apply and options.source:
        await subscriptions.maintain_source(options.source)
    elif options.apply:
        await subscriptions.maintain()
    found = await look(subscriptions, options.source)
    if options.json:
        say(as_json({"applied": options.apply, "subscriptions": [asdict(one) for one in found]}))
    else:
        say("\n".join(_lines(found)))
    return WELL if all(one.action in _NOTHING_TO_DO for one in found) else NOT_WELL


def _lines(found: Sequence[Seen]) -> Iterator[str]:
    for one in found:
        yield printable(" ".join(part for part in (one.source, one.resource, one.subscription) if part))
        end = f", until {time_of(one.expires)}" if one.expires else ""
        yield f"  {_SAYS[one.action]}{end}"
    to_do = sum(one.action not in _NOTHING_TO_DO for one in found)
    if to_do:
        yield f"To be done: {to_do}. The app does it every 15 minutes; --apply does it now."
    else:
        yield "Nothing is to be done."
