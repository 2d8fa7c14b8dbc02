"""Secrets out of Key Vault, with the real client: read when needed, kept, served on while it is down."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from sandbox.box import Sandbox
from shared import secret_cache
from shared.errors import Unavailable
from shared.secret_cache import AGAIN_AFTER, FAULT_KEPT_FOR, KEPT_FOR, LONGEST_READ
from shared.secret_faults import SecretFault
from shared.secret_reading import MOST_FORMER, SERVES_ON_FOR
from shared.secret_store import SecretStore, SecretVersion
from shared.services import Services
from shared.webhook import LONGEST_WAIT

from .clock import NOON, FakeClock
from .key_vault import KeyVault

pytestmark = pytest.mark.anyio
NAME = "mfiles-password"


@pytest.fixture
def secrets(services: Services, key_vault: KeyVault, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    monkeypatch.setattr(secret_cache, "LONGEST_READ", 0.2)
    key_vault.secrets.set(NAME, "first")
    return services.secrets


async def test_a_secret_is_read_once_and_kept_for_15_minutes(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    assert await secrets.get(NAME) == "first"
    key_vault.secrets.set(NAME, "second")
    clock.advance(seconds=KEPT_FOR - 1)
    assert await secrets.get(NAME) == "first"
    assert key_vault.reads[NAME] == 1

    clock.advance(seconds=1)

    assert await secrets.get(NAME) == "second"
    assert key_vault.reads[NAME] == 2
    assert KEPT_FOR == 15 * 60


async def test_secrets_are_kept_by_name(secrets: SecretStore, key_vault: KeyVault) -> None:
    key_vault.secrets.set("mfiles-username", "svc")

    assert [await secrets.get(name) for name in (NAME, "mfiles-username", NAME)] == ["first", "svc", "first"]
    assert (key_vault.reads[NAME], key_vault.reads["mfiles-username"]) == (1, 1)


async def test_many_who_wait_for_a_secret_cost_one_read(secrets: SecretStore, key_vault: KeyVault) -> None:
    key_vault.seconds = 0.05

    assert set(await asyncio.gather(*(secrets.get(NAME) for _ in range(20)))) == {"first"}

    assert key_vault.reads[NAME] == 1


async def test_a_slow_secret_does_not_hold_up_another_one(secrets: SecretStore, key_vault: KeyVault) -> None:
    key_vault.secrets.set("other", "value")
    await secrets.get("other")
    key_vault.seconds = 0.3
    slow = asyncio.create_task(secrets.get(NAME))
    await asyncio.sleep(0.05)

    async with asyncio.timeout(0.1):
        assert await secrets.get("other") == "value"

    assert await slow == "first"


@pytest.mark.parametrize("how", ["stopped", "503", "429"])
async def test_while_key_vault_is_down_the_last_value_serves_on_in_time_for_the_webhook(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, how: str
) -> None:
    """A webhook that waits longer is called slow by Graph, and its notifications are dropped."""
    await secrets.get(NAME)
    if how == "stopped":
        await key_vault.stop()
    else:
        key_vault.status = int(how)
    began = time.monotonic()
    for _ in range(3):
        clock.advance(hours=1)
        assert await secrets.get(NAME) == "first"

    assert time.monotonic() - began < 4
    assert LONGEST_READ <= LONGEST_WAIT - 1


async def test_key_vault_that_never_answers_is_not_waited_for_where_a_value_is_known(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Nor does each of many waiters wait for it in turn."""
    await secrets.get(NAME)
    key_vault.seconds = 4.5
    clock.advance(hours=1)
    began = time.monotonic()

    assert set(await asyncio.gather(*(secrets.get(NAME) for _ in range(5)))) == {"first"}

    assert time.monotonic() - began < 4.0


