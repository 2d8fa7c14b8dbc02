"""An outage is not a failure (design, section 2): it costs no mail, and what is down is left in peace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise

import pytest

from shared.breaker import BreakerKey, Service
from shared.configuration import duration
from shared.errors import Transient
from shared.retrying import LEAST_ATTEMPTS
from tests.protocol.simulated import FaultMaker
from tests.protocol.worker import Worker
from tests.protocol.world import World, configured

pytestmark = pytest.mark.anyio
MAILS, LASTS = 500, timedelta(hours=72)
FEWER, A_DAY = 100, timedelta(hours=24)
"""In the suite, which has to end."""
BACK_WITHIN = timedelta(minutes=10)
SEEN_BY_ALL = timedelta(seconds=6)
"""A worker knows what the breakers were 5 seconds ago; polling comes to it."""


def no_token() -> Transient:
    """As `shared.graph.faults` raises it when the token endpoint answers 503."""
    return Transient("Entra ID gave no token for Graph (HttpResponseError)", origin="graph")


def secret_expired() -> Transient:
    """As `shared.graph.faults` raises it for a client secret that Entra ID refuses."""
    return Transient("Entra ID gave no token for Graph (AADSTS7000222)", origin="graph", rejected=True)


OUTAGES = [
    pytest.param("vault", None, "staged", id="vault"),
    pytest.param("graph", None, "arrived", id="graph"),
    pytest.param("graph", no_token, "arrived", id="token endpoint"),
    pytest.param("keyvault", None, "arrived", id="key vault"),
]


def evenly(number: int, lasts: timedelta) -> Iterator[timedelta]:
    """So many mails, from the first second to the last."""
    return (lasts * (one / number) for one in range(number))


def over_a_weekend(number: int, lasts: timedelta) -> Iterator[timedelta]:
    """A few evenly, the others in the last two hours: as long a wait, for fewer turns."""
    early, rush = max(25, number // 20), timedelta(hours=2)
    yield from evenly(early, lasts - rush)
    yield from (lasts - rush + late for late in evenly(number - early, rush))


class Outage:
    """A service that is down while mail arrives, and three instances of the app that share the work."""

    def __init__(self, give_up_after: str, service: Service, fault: FaultMaker | None = None) -> None:
        self.world = World(composition=configured(give_up_after=give_up_after, invoices="CL.Invoice"))
        self.service: Service = service
        self.world.outages.begin(service, fault)
        self._workers = [self.world.worker() for _ in range(3)]

    async def run(self, lasts: timedelta, arrivals: Iterator[timedelta]) -> None:
        """Let mails come at these times after the beginning, until it has lasted so long."""
        began = self.world.clock.now()
        for arrival in arrivals:
            await self.work_until(began + arrival)
            await self.world.announce(self.world.mail())
        await self.work_until(began + lasts)

    async def work_until(self, end: datetime) -> None:
        """Take what is visible, until that time."""
        while self.world.clock.now() < end:
            await self._turn(self._workers)
            self.world.advance(end)

    async def end(self) -> timedelta:
        """The service is back; answers how long it took until nothing was left to do."""
        began = self.world.clock.now()
        self.world.outages.end(self.service)
        while not await self.world.is_quiet() and self.world.clock.now() - began < timedelta(days=1):
            await self._turn(self._workers)
            self.world.advance(began + timedelta(days=1))
        return self.world.clock.now() - began

    async def _turn(self, workers: list[Worker]) -> None:
        """Batches of the queues at once, as hosts take them."""
        while messages := await self.world.visible():
            shares = zip(cycle(workers), messages, strict=False)
            await asyncio.gather(*(worker.take(message) for worker, message in shares))
        await self.world.watch(workers[0])

    async def opened(self) -> datetime:
        """Since when the breaker is open."""
        breaker = (await self.world.breakers.read_all())[BreakerKey("service", self.service)]
        assert breaker.state == "open"
        assert breaker.since is not None
        return breaker.since

    def probes(self, since: datetime) -> list[datetime]:
        """The calls that met it since then."""
        assert {service for service, _ in self.world.outages.refused} == {self.service}
        return [at for _, at in self.world.outages.refused if at > since]


@pytest.mark.parametrize(("service", "fault", "state"), OUTAGES)
async def test_three_days_without_a_service_cost_no_mail(
    service: Service, fault: FaultMaker | None, state: str, give_up_after: str, pytestconfig: pytest.Config
) -> None:
    """All mails: none failed or poisoned, one probe a minute at most, all filed 10 minutes after its return.

    With `--long` they come evenly: thirteen times as many turns. Without it, a day does.
    """
    is_long = pytestconfig.getoption("--long")
    if fault is not None and not is_long:
        pytest.skip("to the app it is as if Graph were down: with --long")
    outage = Outage(give_up_after, service, fault)
    began = outage.world.clock.now()
    arriving = evenly if is_long else over_a_weekend
    mails, lasts = (MAILS, LASTS) if is_long else (FEWER, A_DAY)
    await outage.run(lasts, arriving(mails, lasts))

    assert await outage.world.states() == {state: mails}
    assert len(outage.world.queues.messages()) == mails, "one message for each mail: copies multiply nothing"
    opened = await outage.opened()
    assert opened <= began + lasts / 12, "three mails have met it by then"
    probes = outage.probes(opened + SEEN_BY_ALL)
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(probes))
    assert len(probes) > lasts / timedelta(minutes=7), "it is asked again and again"
    assert await outage.end() <= BACK_WITHIN
    assert outage.world.poisoned == 0
    await outage.world.assert_well()


@pytest.mark.parametrize(("service", "fault", "state"), OUTAGES)
async def test_a_mail_that_is_alone_in_an_outage_of_five_days_is_not_given_up(
    service: Service, fault: FaultMaker | None, state: str, give_up_after: str
) -> None:
    """Alone it opens no breaker: what spares it after `give-up-after` is that the service is asked first."""
    outage, patience = Outage(give_up_after, service, fault), duration(give_up_after)
    await outage.run(patience * 5 / 3, iter([timedelta()]))

    assert await outage.world.states() == {state: 1}
    assert len(outage.world.queues.messages()) == 1
    assert await outage.opened() > outage.world.clock.now() - patience * 2 / 3 - timedelta(hours=1)
    assert await outage.end() <= BACK_WITHIN
    await outage.world.assert_well()


async def test_a_secret_that_has_expired_is_tried_by_one_mail_and_waited_for(give_up_after: str) -> None:
    outage, patience = Outage(give_up_after, "graph", secret_expired), duration(give_up_after)
    await outage.run(patience * 4 / 3, evenly(5, patience / 3))

    assert await outage.world.states() == {"arrived": 5}
    probes = outage.probes(datetime.min.replace(tzinfo=UTC))
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in pairwise(probes))
    assert await outage.end() <= BACK_WITHIN
    await outage.world.assert_well()


async def test_days_behind_an_open_breaker_leave_a_mail_its_three_days_of_trying(
    monkeypatch: pytest.MonkeyPatch, give_up_after: str
) -> None:
    """`first_tried` moves on meanwhile (design, 4.7): a fault of the mail alone then has its whole time."""
    outage, patience = Outage(give_up_after, "vault"), duration(give_up_after)
    await outage.run(patience * 4 / 3, evenly(3, timedelta(seconds=3)))
    world = outage.world

    async def failing() -> None:
        raise Transient("a fault of this mail")

    monkeypatch.setattr(world.vault, "before_create", failing)
    world.outages.end("vault")
    await outage.work_until(world.clock.now() + patience * 2 / 3)

    assert await world.states() == {"staged": 3}
    assert all([(await world.row(message)).attempt > LEAST_ATTEMPTS for message in world.announced])
    monkeypatch.undo()
    await outage.end()
    await world.assert_well()
