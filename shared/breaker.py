"""Breakers and holds: what stands still, why, and who looks again (design, 4.7). Values alone, no I/O.

A service has one breaker. A source has up to four, since a fault of its filing must not stop its staging, nor
one of what is done in its mailbox afterwards either of them: one for each of the three, and one that stops it
whole. Each is in one state:

    closed ── suspected by three mails, or opened ──► open ──┐
       ├───── held ─────────────────────────────────► held ──┤ both end by a success, or by `resumed`;
       │                                                     │ a hold that asks the operator only so
       └───── paused, from any state ───────────────► paused ┘ ends only by `resumed`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

Kind = Literal["service", "source"]
Scope = Literal["all", "staging", "filing", "mailbox"]
Service = Literal["graph", "vault", "keyvault"]
Step = Literal["staging", "filing", "mailbox"]
State = Literal["closed", "open", "held", "paused"]

SUSPECTS = 3
"""So many different mails, with no success between, open a breaker."""
LEASE = timedelta(seconds=90)
BETWEEN_PROBES = timedelta(minutes=1)
PROVEN_EVERY = timedelta(minutes=10)
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(minutes=5)
_SERVICES: Mapping[Step, tuple[Service, ...]] = {
    "staging": ("keyvault", "graph"),
    "filing": ("keyvault", "vault"),
    "mailbox": ("keyvault", "graph"),
}


class BreakerKey(NamedTuple):
    """Which breaker. `scope` is "all" for a service; for a source, what it stops."""

    kind: Kind
    name: str
    scope: Scope = "all"


KEY_VAULT = BreakerKey("service", "keyvault")


@dataclass(frozen=True)
class Breaker:
    """One breaker. `etag` is empty for one that was not read.

    `suspects` are the filing keys of the mails that met transient faults since the last success. A probe's
    lease and time outlast the state: a breaker that closes and opens again is not probed twice at once.
    `proved` is when a mail, no ping, has last shown that it works, to ten minutes.
    """

    key: BreakerKey
    state: State = "closed"
    suspects: tuple[str, ...] = ()
    since: datetime | None = None
    reason: str = ""
    remedy: str = ""
    asks_operator: bool = False
    probe_owner: str = ""
    probe_until: datetime | None = None
    probed_at: datetime | None = None
    proved: datetime | None = None
    etag: str = ""

    @property
    def is_shut(self) -> bool:
        """Whether messages wait for it."""
        return self.state != "closed"

    @property
    def waits_for_operator(self) -> bool:
        """Whether only `resumed` ends it."""
        return self.state == "paused" or (self.state == "held" and self.asks_operator)


@dataclass(frozen=True)
class Pass:
    """Nothing is shut: go on."""


@dataclass(frozen=True)
class Probe:
    """Look whether this shut breaker can close: ping the service, or try this one mail of the source."""

    breaker: Breaker


@dataclass(frozen=True)
class PutBack:
    """Put the message back until then."""

    until: datetime


Admission = Pass | Probe | PutBack


def waits_for(step: Step, source: str, *, needs_secrets: bool = True) -> tuple[BreakerKey, ...]:
    """What can shut `step` for mail of `source`: services first, in the order in which they are probed.

    A step that needs no secret, as one that a managed identity does, never waits for Key Vault.
    """
    services = (BreakerKey("service", service) for service in _SERVICES[step])
    return (
        *(service for service in services if needs_secrets or service != KEY_VAULT),
        BreakerKey("source", source),
        BreakerKey("source", source, step),
    )


def counts_against(step: Step, key: BreakerKey) -> bool:
    """Whether faults met in `step` may shut it: those of `mailbox` never shut what other steps wait for."""
    return step != "mailbox" or key == BreakerKey("source", key.name, "mailbox")


def admission(
    breakers: Iterable[Breaker], now: datetime, jitter: float, *, holds_secrets: bool = False
) -> Admission:
    """What becomes of a message whose step waits for these breakers; `jitter` is random, from 0 to 1.

    A Probe names the first one that is shut, and only if every one that stops the message may be probed. It
    is no lease yet: see `probing`. After its success ask again, for the next. A worker that `holds_secrets`
    of the step is not stopped by an outage of Key Vault, but looks again like others, and asks again after
    a failure, too: then it may pass.
    """
    shut = [breaker for breaker in breakers if breaker.is_shut]
    stopping = [breaker for breaker in shut if stops(breaker, holds_secrets=holds_secrets)]
    if not all(may_be_probed(breaker, now) for breaker in stopping):
        return put_back(now, jitter)
    probed = next((breaker for breaker in shut if may_be_probed(breaker, now)), None)
    return Pass() if probed is None else Probe(probed)


def stops(breaker: Breaker, *, holds_secrets: bool) -> bool:
    """Whether this shut breaker stops a message; an outage of Key Vault none whose secrets are held.

    A pause of Key Vault is the operator's word, and stops all that need it.
    """
    return not (holds_secrets and breaker.key == KEY_VAULT and breaker.state == "open")


def put_back(now: datetime, jitter: float) -> PutBack:
    """For 1 to 5 minutes; `jitter` is random, from 0 to 1."""
    return PutBack(now + SHORTEST + (LONGEST - SHORTEST) * jitter)


def postponed(first_tried: datetime, delay: timedelta) -> datetime:
    """`first_tried`, after `delay` behind a shut breaker, which does not count against `give-up-after`."""
    return first_tried + delay


def suspected(breaker: Breaker, mail: str, reason: str, now: datetime) -> Breaker:
    """After a transient fault of the mail with this filing key: the third different mail opens it."""
    if breaker.is_shut or mail in breaker.suspects:
        return breaker
    suspects = (*breaker.suspects, mail)
    if len(suspects) < SUSPECTS:
        return replace(breaker, suspects=suspects)
    return replace(_shut(breaker, "open", reason, "", now), suspects=suspects)


def opened(breaker: Breaker, reason: str, now: datetime) -> Breaker:
    """After a fault that opens it at once, such as a secret that is rejected though it was read just now."""
    return breaker if breaker.is_shut else _shut(breaker, "open", reason, "", now)


def held(
    breaker: Breaker, reason: str, remedy: str, now: datetime, *, asks_operator: bool = False
) -> Breaker:
    """After a fault of the configuration. The latest reason stands; a hold that asks goes on asking."""
    if breaker.state == "paused" or (breaker.waits_for_operator and not asks_operator):
        return breaker
    return replace(_shut(breaker, "held", reason, remedy, now), asks_operator=asks_operator)


def paused(breaker: Breaker, reason: str, now: datetime) -> Breaker:
    """By the operator's word, whatever it was before; what waits for an answer goes on waiting for that."""
    if breaker.state == "held" and breaker.asks_operator:
        return breaker
    return _shut(breaker, "paused", reason, "", now)


