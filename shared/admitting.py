"""The gate before each step: breakers and holds let a mail pass, or learn from what it met (design, 4.7)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from shared.breaker import (
    KEY_VAULT,
    Breaker,
    BreakerKey,
    Pass,
    Probe,
    PutBack,
    Service,
    Step,
    counts_against,
    held,
    opened,
    probe_ended,
    proven,
    put_back,
    stops,
    succeeded,
    suspected,
    waits_for,
)
from shared.breaker_table import Breakers
from shared.clock import Clock
from shared.errors import ConfigurationFault, Origin, Stale, Transient, VaultpostError
from shared.log import Events
from shared.pinging import Ping, outage
from shared.secret_faults import SecretFault, is_taken_away
from shared.step_secrets import NoSecretsKept, StepSecrets

_PINGED: Mapping[Origin, Service] = {
    "graph": "graph",
    "mailbox": "graph",
    "vault": "vault",
    "keyvault": "keyvault",
}


@dataclass(frozen=True)
class Turn:
    """One run of a step for the mail with that filing key; `owner` is a name of this run alone."""

    step: Step
    source: str
    key: str
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def own_breaker(self) -> BreakerKey:
        """That of the step for the source."""
        return waits_for(self.step, self.source)[-1]

    @property
    def log(self) -> Events:
        """Events of this run."""
        return Events("queues", step=self.step, source=self.source, key=self.key)


@dataclass(frozen=True)
class Gate:
    """Stands before the steps; `jitter` gives random numbers from 0 to 1, `secrets` what this worker keeps.

    All raise Unavailable when the breakers cannot be read or written.
    """

    breakers: Breakers
    ping: Ping
    clock: Clock
    jitter: Callable[[], float]
    secrets: StepSecrets = field(default_factory=NoSecretsKept)

    async def admit(self, turn: Turn) -> PutBack | None:
        """None if the mail may go on: nothing is shut, or it is the probe of its source.

        An open service is pinged first, by one mail at a time. A mail whose secrets this worker holds goes
        on while Key Vault is down.
        """
        while True:
            holds = self.secrets.holds(turn.step)
            try:
                answer = await self.breakers.admit(
                    turn.step,
                    turn.source,
                    turn.owner,
                    self.jitter(),
                    needs_secrets=self.secrets.needs(turn.step),
                    holds_secrets=holds,
                )
            except Stale:
                return self.put_back()
            match answer:
                case PutBack():
                    return answer
                case Probe(breaker) if breaker.key.kind == "service":
                    is_up = await self._closes(breaker.key, turn)
                    if not is_up and stops(breaker, holds_secrets=holds):
                        return self.put_back()
                case Pass() | Probe():
                    return None

    def put_back(self) -> PutBack:
        """Until when a mail waits whose step is shut."""
        return put_back(self.clock.now(), self.jitter())

    async def passed(self, turn: Turn, *, used_service: bool) -> None:
        """The mail has met no fault: what it has used works."""

        def learn(breaker: Breaker) -> Breaker:
            # Secrets that are kept serve on while Key Vault is down: that is no proof of its return.
            is_proved = used_service and not (breaker.key == KEY_VAULT and breaker.is_shut)
            learnt = succeeded(breaker) if is_proved else breaker
            counts = is_proved and (breaker.key.kind == "service" or breaker.key == turn.own_breaker)
            return probe_ended(proven(learnt, now) if counts else learnt, turn.owner)

        now = self.clock.now()
        for key in self._waits_for(turn):
            await self._change(turn, key, learn)

    async def met(self, turn: Turn, fault: VaultpostError) -> None:
        """The mail has met this fault: what it is of may open, or is held."""
        match fault:
            case ConfigurationFault():
                await self._hold(turn, fault)
            case Transient():
                await self._suspect(turn, fault)
        for key in self._waits_for(turn):
            if key.kind == "source":
                await self._change(turn, key, lambda breaker: probe_ended(breaker, turn.owner, str(fault)))

    async def is_down(self, turn: Turn, fault: Transient) -> bool:
        """Whether what the fault is of is down now, or the mailbox throttled; its breaker is open then.

        Asked before a mail is given up: one that is alone opens no breaker.
        """
        service, key = _PINGED.get(fault.origin), _blamed(turn, fault)
        if service is None or key is None:
            return False
        why = await outage(self.ping, service, turn.step, turn.source)
        if why is None:
            return False
        await self._open(turn, _blamed(turn, why) or key, why)
        return True

    async def has_worked(self, turn: Turn, fault: Transient, since: datetime) -> bool:
        """Whether another mail has shown since then that what the fault is of works: a ping proves little.

        Without that a mail is not given up: it may be the service that cannot take mail. What is of no
        service is of the mail.
        """
        key = _blamed(turn, fault)
        if key is None:
            return True
        breaker = (await self.breakers.all(fresh=True)).get(key)
        return breaker is not None and breaker.proved is not None and breaker.proved >= since

    def _waits_for(self, turn: Turn) -> tuple[BreakerKey, ...]:
        return waits_for(turn.step, turn.source, needs_secrets=self.secrets.needs(turn.step))

    async def _closes(self, key: BreakerKey, turn: Turn) -> bool:
        """Probe a service, and give the lease back."""
        why = await outage(self.ping, cast(Service, key.name), turn.step, turn.source)
        is_up = why is None or why.origin == "mailbox"

        def learn(breaker: Breaker) -> Breaker:
            if is_up:
                return probe_ended(succeeded(breaker), turn.owner)
            return probe_ended(breaker, turn.owner, str(why))

        await self._change(turn, key, learn)
        return is_up

    async def _hold(self, turn: Turn, fault: ConfigurationFault) -> None:
        key, now = turn.own_breaker, self.clock.now()
        if await self._change(turn, key, lambda breaker: held(breaker, fault.reason, fault.remedy, now)):
            turn.log.failure("source-held", why=fault.reason, remedy=fault.remedy)

    async def _suspect(self, turn: Turn, fault: Transient) -> None:
        key, now = _blamed(turn, fault), self.clock.now()
        if key is None:
            return
        if fault.rejected:
            await self._open(turn, key, fault)
        elif await self._change(turn, key, lambda breaker: suspected(breaker, turn.key, str(fault), now)):
            self._say_opened(turn, key, fault)

    async def _open(self, turn: Turn, key: BreakerKey, fault: Transient) -> None:
        now = self.clock.now()
        if await self._change(turn, key, lambda breaker: opened(breaker, str(fault), now)):
            self._say_opened(turn, key, fault)

    @staticmethod
    def _say_opened(turn: Turn, key: BreakerKey, fault: Transient) -> None:
        turn.log.failure("breaker-opened", breaker=".".join(key), why=str(fault))

    async def _change(self, turn: Turn, key: BreakerKey, transition: Callable[[Breaker], Breaker]) -> bool:
        """Apply a transition; whether that has shut the breaker, or shut it in another way."""
        states = []

        def noted(breaker: Breaker) -> Breaker:
            states.append(breaker.state)
            return transition(breaker)

        try:
            after = await self.breakers.change(key, noted)
        except Stale as error:
            # Others write it all the time: the next mail tells what this one has met.
            turn.log.warning("breaker-not-changed", breaker=".".join(key), why=str(error))
            return False
        return after.is_shut and after.state != states[-1]


def _blamed(turn: Turn, fault: Transient) -> BreakerKey | None:
    """The breaker that a fault counts against, if any: storage has none.

    What the step may not shut, it leaves open, and stops itself for the source. So does a secret that a
    person has taken away: Key Vault itself is up, and other steps need other secrets.
    """
    if fault.origin not in _PINGED:
        return None
    service = BreakerKey("service", fault.origin)
    is_its_own = (
        fault.origin == "mailbox"
        or not counts_against(turn.step, service)
        or (isinstance(fault, SecretFault) and is_taken_away(fault))
    )
    return turn.own_breaker if is_its_own else service
