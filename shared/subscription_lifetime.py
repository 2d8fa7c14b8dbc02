"""How long a subscription is asked to live: what the service takes, once it has said so."""

from __future__ import annotations

import re
from datetime import timedelta

from shared.graph.faults import Refused
from shared.subscription_plan import LIFETIME

_TOO_FAR = re.compile(r"expiration can only be ([1-9][0-9]{0,6}) minutes", re.IGNORECASE)
_MARGIN = timedelta(minutes=10)
"""What is left below the service's limit, since its clock may be behind ours."""


def longest_lifetime(outcome: object) -> timedelta | None:
    """The service's limit, where `outcome` is its refusal of an end that lies too far ahead.

    This once the text decides: its code, `ExtensionError`, is that of many faults. The text is "Subscription
    expiration can only be 10070 minutes in the future."
    """
    found = _TOO_FAR.search(outcome.detail) if isinstance(outcome, Refused) else None
    return timedelta(minutes=int(found[1])) if found else None


class Lifetime:
    """What is asked for, in this process."""

    def __init__(self) -> None:
        self.asked = LIFETIME

    def learns(self, outcome: object, asked: timedelta) -> bool:
        """Whether `outcome` says that `asked` was too long, and what is not; that holds from now on."""
        limit = longest_lifetime(outcome)
        if limit is None:
            return False
        taken = limit - min(_MARGIN, limit / 10)
        self.asked = min(self.asked, taken)
        return taken < asked