def resumed(breaker: Breaker) -> Breaker:
    """By the operator's word: closed, whatever had shut it."""
    return _closed(breaker)


def succeeded(breaker: Breaker) -> Breaker:
    """After a success of what it guards: closed, its suspects forgotten, unless it waits for the operator."""
    return breaker if breaker.waits_for_operator else _closed(breaker)


def proven(breaker: Breaker, now: datetime) -> Breaker:
    """After a mail that has used what it guards; noted every ten minutes at most, for it costs a write."""
    if breaker.proved is not None and now - breaker.proved < PROVEN_EVERY:
        return breaker
    return replace(breaker, proved=now)


def may_be_probed(breaker: Breaker, now: datetime) -> bool:
    """Whether a probe may begin: none is under way, and the last one and the fault are a minute past."""
    if not breaker.is_shut or breaker.waits_for_operator:
        return False
    is_leased = breaker.probe_until is not None and now < breaker.probe_until
    rested = all(
        now - time >= BETWEEN_PROBES for time in (breaker.since, breaker.probed_at) if time is not None
    )
    return rested and not is_leased


def probing(breaker: Breaker, owner: str, now: datetime) -> Breaker:
    """Lease the probe to `owner`, a name of this one run; unchanged if it may not be probed now."""
    if not may_be_probed(breaker, now):
        return breaker
    return replace(breaker, probe_owner=owner, probe_until=now + LEASE, probed_at=now)


def is_probed_by(breaker: Breaker, owner: str, now: datetime) -> bool:
    """Whether `owner` has the lease of its probe."""
    return breaker.probe_owner == owner and breaker.probe_until is not None and now < breaker.probe_until


def probe_ended(breaker: Breaker, owner: str, reason: str = "") -> Breaker:
    """Give the lease back, if it is `owner`'s. `reason`, if any, is why an open breaker stays open."""
    if breaker.probe_owner != owner:
        return breaker
    latest = reason if reason and breaker.state == "open" else breaker.reason
    return replace(breaker, probe_owner="", probe_until=None, reason=latest)


def _shut(breaker: Breaker, state: State, reason: str, remedy: str, now: datetime) -> Breaker:
    since = breaker.since if breaker.state == state else now
    return replace(
        breaker, state=state, suspects=(), since=since, reason=reason, remedy=remedy, asks_operator=False
    )


def _closed(breaker: Breaker) -> Breaker:
    return replace(
        breaker, state="closed", suspects=(), since=None, reason="", remedy="", asks_operator=False
    )