async def test_once_key_vault_is_back_the_new_value_comes(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    await secrets.get(NAME)
    await key_vault.stop()
    clock.advance(hours=1)
    await secrets.get(NAME)
    key_vault.secrets.set(NAME, "second")
    await key_vault.start()
    clock.advance(minutes=2)

    for _ in range(200):  # the read that was under way goes on: in truth, no minute has passed
        if await secrets.get(NAME) == "second":
            break
        await asyncio.sleep(0.05)
    assert await secrets.get(NAME) == "second"


async def test_a_read_that_nobody_waits_for_any_more_still_counts(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Else a Key Vault that is always slower than anybody waits would hide a rotation for ever."""
    await secrets.get(NAME)
    key_vault.secrets.set(NAME, "second")
    key_vault.seconds = 0.3
    clock.advance(hours=1)
    assert await secrets.get(NAME) == "first"

    await asyncio.sleep(0.3)

    assert await secrets.get(NAME) == "second"
    assert key_vault.reads[NAME] == 2


async def test_a_first_read_goes_on_for_the_next_who_asks(secrets: SecretStore, key_vault: KeyVault) -> None:
    """A webhook waits for 2.5 s: it would begin anew at each request, and never come to its end."""
    key_vault.seconds = 0.3
    for _ in range(2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await secrets.get(NAME)

    assert await secrets.get(NAME) == "first"
    assert key_vault.reads[NAME] == 1


async def test_a_secret_that_is_slowly_said_to_be_taken_away_does_not_serve_on_for_ever(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    await secrets.get(NAME)
    key_vault.secrets.enable(NAME, enabled=False)
    key_vault.seconds = 0.3
    clock.advance(hours=1)
    assert await secrets.get(NAME) == "first"

    async def asked_again_and_again() -> None:
        for _ in range(200):
            await asyncio.sleep(0.02)
            await secrets.get(NAME)

    with pytest.raises(SecretFault):
        await asked_again_and_again()


async def test_the_end_of_the_app_ends_a_read_that_is_under_way(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    key_vault.seconds = 5.0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await secrets.get(NAME)

    await secrets.close()

    assert not [one for one in asyncio.all_tasks() if "_reading" in repr(one.get_coro())]


async def test_a_rejected_value_is_read_anew_at_once(secrets: SecretStore, key_vault: KeyVault) -> None:
    first = await secrets.newest(NAME)
    made = key_vault.secrets.set(NAME, "second")

    assert await secrets.newest_other_than(NAME, first) == SecretVersion(made.version, "second")

    assert await secrets.get(NAME) == "second"
    assert key_vault.reads[NAME] == 2


async def test_many_whose_value_is_rejected_cost_one_read(secrets: SecretStore, key_vault: KeyVault) -> None:
    first = await secrets.newest(NAME)
    key_vault.secrets.set(NAME, "second")

    found = await asyncio.gather(*(secrets.newest_other_than(NAME, first) for _ in range(10)))

    assert {one.value for one in found} == {"second"}
    assert key_vault.reads[NAME] == 2


async def test_a_rejected_value_that_is_the_present_one_is_given_again(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    """Whoever asked sees that there is no newer one."""
    first = await secrets.newest(NAME)

    assert await secrets.newest_other_than(NAME, first) == first
    assert key_vault.reads[NAME] == 2


async def test_a_rejected_value_while_key_vault_is_down_is_given_again(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    first = await secrets.newest(NAME)
    key_vault.status = 403

    assert await secrets.newest_other_than(NAME, first) == first


async def test_a_secret_that_is_missing_is_named_with_the_remedy(secrets: SecretStore) -> None:
    with pytest.raises(Unavailable, match=r"no secret absent\. Set it, .* KEY_VAULT_URL"):
        await secrets.get("absent")


async def test_a_missing_secret_is_read_once_it_is_set_but_not_by_each_who_asks(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Anyone can send notifications, and none of them can be checked."""
    for _ in range(20):
        with pytest.raises(SecretFault, match="no secret late"):
            await secrets.get("late")
    assert key_vault.reads["late"] == 1
    key_vault.secrets.set("late", "value")
    clock.advance(seconds=FAULT_KEPT_FOR)

    assert await secrets.get("late") == "value"


async def test_an_empty_secret_is_none(secrets: SecretStore, key_vault: KeyVault) -> None:
    key_vault.secrets.set("empty", "")

    with pytest.raises(Unavailable, match=r"secret empty is empty\. Set it"):
        await secrets.get("empty")


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_names_the_role_that_is_needed(
    secrets: SecretStore, key_vault: KeyVault, status: int
) -> None:
    key_vault.status = status

    with pytest.raises(Unavailable, match=rf"{NAME} \({status}\)\. Grant .* Key Vault Secrets User"):
        await secrets.get(NAME)


async def test_no_fault_and_no_repr_holds_a_value(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    key_vault.secrets.set(NAME, "very secret")
    await secrets.get(NAME)
    key_vault.status = 403
    clock.advance(hours=1)
    await secrets.get(NAME)

    assert any(getattr(record, "event", "") == "secret-not-read" for record in caplog.records)
    assert "very secret" not in caplog.text
    assert "very secret" not in repr(vars(secrets))


def ages(key_vault: KeyVault, *values: str) -> None:
    """Versions a minute apart, the last one the newest."""
    for number, value in enumerate(values):
        key_vault.secrets._now = lambda number=number: NOON + timedelta(minutes=number)  # type: ignore[misc]
        key_vault.secrets.set("key", value)


async def values_of(secrets: SecretStore) -> list[str]:
    return [version.value for version in await secrets.versions("key")]


async def test_versions_are_the_present_one_and_the_former_ones_that_are_enabled(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """As many as there were changes in the time that a subscription lives, within reason."""
    ages(key_vault, "k1")
    assert await values_of(secrets) == ["k1"]

    ages(key_vault, *(f"k{number}" for number in range(2, 40)))  # more than a page of Key Vault's list
    clock.advance(seconds=KEPT_FOR)
    found = await secrets.versions("key")
    assert [one.value for one in found] == ["k39", "k38", "k37", "k36", "k35"]
    assert len(found) == 1 + MOST_FORMER

    key_vault.secrets.enable("key", found[1].id, enabled=False)
    clock.advance(seconds=KEPT_FOR)
    assert await values_of(secrets) == ["k39", "k37", "k36", "k35", "k34"]


async def test_a_version_whose_subscriptions_cannot_live_any_more_counts_only_as_the_last_one(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    ages(key_vault, "k1", "k2", "k3")
    assert await values_of(secrets) == ["k3", "k2", "k1"]

    clock.advance(seconds=SERVES_ON_FOR.total_seconds() + 61)  # its successor came after one minute
    assert await values_of(secrets) == ["k3", "k2"]


async def test_the_value_of_a_former_version_is_read_once(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """It never changes; what changes is in the list."""
    ages(key_vault, "k1", "k2")
    for _ in range(3):
        present, former = await secrets.versions("key")
        clock.advance(seconds=KEPT_FOR)

    assert key_vault.reads[f"key/{former.id}"] == 1
    assert key_vault.reads["key"] == 3
    assert (present.value, former.value) == ("k2", "k1")


async def test_of_a_present_version_that_is_disabled_the_two_before_count(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    ages(key_vault, "k1", "k2", "k3")
    key_vault.secrets.enable("key", enabled=False)

    assert await values_of(secrets) == ["k2", "k1"]


async def test_of_versions_of_one_second_the_present_one_is_first(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Key Vault counts their age in seconds."""
    for number in range(6):
        key_vault.secrets.set("key", f"k{number}")
        clock.advance(seconds=KEPT_FOR)
        assert (await values_of(secrets))[0] == f"k{number}"


async def test_an_empty_former_version_is_no_key(secrets: SecretStore, key_vault: KeyVault) -> None:
    """Anyone can sign with it."""
    ages(key_vault, "", "k2")

    assert await values_of(secrets) == ["k2"]


async def test_where_versions_may_not_be_listed_the_present_one_serves_and_the_log_says_so_once(
    secrets: SecretStore,
    key_vault: KeyVault,
    box: Sandbox,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    key_vault.secrets._permissions = {box.identity.client_id: frozenset({"get"})}
    ages(key_vault, "k1", "k2")

    for _ in range(3):
        assert await values_of(secrets) == ["k2"]
        clock.advance(seconds=KEPT_FOR)

    events = [getattr(record, "event", "") for record in caplog.records]
    assert events == ["secret-versions-not-listed"]


async def test_versions_are_kept_and_serve_on_like_a_secret(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    ages(key_vault, "k1", "k2")
    assert await values_of(secrets) == ["k2", "k1"]
    clock.advance(seconds=KEPT_FOR - 1)
    await values_of(secrets)
    assert key_vault.reads["key/versions"] == 1

    await key_vault.stop()
    clock.advance(hours=1)
    assert await values_of(secrets) == ["k2", "k1"]


async def test_unknown_client_states_have_versions_read_anew_once_a_minute_at_most(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Anyone can send a forged one: Key Vault must not be hammered by it."""
    ages(key_vault, "k1")
    known = await secrets.versions("key")

    found = await asyncio.gather(*(secrets.versions_other_than("key", known) for _ in range(20)))
    assert found == [known] * 20
    assert key_vault.reads["key/versions"] == 2

    ages(key_vault, "k2")
    clock.advance(seconds=AGAIN_AFTER - 1)
    assert await secrets.versions_other_than("key", known) == known
    clock.advance(seconds=1)
    newer = await secrets.versions_other_than("key", known)
    assert [one.value for one in newer] == ["k2", "k1"]
    assert await secrets.versions_other_than("key", known) == newer
    assert key_vault.reads["key/versions"] == 3


async def test_a_key_vault_that_has_just_failed_is_not_asked_again_for_a_client_state(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """The webhook has 2.5 seconds, and has waited for it once already."""
    ages(key_vault, "k1")
    known = await secrets.versions("key")
    key_vault.status = 503
    clock.advance(hours=1)
    assert await secrets.versions("key") == known
    asked = key_vault.reads.total()

    assert await secrets.versions_other_than("key", known) == known

    assert key_vault.reads.total() == asked


async def test_no_repr_holds_a_version(secrets: SecretStore, key_vault: KeyVault) -> None:
    ages(key_vault, "very secret", "more secret")

    assert "secret'" not in repr(await secrets.versions("key"))
