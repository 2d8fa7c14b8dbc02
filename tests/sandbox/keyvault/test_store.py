"""The secrets of a vault by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.keyvault.store import SecretStore


def test_disabling_changes_one_version_and_the_time_of_its_change() -> None:
    times = iter(datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=minute) for minute in range(3))
    store = SecretStore(now=lambda: next(times))
    first, second = store.set("name", "one"), store.set("name", "two")

    changed = store.enable("name", first.version, enabled=False)

    assert not changed.enabled
    assert changed.updated - changed.created == timedelta(minutes=2)
    assert store.get("name") == second
    assert store.get("name", first.version) == changed


def test_an_unknown_secret_cannot_be_disabled() -> None:
    with pytest.raises(KeyError):
        SecretStore().enable("absent", enabled=False)


def test_a_value_does_not_show_in_what_is_printed() -> None:
    assert "hush" not in repr(SecretStore().set("name", "hush"))


def test_permissions_add_up_for_one_application() -> None:
    store = SecretStore()
    store.allow("one", "get")
    store.allow("one", "list")

    assert store.permissions("one") == {"get", "list"}
    assert store.permissions("other") == set()
