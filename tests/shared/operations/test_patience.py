"""A service that stumbles is waited for; one that was never there is not."""

from __future__ import annotations

import pytest

from shared.errors import ConfigurationFault, Transient, Unavailable, VaultpostError
from shared.operations.patience import LONGEST_WAIT, TRIES, Patience

pytestmark = pytest.mark.anyio


class Service:
    """Answers so, one after the other."""

    def __init__(self, *answers: VaultpostError | str) -> None:
        self.answers = list(answers)
        self.slept: list[float] = []
        self.patience = Patience(self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def answer(self) -> str:
        answer = self.answers.pop(0)
        if isinstance(answer, VaultpostError):
            raise answer
        return answer

    async def ask(self) -> str:
        return await self.patience.with_(self.answer)


def down(after: float | None = None) -> Unavailable:
    return Unavailable("down", after=after, origin="graph")


async def test_it_waits_longer_each_time_and_as_long_as_it_is_asked_to() -> None:
    service = Service("first", down(), down(), down(after=9.0), "second")

    assert [await service.ask(), await service.ask()] == ["first", "second"]
    assert service.slept == [1.0, 2.0, 9.0]


async def test_it_does_not_wait_for_ever() -> None:
    service = Service("first", *[down(after=1e9)] * TRIES)
    await service.ask()

    with pytest.raises(Unavailable):
        await service.ask()

    assert service.slept == [LONGEST_WAIT] * (TRIES - 1)


async def test_a_service_that_never_answered_is_not_waited_for() -> None:
    service = Service(down())

    with pytest.raises(Unavailable):
        await service.ask()

    assert service.slept == []


async def test_one_that_asks_to_wait_is_there() -> None:
    service = Service(down(after=2.5), "first")

    assert await service.ask() == "first"
    assert service.slept == [2.5]


@pytest.mark.parametrize(
    "fault", [ConfigurationFault("No.", "Mend it."), Transient("refused", rejected=True)], ids=str
)
async def test_what_waiting_does_not_mend_is_raised_at_once(fault: VaultpostError) -> None:
    service = Service("first", fault)
    await service.ask()

    with pytest.raises(type(fault)):
        await service.ask()

    assert service.slept == []


async def test_what_was_answered_without_the_service_proves_nothing() -> None:
    service = Service("of our own", down())
    await service.patience.with_(service.answer, proves=False)

    with pytest.raises(Unavailable):
        await service.ask()

    assert service.slept == []
