"""Stopping a source or a service, and letting it go on."""

from __future__ import annotations

from shared.breaker import Kind
from shared.breaker_table import Breakers


async def pause(breakers: Breakers, kind: Kind, name: str, why: str) -> list[str]:
    """Stop it until `resume`; answers what to tell. Raises Unavailable, and Stale."""
    await breakers.pause(kind, name, why)
    return [f'{kind} "{name}" is paused: {why}', "Its mail waits, and none is lost or given up."]


async def resume(breakers: Breakers, kind: Kind, name: str) -> list[str]:
    """End whatever has shut it; answers what to tell. Raises Unavailable, and Stale."""
    shut = await breakers.resume(kind, name)
    if not shut:
        return [f'{kind} "{name}" was neither open, held nor paused: nothing to do.']
    return [
        f'{kind} "{name}" goes on. It was {one.state}'
        + ("" if one.key.scope == "all" else f" ({one.key.scope})")
        + f": {one.reason}"
        for one in shut
    ]
