"""Check `subscriptions`: whether each watched folder has one that lives."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.doctor.check import Check
from shared.doctor.finding import Finding, failed, not_run, ok, warning
from shared.doctor.many import summed_up
from shared.operations.subscription_view import Seen, look
from shared.subscriptions import Subscriptions

SUBSCRIPTIONS = "subscriptions"
SOON = timedelta(days=1)
"""They are renewed with half of a week left: what has a day left was not renewed for days."""
_BY_ITSELF = "The app does the same every 15 minutes: if it does not, look at check address and at its log."
_WRONG = {
    "create": "has no live subscription",
    "replace": "its subscription has another address, or another version of notification-key, than now",
    "strike-off": "Graph does not know its subscription any more",
    "ended": "its subscription has ended",
}


@dataclass(frozen=True)
class Alive:
    """The check. `lost` are sources, by their key names, whose folders cannot be told.

    `now` is the command that has subscriptions made at once.
    """

    subscriptions: Callable[[], Subscriptions]
    lost: Callable[[], Collection[str]]
    missing_secrets: Collection[str]
    clock: Clock
    now: str

    def check(self) -> Check:
        """`subscriptions`."""
        return Check(SUBSCRIPTIONS, self._run, needs=("configuration", "token", "storage"))

    async def _run(self) -> list[Finding]:
        if "notification-key" in self.missing_secrets:
            return [not_run(SUBSCRIPTIONS, "not looked at: secret notification-key cannot be had")]
        lost = set(self.lost())
        skipped = [
            not_run(
                SUBSCRIPTIONS, "not looked at: its mailbox or a folder of it cannot be read", subject=name
            )
            for name in sorted(lost)
        ]
        seen = await look(self.subscriptions(), None, but=lost)
        served = {(one.source, one.resource) for one in seen if one.action in ("none", "renew")}
        # A row that is gone stands beside the folder's new one, or beside the order to make one.
        stale = ("strike-off", "ended")
        told = [
            self._told(one)
            for one in seen
            if one.action not in ("not-ours", "delete")
            and not (one.action in stale and self._is_told_elsewhere(one, seen, served))
        ]
        return [*summed_up(SUBSCRIPTIONS, told, "folders have a live subscription"), *skipped]

    @staticmethod
    def _is_told_elsewhere(one: Seen, seen: list[Seen], served: set[tuple[str, str]]) -> bool:
        folder = (one.source, one.resource)
        return folder in served or any(
            (other.source, other.resource) == folder and other.action == "create" for other in seen
        )

    def _told(self, one: Seen) -> Finding:
        subject, remedy = f"{one.source} {one.resource}", f"{self.now}\n{_BY_ITSELF}"
        if one.action in _WRONG:
            return failed(SUBSCRIPTIONS, _WRONG[one.action], remedy, subject=subject)
        left = None if one.expires is None else one.expires - self.clock.now()
        if left is not None and left < SOON:
            told = f"ends soon, at {_text(one.expires)}, and was not renewed"
            return failed(SUBSCRIPTIONS, told, remedy, subject=subject)
        if one.action == "renew":
            told = f"is to be renewed; it ends at {_text(one.expires)}"
            return warning(SUBSCRIPTIONS, told, remedy, subject=subject)
        return ok(SUBSCRIPTIONS, f"lives until {_text(one.expires)}", subject=subject)


def _text(moment: datetime | None) -> str:
    return "a time that Graph does not tell" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
