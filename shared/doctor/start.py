"""Checks `settings` and `configuration`: what is in force, or why the app does not start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from shared.configuration import Configuration
from shared.doctor.check import Check
from shared.doctor.finding import Finding, failed, ok
from shared.errors import VaultpostError
from shared.settings import Settings, SourcesBlob

SETTINGS, CONFIGURATION = "settings", "configuration"
_SETTING = "setting "


def refused_settings(faults: Sequence[str]) -> Check:
    """The check of settings that nothing can start with."""

    async def run() -> list[Finding]:
        return [_setting(fault) for fault in faults]

    return Check(SETTINGS, run, is_light=True)


def settings_check(settings: Settings) -> Check:
    """The check of settings that have been read: they say how the app goes to the services."""

    async def run() -> list[Finding]:
        graph = urlsplit(settings.graph.endpoint).hostname
        told = (
            f"in force: {settings.graph.credential} for {graph}, functions at {settings.notification_url}, "
            f"secrets in {settings.key_vault_url}"
        )
        return [ok(SETTINGS, told)]

    return Check(SETTINGS, run, is_light=True)


def refused_configuration(faults: Sequence[str]) -> Check:
    """The check of a configuration that nothing can start with."""

    async def run() -> list[Finding]:
        return _refused(faults, "Correct the file and deploy it again; VAULTPOST_SOURCES says which it is.")

    return Check(CONFIGURATION, run, is_light=True)


def configuration_check(
    settings: Settings,
    configuration: Callable[[], Configuration],
    refused: Callable[[], Sequence[str]],
    since: Callable[[], datetime | None],
) -> Check:
    """The check of the configuration in force; `refused` are the faults of a newer one in storage."""

    async def run() -> list[Finding]:
        file = settings.sources_file
        try:
            current = configuration()
        except VaultpostError as fault:
            remedy = "Look at check storage: the configuration is a blob in the storage for mail."
            faults = refused()
            return _refused(faults, _upload(file)) if faults else [failed(CONFIGURATION, str(fault), remedy)]
        sources = [one.name for one in current.source if one.enabled]
        told = f"{file}: {len(sources)} of {len(current.source)} sources enabled{_since(since())}"
        return [ok(CONFIGURATION, told), *_refused(refused(), _upload(file))]

    return Check(CONFIGURATION, run, needs=(SETTINGS,), is_light=True)


def _setting(fault: str) -> Finding:
    """A fault of a setting names it first; one of a settings file does not."""
    if not fault.startswith(_SETTING):
        return failed(SETTINGS, fault, "Give ops.py another file with --settings, or correct this one.")
    name, _, wrong = fault.removeprefix(_SETTING).partition(": ")
    remedy = (
        "az functionapp config appsettings set --resource-group GROUP --name APP "
        f'--settings "{name}=VALUE"\n'
        "Locally: Values of local.settings.json. docs/settings.md explains each."
    )
    return failed(SETTINGS, wrong, remedy, subject=name)


def _refused(faults: Sequence[str], remedy: str) -> list[Finding]:
    return [failed(CONFIGURATION, fault, remedy) for fault in faults]


def _upload(file: object) -> str:
    if not isinstance(file, SourcesBlob):
        return f"Correct {file} and deploy it again."
    return (
        "Correct it and upload it again: az storage blob upload --auth-mode login --account-name ACCOUNT "
        f"--container-name {file.container} --name {file.name} --file FILE --overwrite\n"
        "It is read within a minute; until then the last good one is in force."
    )


def _since(moment: datetime | None) -> str:
    return "" if moment is None else f", in force since {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
