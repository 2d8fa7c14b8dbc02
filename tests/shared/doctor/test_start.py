"""Settings and configuration: in force, refused before the start, and refused after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.example_sources import example_sources
from shared.doctor.composition import NAMES, Doctor, checks_of, refused_start
from shared.doctor.runner import examine
from shared.services import Services
from shared.settings import read_settings
from shared.starting import read_start

from ..accounts import opened
from .set_up import SetUp, of, told

pytestmark = pytest.mark.anyio


async def test_wrong_settings_are_findings_and_nothing_else_is_looked_at() -> None:
    findings = await examine(refused_start(["setting KEY_VAULT_URL: is not set. Set it."], ["x.toml:1: no."]))

    assert tuple(one.check for one in findings) == NAMES
    settings, configuration, *others = findings
    assert (settings.status, settings.subject, settings.what) == (
        "failed",
        "KEY_VAULT_URL",
        "is not set. Set it.",
    )
    assert '--settings "KEY_VAULT_URL=VALUE"' in settings.remedy
    assert (configuration.status, configuration.what) == ("failed", "x.toml:1: no.")
    assert {one.status for one in others} == {"not-run"}


async def test_a_settings_file_that_cannot_be_read_is_told_as_it_is() -> None:
    finding = (await examine(refused_start(["none.json: cannot be read (No such file)."], [])))[0]

    assert (finding.subject, finding.what) == ("", "none.json: cannot be read (No such file).")
    assert finding.remedy


async def test_with_a_wrong_configuration_what_needs_none_is_looked_at(ready: SetUp, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[vault]\nurl = "http://x"\n', encoding="utf-8")
    with ready.changed(VAULTPOST_SOURCES=str(file)):
        start = read_start(ready.environment, tmp_path)
    assert start.settings is not None
    services = Services(start.settings, start.configuration)
    report = await Doctor(services, start.of_configuration).examine()
    await services.close()
    findings = list(report.findings)

    assert {one.check for one in findings if one.status == "failed"} == {"configuration"}, told(findings)
    assert {
        one.status for check in ("keyvault", "secret", "token", "storage") for one in of(check, findings)
    } == {"ok"}
    assert [one.status for one in of("names", findings)] == ["not-run"]
    assert [one.status for one in of("mailbox", findings)] == ["not-run"]


async def test_a_configuration_in_storage_is_told_with_its_time_and_a_refused_newer_one_with_its_faults(
    ready: SetUp, tmp_path: Path
) -> None:
    """The former one is in force: all that needs one is looked at."""
    name = "blob:configuration/mail-sources.toml"
    good = toml_of(ready)
    async with opened(ready.environment["MailStorage"]) as stores:
        container = await stores.blobs.create_container("configuration")
        await container.upload_blob("mail-sources.toml", good, overwrite=True)
        settings = read_settings({**ready.environment, "VAULTPOST_SOURCES": name}, tmp_path)
        services = Services(settings, None, ready.clock)
        well = list((await Doctor(services).examine(only_light=True)).findings)
        await container.upload_blob("mail-sources.toml", "nonsense = 1\n" + good, overwrite=True)
        blob = services._blob
        assert blob is not None
        blob._looked_at = None
        refused = list((await Doctor(services).examine(only_light=True)).findings)
        await services.close()
        await stores.blobs.delete_container("configuration")
    (found,) = of("configuration", well)
    assert found.status == "ok"
    assert f"{name}: 1 of 1 sources enabled, in force since 20" in found.what
    former, *faults = of("configuration", refused)
    assert former.status == "ok"
    assert {one.status for one in faults} == {"failed"}
    assert "nonsense" in faults[0].what
    assert "az storage blob upload" in faults[0].remedy
    others = [one for one in refused if one.check != "configuration"]
    assert {one.status for one in others} == {"ok"}, told(others)


def toml_of(ready: SetUp) -> str:
    text = example_sources(
        ready.box.addresses.vault, ready.box.vault.guid, ready.source["name"], ready.mailbox
    )
    return text.replace('folders = ["inbox"]', 'folders = ["inbox", "inbox/Scans"]')


async def test_one_that_was_never_read_is_told_and_the_rest_goes_on(ready: SetUp, tmp_path: Path) -> None:
    settings = read_settings({**ready.environment, "VAULTPOST_SOURCES": "blob:nothing/there.toml"}, tmp_path)
    services = Services(settings, None, ready.clock)
    findings = list((await Doctor(services).examine(only_light=True)).findings)
    await services.close()

    assert [one.status for one in of("configuration", findings)] == ["failed"]
    assert [one.status for one in of("token", findings)] == ["ok"]
    assert {one.check for one in findings if one.status == "failed"} == {"configuration"}


def test_the_light_checks_write_nothing_and_are_few(ready: SetUp) -> None:
    light = [check.name for check in checks_of(ready.services()) if check.is_light]

    assert light == ["settings", "configuration", "keyvault", "secret", "token", "vault-tls", "clock"]


def test_what_a_check_needs_stands_before_it(ready: SetUp) -> None:
    named_before: set[str] = set()
    for check in checks_of(ready.services()):
        assert set(check.needs) <= named_before, check.name
        named_before.add(check.name)

    assert named_before == set(NAMES)
