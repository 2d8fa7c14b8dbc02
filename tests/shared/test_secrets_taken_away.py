"""Secrets that a person has taken away: named, dated, with the command; and not served for long."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from sandbox.box import Sandbox
from shared import secret_cache
from shared.secret_cache import AGAIN_AFTER, FAULT_KEPT_FOR, KEPT_FOR
from shared.secret_faults import Remedies, SecretFault, SecretKind, is_taken_away
from shared.secret_store import SecretStore
from shared.services import Services

from .clock import NOON, FakeClock
from .key_vault import KeyVault
from .protocol import events

pytestmark = pytest.mark.anyio
NAME = "some-secret"
DAY = timedelta(days=1)
TakeAway = Callable[[KeyVault], object]


def expire(key_vault: KeyVault) -> None:
    key_vault.secrets.date(NAME, expires=int((NOON - DAY).timestamp()))


def postpone(key_vault: KeyVault) -> None:
    key_vault.secrets.date(NAME, not_before=int((NOON + DAY).timestamp()))


def disable(key_vault: KeyVault) -> None:
    key_vault.secrets.enable(NAME, enabled=False)


def delete(key_vault: KeyVault) -> None:
    key_vault.secrets.delete(NAME)


def lose(key_vault: KeyVault) -> None:
    del key_vault.secrets._secrets[NAME]


def blank(key_vault: KeyVault) -> None:
    key_vault.secrets.set(NAME, "")


TAKEN_AWAY: Mapping[SecretKind, TakeAway] = {
    "expired": expire,
    "not-yet-valid": postpone,
    "disabled": disable,
    "deleted": delete,
    "missing": lose,
    "empty": blank,
}


@pytest.fixture
def secrets(services: Services, key_vault: KeyVault, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    monkeypatch.setattr(secret_cache, "LONGEST_READ", 0.2)
    key_vault.secrets._now = lambda: NOON
    key_vault.secrets.set(NAME, "very secret")
    return services.secrets


async def fault_of(secrets: SecretStore) -> SecretFault:
    with pytest.raises(SecretFault) as caught:
        await secrets.get(NAME)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "reason", "commands"),
    [
        (
            "expired",
            f"Key Vault's secret {NAME} expired at 2026-11-23T12:00:00Z.",
            ["secret set --vault-name VAULT", "--expires 2027-11-24T12:00:00Z"],
        ),
        (
            "not-yet-valid",
            f"Key Vault's secret {NAME} is not valid before 2026-11-25T12:00:00Z.",
            ["set-attributes", "--not-before 2026-11-24T12:00:00Z"],
        ),
        (
            "disabled",
            f"Key Vault's secret {NAME} is disabled (changed at 2026-11-24T12:00:00Z).",
            [f"az keyvault secret set-attributes --vault-name VAULT --name {NAME} --enabled true"],
        ),
        (
            "deleted",
            f"Key Vault's secret {NAME} was deleted at 2026-11-24T12:00:00Z.",
            [f"az keyvault secret recover --vault-name VAULT --name {NAME}"],
        ),
        (
            "missing",
            f"Key Vault has no secret {NAME}.",
            [f"az keyvault secret set --vault-name VAULT --name {NAME} --file", "secret recover"],
        ),
        (
            "empty",
            f"Key Vault's secret {NAME} is empty.",
            [f"az keyvault secret set --vault-name VAULT --name {NAME} --file"],
        ),
    ],
)
async def test_each_is_named_with_its_date_and_the_command(
    secrets: SecretStore, key_vault: KeyVault, kind: SecretKind, reason: str, commands: list[str]
) -> None:
    TAKEN_AWAY[kind](key_vault)

    fault = await fault_of(secrets)

    assert (fault.kind, fault.reason, fault.origin) == (kind, reason, "keyvault")
    vault = Remedies(key_vault.url).vault
    remedy = fault.remedy.replace(f"--vault-name {vault}", "--vault-name VAULT")
    assert [command for command in commands if command not in remedy] == []
    assert "very secret" not in f"{fault} {fault!r}"
    assert is_taken_away(fault)


@pytest.mark.parametrize("kind", TAKEN_AWAY)
async def test_what_is_kept_serves_its_15_minutes_and_then_no_more(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, kind: SecretKind
) -> None:
    """Neither does it come back while Key Vault is down: the person's word stands."""
    await secrets.get(NAME)
    TAKEN_AWAY[kind](key_vault)
    clock.advance(seconds=KEPT_FOR - 1)
    assert await secrets.get(NAME) == "very secret"

    clock.advance(seconds=1)
    assert (await fault_of(secrets)).kind == kind
    assert not secrets.holds([NAME])
    key_vault.status = 403
    clock.advance(seconds=FAULT_KEPT_FOR)
    assert (await fault_of(secrets)).kind == "refused"


