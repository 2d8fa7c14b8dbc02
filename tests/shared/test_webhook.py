"""What Graph sends is acknowledged only when all that it announces is durably queued."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.endpoint import Answer, Refusal
from shared.errors import Unavailable
from shared.identities import client_state
from shared.progress import Progress
from shared.queue_messages import LIFECYCLE_EVENT, MAIL_ARRIVED, Message
from shared.queues import Queues
from shared.secret_store import SecretStore, SecretVersion, Versions
from shared.webhook import LONGEST_WAIT, Webhook

from .accounts import Stores
from .clock import NOON, FakeClock
from .made import source

pytestmark = pytest.mark.anyio
KEY = "a key"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Secrets(SecretStore):
    """Gives versions of the key, or raises; slowly, if told so. `newer` is what there is when read anew."""

    def __init__(
        self,
        fault: Exception | None = None,
        seconds: float = 0.0,
        keys: tuple[str, ...] = (KEY,),
        newer: tuple[str, ...] | None = None,
    ) -> None:
        self._fault, self._seconds = fault, seconds
        self._keys, self._newer = keys, newer or keys
        self.read_anew = 0

    async def versions(self, name: str) -> Versions:
        await asyncio.sleep(self._seconds)
        if self._fault is not None:
            raise self._fault
        assert name == "notification-key"
        return tuple(SecretVersion(key, key) for key in self._keys)

    async def versions_other_than(self, name: str, rejected: Versions) -> Versions:
        assert (name, rejected) == ("notification-key", await self.versions(name))
        self.read_anew += 1
        return tuple(SecretVersion(key, key) for key in self._newer)


class SpoiledQueues(Queues):
    """The queues, where the messages that match do something else."""

    def __init__(
        self,
        stores: Stores,
        matches: Callable[[Message], bool],
        instead: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(stores.queue_service)
        self._matches, self._instead = matches, instead

    async def send(self, queue: str, message: Message, *, delay: int = 0) -> None:
        if self._matches(message):
            await self._instead()
        await super().send(queue, message, delay=delay)


class AskedQueues(Queues):
    """The queues, which count how often they are asked anything."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores.queue_service)
        self.times = 0

    async def send_text(self, queue: str, text: str, *, delay: int = 0) -> None:
        self.times += 1
        await super().send_text(queue, text, delay=delay)

    async def oldest_visible(self, queue: str) -> datetime | None:
        self.times += 1
        return await super().oldest_visible(queue)


def webhook(queues: Queues, secrets: SecretStore | None = None, clock: FakeClock | None = None) -> Webhook:
    sources = {name: source(name) for name in ("invoices", "orders")}
    clock = clock or FakeClock()
    return Webhook(sources, queues, secrets or Secrets(), clock, Progress(clock.monotonic))


def mail(message: str, name: str = "invoices", **changed: Any) -> dict[str, Any]:
    """The notification of a message."""
    return {
        "subscriptionId": "0fc0d6db-0073-42e5-a186-853da75fb308",
        "clientState": client_state(name, KEY),
        "changeType": "created",
        "resourceData": {"id": message},
        **changed,
    }


def lifecycle(event: str, name: str = "invoices") -> dict[str, Any]:
    return {
        "subscriptionId": "0fc0d6db-0073-42e5-a186-853da75fb308",
        "clientState": client_state(name, KEY),
        "lifecycleEvent": event,
    }


def body(*items: Any) -> bytes:
    return json.dumps({"value": items}).encode()


