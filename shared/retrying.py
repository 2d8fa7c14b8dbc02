"""What follows a fault: a decision over values (design, 4.8). Retrying is ours, never a client's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import ConfigurationFault, NotYet, Permanent, Stale, Transient, VaultpostError

SHORTEST, LONGEST = timedelta(seconds=15), timedelta(minutes=15)
LEAST_ATTEMPTS = 20
MOST_REVIVALS = 10
"""So often a message comes back from its poison queue (design, 4.6)."""
AFTER_A_TWIN = timedelta(seconds=5)
"""Until a mail is looked at again that another worker was first with."""


@dataclass(frozen=True)
class Again:
    """Try again at that time; `is_attempt` says whether this try counts as one."""

    at: datetime
    is_attempt: bool


@dataclass(frozen=True)
class Afresh:
    """Try again at that time, as if for the first time: what it needs was down, and no try of it counts."""

    at: datetime


@dataclass(frozen=True)
class LastLook:
    """Look at that time whether the vault has the mail; if not, it ends unfiled."""

    at: datetime


@dataclass(frozen=True)
class Hold:
    """Stop serving the source, for this reason, until a person has mended it."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Fail:
    """This mail ends unfiled, for this reason."""

    reason: str
    remedy: str


Decision = Again | Afresh | LastLook | Hold | Fail


def decide(
    fault: VaultpostError,
    *,
    attempt: int,
    first_tried: datetime,
    now: datetime,
    give_up_after: timedelta,
    jitter: float,
) -> Decision:
    """What follows `fault`, met at attempt number `attempt` (from 1) of a mail first tried at `first_tried`.

    `jitter` is a random number from 0 to 1. A fault that says nothing about retrying is taken for transient.
    """
    if not isinstance(fault, Transient | Permanent):
        fault = Transient(str(fault))
    match fault:
        case NotYet() | Stale():
            return Again(now + _asked(fault, AFTER_A_TWIN), is_attempt=False)
        case Transient() if now - first_tried >= give_up_after and attempt >= LEAST_ATTEMPTS:
            return Fail(
                f"Given up after {attempt} attempts in {give_up_after}; the last fault: {fault}",
                "Mend that, then replay the mail.",
            )
        case Transient():
            return Again(now + max(_asked(fault, SHORTEST), _backed_off(attempt, jitter)), is_attempt=True)
        case ConfigurationFault():
            return Hold(fault.reason, fault.remedy)
        case Permanent():
            return Fail(fault.reason, fault.remedy)


def _asked(fault: Transient, otherwise: timedelta) -> timedelta:
    return otherwise if fault.after is None else timedelta(seconds=fault.after)


def _backed_off(attempt: int, jitter: float) -> timedelta:
    """Exponential with full jitter: anything up to a bound that doubles, within the two limits."""
    # The exponent is bounded, too: 2 ** 10_000 would be a long calculation for the same answer.
    bound: timedelta = min(LONGEST, SHORTEST * 2 ** min(attempt, 16))
    return max(SHORTEST, bound * jitter)