@pytest.mark.parametrize("kind", TAKEN_AWAY)
async def test_once_it_is_mended_the_next_who_asks_gets_it(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, kind: SecretKind
) -> None:
    TAKEN_AWAY[kind](key_vault)
    await fault_of(secrets)
    if kind == "deleted":
        key_vault.secrets.recover(NAME)
    key_vault.secrets.set(NAME, "another")
    clock.advance(seconds=FAULT_KEPT_FOR)

    assert await secrets.get(NAME) == "another"


async def test_a_value_that_a_service_rejects_is_not_given_again_once_it_was_taken_away(
    secrets: SecretStore, key_vault: KeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever looks for a newer one hears what is wrong with the secret, not with the service."""
    rejected = await secrets.newest(NAME)
    disable(key_vault)

    with pytest.raises(SecretFault, match="is disabled"):
        await secrets.newest_other_than(NAME, rejected)

    assert events(caplog, "ERROR") == ["secret-taken-away"]


async def test_a_forged_client_state_does_not_end_the_15_minutes_of_a_key_that_was_disabled(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    known = await secrets.versions(NAME)
    disable(key_vault)

    assert await secrets.versions_other_than(NAME, known) == known
    assert await secrets.versions(NAME) == known


@pytest.mark.parametrize("kind", ["expired", "not-yet-valid", "disabled"])
async def test_of_several_versions_the_newest_that_can_be_used_is_the_present_one(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, kind: SecretKind
) -> None:
    """A version that is to be valid tomorrow only is no reason to stop today."""
    key_vault.secrets._now = lambda: NOON + timedelta(minutes=1)
    key_vault.secrets.set(NAME, "newest")
    TAKEN_AWAY[kind](key_vault)

    assert [one.value for one in await secrets.versions(NAME)] == ["very secret"]

    described = await secrets.describe(NAME, versioned=True)
    assert described.fault is None
    assert described.version == key_vault.secrets._secrets[NAME][-2].version


async def test_a_former_version_that_has_expired_proves_nothing(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    expire(key_vault)
    key_vault.secrets.set(NAME, "newest")

    assert [one.value for one in await secrets.versions(NAME)] == ["newest"]


@pytest.mark.parametrize("kind", TAKEN_AWAY)
@pytest.mark.parametrize("versioned", [False, True])
async def test_a_description_tells_what_is_wrong_whatever_is_kept(
    secrets: SecretStore, key_vault: KeyVault, kind: SecretKind, versioned: bool
) -> None:
    await secrets.get(NAME)
    TAKEN_AWAY[kind](key_vault)

    described = await secrets.describe(NAME, versioned=versioned)

    assert described.name == NAME
    assert described.fault is not None
    assert described.fault.kind == kind
    assert bool(described.version) == (kind not in ("deleted", "missing"))
    assert described.enabled is (None if kind in ("deleted", "missing") else kind != "disabled")


async def test_a_description_of_a_sound_secret_has_its_dates_and_no_value(
    secrets: SecretStore, key_vault: KeyVault
) -> None:
    version = key_vault.secrets.date(NAME, expires=int((NOON + 15 * DAY).timestamp())).version

    described = await secrets.describe(NAME)

    assert (described.fault, described.version, described.enabled) == (None, version, True)
    assert (described.expires, described.not_before) == (NOON + 15 * DAY, None)
    assert described.updated == NOON
    assert not described.expires_soon(NOON)
    assert described.expires_soon(NOON + DAY)
    assert "very secret" not in repr(described)


@pytest.mark.parametrize(("status", "kind"), [(403, "refused"), (503, "unreachable")])
async def test_a_description_tells_that_key_vault_is_down(
    secrets: SecretStore, key_vault: KeyVault, status: int, kind: SecretKind
) -> None:
    key_vault.status = status

    described = await secrets.describe(NAME)

    assert described.fault is not None
    assert described.fault.kind == kind
    assert not is_taken_away(described.fault)


async def test_a_missing_role_is_no_word_of_a_person_on_the_secret(
    secrets: SecretStore, key_vault: KeyVault, box: Sandbox, clock: FakeClock
) -> None:
    """Whoever takes the role away by mistake finds that the kept value serves on."""
    await secrets.get(NAME)
    key_vault.secrets._permissions = {box.identity.client_id: frozenset()}
    clock.advance(seconds=KEPT_FOR)

    assert await secrets.get(NAME) == "very secret"
    described = await secrets.describe(NAME)
    assert described.fault is not None
    assert described.fault.reason == f"Key Vault refuses secret {NAME} (403 AccessDenied)."


async def test_an_outage_is_told_once_a_minute_and_secret(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """However many ask, and also where a service rejects what is kept."""
    kept = await secrets.newest(NAME)
    key_vault.status = 503
    clock.advance(seconds=KEPT_FOR)
    for _ in range(2):
        for _ in range(5):
            assert await secrets.newest(NAME) == kept
            assert await secrets.newest_other_than(NAME, kept) == kept
            assert await secrets.together(NAME, anew=True) == (kept.value,)
        clock.advance(seconds=AGAIN_AFTER)

    assert events(caplog, "WARNING") == ["secret-not-read"] * 2


async def test_a_secret_that_expires_soon_is_told_once_a_day(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    key_vault.secrets.date(NAME, expires=int((NOON + 15 * DAY).timestamp()))
    for _ in range(4 * 36):
        await secrets.get(NAME)
        clock.advance(seconds=KEPT_FOR)

    assert events(caplog, "WARNING") == ["secret-expires-soon"]
    (facts,) = [getattr(record, "facts", {}) for record in caplog.records]
    assert (facts["secret"], facts["expires"]) == (NAME, "2026-12-09T12:00:00+00:00")
    assert "az keyvault secret set" in facts["remedy"]


async def test_secrets_that_belong_together_are_of_one_time(
    secrets: SecretStore, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Else a new name would go with the old password, until that has become old by itself."""
    await secrets.get("mfiles-username")
    clock.advance(seconds=KEPT_FOR / 2)
    await secrets.get(NAME)
    key_vault.secrets.set("mfiles-username", "another name")
    key_vault.secrets.set(NAME, "another word")
    clock.advance(seconds=KEPT_FOR / 2)

    assert await secrets.together("mfiles-username", NAME) == ("another name", "another word")
    assert await secrets.together(NAME, "mfiles-username") == ("another word", "another name")
    assert key_vault.reads[NAME] == 2


@pytest.mark.parametrize(
    "host", ["kv-mail.vault.azure.net", "kv-mail.vault.azure.cn", "kv-mail.vault.usgovcloudapi.net"]
)
def test_commands_name_the_vault_by_its_own_name(host: str) -> None:
    assert Remedies(f"https://{host}/").enable("s") == (
        "az keyvault secret set-attributes --vault-name kv-mail --name s --enabled true"
    )