def facts_of(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """What the events of one kind say."""
    return [vars(one)["facts"] for one in caplog.records if getattr(one, "event", "") == event]


async def failing() -> None:
    raise Unavailable("queue mail-arrived: storage answered 503")


async def test_a_batch_gives_as_many_messages_as_it_has_items(stores: Stores) -> None:
    items = [mail(f"AAA{number}", ("invoices", "orders")[number % 2]) for number in range(25)]

    answer = await webhook(stores.queues).take(body(*items))

    assert answer is Answer.QUEUED
    assert int(answer) == 202
    found = {(one["source"], one["message"]) for one in await stores.visible(MAIL_ARRIVED)}
    assert found == {(("invoices", "orders")[number % 2], f"AAA{number}") for number in range(25)}
    assert await stores.number(MAIL_ARRIVED) == 25


async def test_a_message_says_all_that_staging_needs(stores: Stores) -> None:
    await webhook(stores.queues).take(body(mail("AAA=")))

    (found,) = await stores.visible(MAIL_ARRIVED)
    assert found.pop("traceparent").startswith("00-")
    assert found == {
        "v": 1,
        "source": "invoices",
        "revived": 0,
        "message": "AAA=",
        "cause": "notification",
        "noticed": NOON.isoformat(),
    }


async def test_a_trace_goes_on(stores: Stores) -> None:
    """Each message is a span of its own in the trace that Graph's request was in."""
    await webhook(stores.queues).take(body(mail("AAA1"), mail("AAA2"), lifecycle("missed")), TRACE)

    found = await stores.visible(MAIL_ARRIVED) + await stores.visible(LIFECYCLE_EVENT)
    traces = [one["traceparent"].split("-") for one in found]
    assert {trace[1] for trace in traces} == {TRACE.split("-")[1]}
    assert len({trace[2] for trace in traces} | {TRACE.split("-")[2]}) == 4


@pytest.mark.parametrize("trace", [None, "", "nonsense", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
async def test_without_a_usable_trace_one_begins(stores: Stores, trace: str | None) -> None:
    await webhook(stores.queues).take(body(mail("AAA=")), trace)

    (found,) = await stores.visible(MAIL_ARRIVED)
    assert len(found["traceparent"]) == len(TRACE)


@pytest.mark.parametrize("event", ["missed", "subscriptionRemoved", "reauthorizationRequired"])
async def test_lifecycle_events_have_a_queue_of_their_own(stores: Stores, event: str) -> None:
    answer = await webhook(stores.queues).take(body(lifecycle(event, "orders"), mail("AAA=")))

    assert answer is Answer.QUEUED
    (found,) = await stores.visible(LIFECYCLE_EVENT)
    assert (found["source"], found["event"]) == ("orders", event)
    assert found["subscription"] == "0fc0d6db-0073-42e5-a186-853da75fb308"
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_items_without_proof_are_dropped_and_the_rest_is_queued(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vaultpost")
    forged = mail("AAA1", clientState=client_state("invoices", "another key"))

    answer = await webhook(stores.queues).take(body(forged, mail("AAA2", "vanished"), mail("AAA3"), 7))

    assert answer is Answer.QUEUED
    assert [one["message"] for one in await stores.visible(MAIL_ARRIVED)] == ["AAA3"]
    dropped = {facts["why"]: facts["times"] for facts in facts_of(caplog, "notifications-dropped")}
    assert dropped == {"client-state": 1, "unknown-source": 1, "malformed": 1}
    assert facts_of(caplog, "notifications-queued") == [{"mails": 1, "lifecycle": 0, "queued": 1}]


async def test_what_was_signed_with_either_version_of_the_key_is_queued(stores: Stores) -> None:
    """While the key is changed, notifications come with both."""
    secrets = Secrets(keys=("the new key", KEY))
    new = mail("AAA2", clientState=client_state("invoices", "the new key"))

    assert await webhook(stores.queues, secrets).take(body(mail("AAA1"), new)) is Answer.QUEUED

    assert {one["message"] for one in await stores.visible(MAIL_ARRIVED)} == {"AAA1", "AAA2"}
    assert secrets.read_anew == 0


async def test_a_client_state_of_an_unknown_key_has_the_key_read_anew(stores: Stores) -> None:
    """Another worker has seen the new key first. Nothing is queued twice."""
    secrets = Secrets(newer=("the new key", KEY))
    new = mail("AAA2", clientState=client_state("invoices", "the new key"))
    forged = mail("AAA3", clientState=client_state("invoices", "another key"))

    assert await webhook(stores.queues, secrets).take(body(mail("AAA1"), new, forged)) is Answer.QUEUED

    assert sorted(one["message"] for one in await stores.visible(MAIL_ARRIVED)) == ["AAA1", "AAA2"]
    assert secrets.read_anew == 1


async def test_nothing_to_queue_is_acknowledged(stores: Stores) -> None:
    assert await webhook(stores.queues).take(body()) is Answer.QUEUED
    assert await stores.number(MAIL_ARRIVED) == 0


@pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b'{"value": {}}', b"\xff\xfe", b"[" * 10_000])
async def test_what_is_no_collection_is_400(stores: Stores, wrong: bytes) -> None:
    assert int(await webhook(stores.queues).take(wrong)) == 400
    assert await stores.number(MAIL_ARRIVED) == 0


async def test_one_of_many_that_is_not_queued_is_503(stores: Stores) -> None:
    """Graph sends all of them again; the others may be queued twice, which does no harm."""
    queues = SpoiledQueues(stores, lambda message: getattr(message, "message", "") == "AAA2", failing)

    answer = await webhook(queues).take(body(mail("AAA1"), mail("AAA2"), mail("AAA3")))

    assert int(answer) == 503


async def test_a_batch_that_was_queued_in_part_goes_on_when_it_comes_again(stores: Stores) -> None:
    """Else a batch that 2.5 s cannot hold would be queued anew, in part, at each repetition."""
    spoiled = ["AAA2"]
    queues = SpoiledQueues(stores, lambda message: getattr(message, "message", "") in spoiled, failing)
    hook = webhook(queues)
    batch = body(mail("AAA1"), mail("AAA2"), mail("AAA3"))

    assert await hook.take(batch) is Answer.AGAIN_PLEASE
    spoiled.clear()
    assert await hook.take(batch) is Answer.QUEUED

    found = [one["message"] for one in await stores.visible(MAIL_ARRIVED)]
    assert sorted(found) == ["AAA1", "AAA2", "AAA3"]


async def test_an_acknowledged_mail_is_not_queued_again_for_ten_seconds(stores: Stores) -> None:
    """Whoever repeats a true body queues nothing; who repeats it for ever, one message in ten seconds."""
    clock = FakeClock()
    hook = webhook(stores.queues, clock=clock)
    for _ in range(25):
        assert await hook.take(body(mail("AAA1"), mail("AAA1"))) is Answer.QUEUED
        clock.advance(seconds=1)

    assert await stores.number(MAIL_ARRIVED) == 3


async def test_another_mail_or_the_same_of_another_source_is_queued_at_once(stores: Stores) -> None:
    hook = webhook(stores.queues)
    for item in (mail("AAA1"), mail("AAA2"), mail("AAA1", "orders"), mail("AAa1")):
        await hook.take(body(item))

    assert await stores.number(MAIL_ARRIVED) == 4


async def test_an_acknowledged_event_is_not_queued_again_for_a_minute(stores: Stores) -> None:
    clock = FakeClock()
    hook = webhook(stores.queues, clock=clock)
    events = [lifecycle("missed"), lifecycle("reauthorizationRequired")]
    for _ in range(3):
        assert await hook.take(body(*events)) is Answer.QUEUED
        clock.advance(seconds=29)
    assert await stores.number(LIFECYCLE_EVENT) == 2
    clock.advance(seconds=3)
    assert await hook.take(body(*events)) is Answer.QUEUED

    assert await stores.number(LIFECYCLE_EVENT) == 4


async def test_what_was_not_acknowledged_is_no_repetition(stores: Stores) -> None:
    """Nothing counts as queued but what a queue has taken."""
    spoiled = ["AAA1"]
    queues = SpoiledQueues(stores, lambda message: getattr(message, "message", "") in spoiled, failing)
    hook = webhook(queues)
    for _ in range(3):
        assert await hook.take(body(mail("AAA1"))) is Answer.AGAIN_PLEASE
    spoiled.clear()

    assert await hook.take(body(mail("AAA1"))) is Answer.QUEUED
    assert await stores.number(MAIL_ARRIVED) == 1


async def test_repetitions_that_are_remembered_are_bounded(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.progress.MOST_REPEATS", 2)
    hook = webhook(stores.queues)
    for _ in range(2):
        await hook.take(body(*(mail(f"AAA{number}") for number in range(5))))

    assert await stores.number(MAIL_ARRIVED) == 8


async def test_a_copy_of_an_old_body_queues_nothing(stores: Stores) -> None:
    clock = FakeClock()
    hook = webhook(stores.queues, clock=clock)
    end = (NOON + timedelta(days=1)).isoformat()
    copy = body(
        *({**item, "subscriptionExpirationDateTime": end} for item in (mail("AAA1"), lifecycle("missed")))
    )
    for _ in range(10):
        assert await hook.take(copy) is Answer.QUEUED
        clock.advance(days=1)

    assert (await stores.number(MAIL_ARRIVED), await stores.number(LIFECYCLE_EVENT)) == (2, 2)


async def test_what_was_queued_in_part_is_forgotten_after_a_while(stores: Stores) -> None:
    """It may be of a new event by then."""
    clock, spoiled = FakeClock(), ["AAA2"]
    queues = SpoiledQueues(stores, lambda message: getattr(message, "message", "") in spoiled, failing)
    hook = webhook(queues, clock=clock)
    await hook.take(body(mail("AAA1"), mail("AAA2")))
    clock.advance(minutes=11)
    spoiled.clear()

    assert await hook.take(body(mail("AAA1"), mail("AAA2"))) is Answer.QUEUED

    assert await stores.number(MAIL_ARRIVED) == 3


async def test_what_is_remembered_is_bounded(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.progress.LARGEST", 2)
    queues = SpoiledQueues(stores, lambda message: getattr(message, "message", "") == "BAD", failing)
    hook = webhook(queues)
    await hook.take(body(*(mail(f"AAA{number}") for number in range(5)), mail("BAD")))

    await hook.take(body(*(mail(f"AAA{number}") for number in range(5)), mail("BAD")))

    assert await stores.number(MAIL_ARRIVED) == 8


async def test_a_lifecycle_event_that_is_not_queued_is_503(stores: Stores) -> None:
    queues = SpoiledQueues(stores, lambda message: hasattr(message, "event"), failing)

    assert await webhook(queues).take(body(mail("AAA1"), lifecycle("missed"))) is Answer.AGAIN_PLEASE


async def test_storage_that_does_not_answer_is_503(down: Stores) -> None:
    assert await webhook(down.queues).take(body(mail("AAA="))) is Answer.AGAIN_PLEASE


async def test_without_the_key_nothing_can_be_judged_and_it_is_503(stores: Stores) -> None:
    """400 or 202 would lose the mail: Graph does not send those again."""
    secrets = Secrets(Unavailable("Key Vault did not give secret notification-key"))

    assert await webhook(stores.queues, secrets).take(body(mail("AAA="))) is Answer.AGAIN_PLEASE
    assert await stores.number(MAIL_ARRIVED) == 0


@pytest.mark.parametrize("slow", ["queue", "key vault"])
async def test_what_is_too_slow_for_graph_is_503(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    """Graph calls an endpoint slow after 3 seconds; ours says no after 2.5."""
    assert LONGEST_WAIT == 2.5
    monkeypatch.setattr("shared.webhook.LONGEST_WAIT", 0.1)
    queues: Queues = stores.queues
    if slow == "queue":
        queues = SpoiledQueues(stores, lambda _: True, lambda: asyncio.sleep(30))
    secrets = Secrets(seconds=30 if slow == "key vault" else 0)

    async with asyncio.timeout(15):
        assert await webhook(queues, secrets).take(body(mail("AAA="))) is Answer.AGAIN_PLEASE

    assert await stores.number(MAIL_ARRIVED) == 0


async def test_the_log_says_why_and_holds_nothing_of_the_mail(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    queues = SpoiledQueues(stores, lambda _: True, failing)
    hook = webhook(queues)

    await hook.take(body(mail("AAAsecret=")))
    await hook.take(b'{"value": "AAAsecret="}')
    hook.refuse(Refusal(Answer.TOO_LARGE, "too large"))

    events = [getattr(record, "event", "") for record in caplog.records]
    assert events == ["notifications-not-queued", "request-refused", "request-refused"]
    assert "AAAsecret=" not in caplog.text


class Counting(Secrets):
    """Counts how often the key is asked for: the store itself keeps it."""

    asked = 0

    async def versions(self, name: str) -> Versions:
        self.asked += 1
        return await super().versions(name)


HOSTILE = [
    (body(mail("AAA1", clientState="invoices.forged")), 202),
    (body(mail("AAA1", clientState=client_state("invoices", "another key"))), 202),
    (body(mail("AAA1", "vanished")), 202),
    (body(7, None, {}), 202),
    (body(), 202),
    (b"{", 400),
    (b"[" * 100_000, 400),
]


async def test_a_flood_of_what_is_forged_queues_nothing_and_fills_no_log(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does it cost a request to the queue for each: seven kinds, five seconds between the rounds."""
    caplog.set_level("INFO", "vaultpost")
    clock, asked = FakeClock(), AskedQueues(stores)
    hook = webhook(asked, clock=clock)
    for _ in range(24):
        for hostile, status in HOSTILE * 5:
            assert int(await hook.take(hostile)) == status
        clock.advance(seconds=5)

    assert await stores.number(MAIL_ARRIVED) == await stores.number(LIFECYCLE_EVENT) == 0
    assert asked.times == 12
    assert len(caplog.records) == 2 * len(
        ("client-state", "unknown-source", "malformed", "not JSON", "no object")
    )
    told = [
        facts["times"] for facts in facts_of(caplog, "notifications-dropped") if facts["why"] == "malformed"
    ]
    assert told == [2, 2 * 12 * 5 - 2]


async def test_what_is_no_collection_costs_no_look_at_key_vault(stores: Stores) -> None:
    secrets = Counting(Unavailable("Key Vault did not give secret notification-key"))
    hook = webhook(stores.queues, secrets)

    assert await hook.take(b"{") is Answer.NOT_A_COLLECTION
    assert secrets.asked == 0


@pytest.mark.parametrize("fault", ["none", "queue", "key vault"])
async def test_the_answer_does_not_tell_a_forged_item_from_a_true_one(
    stores: Stores, down: Stores, fault: str
) -> None:
    """Whether all is well, or the queue or Key Vault is down, and in whatever order they come."""
    clock = FakeClock()
    no_key = Unavailable("Key Vault did not give secret notification-key")
    secrets = Secrets(no_key if fault == "key vault" else None)
    hook = webhook(down.queues if fault == "queue" else stores.queues, secrets, clock)
    true, repeated = body(mail("AAA1"), lifecycle("missed")), body(mail("AAA1"))
    end = (NOON - timedelta(days=9)).isoformat()
    others = [hostile for hostile, status in HOSTILE if status == 202]
    others += [body(mail("AAA1", subscriptionExpirationDateTime=end)), body(mail("no id"))]

    answers = {await hook.take(one) for one in [*others, true, repeated, *others, true]}
    clock.advance(minutes=1)
    answers |= {await hook.take(one) for one in [true, *others]}

    assert answers == {Answer.QUEUED if fault == "none" else Answer.AGAIN_PLEASE}


async def test_a_fault_that_everyone_meets_is_one_event_a_minute(
    stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    hook = webhook(
        stores.queues, Secrets(Unavailable("Key Vault did not give secret notification-key")), clock
    )
    for _ in range(120):
        assert await hook.take(body({})) is Answer.AGAIN_PLEASE
        clock.advance(seconds=1)

    assert [facts["times"] for facts in facts_of(caplog, "notifications-not-queued")] == [1, 59]
