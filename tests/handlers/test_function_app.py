"""The app as the host sees it: its functions, or one list of what is wrong. In a process of its own, since
importing the app reads settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.errors import StartRefused
from shared.queue_messages import KINDS
from shared.services import Services

ROOT = Path(__file__).parents[2]
WITHOUT_NETWORK = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise AssertionError(event)
sys.addaudithook(watch)
"""
"""Importing the app checks settings and configuration without I/O (design, section 6)."""
INDEX = """
import json
from function_app import app
print(json.dumps({one.get_function_name(): json.loads(str(one)) for one in app.get_functions()}))
"""
FAULTS = """
try:
    import function_app
except Exception as error:
    print(type(error).__module__, type(error).__name__)
    print(error)
"""
SETTINGS = {
    "VAULTPOST_NOTIFICATION_URL": "https://vaultpost.example.com/api",
    "KEY_VAULT_URL": "https://vaultpost.vault.azure.net",
    "MailStorage": "UseDevelopmentStorage=true",
}
OURS = ("VAULTPOST_", "GRAPH_", "KEY_VAULT_", "MAILSTORAGE", "AZURE_", "IDENTITY_", "WEBSITE_")


def run(code: str, settings: dict[str, str]) -> str:
    """What a fresh interpreter prints with these settings and no other ones."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(OURS)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK + code],
        cwd=ROOT,
        env={**kept, **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def functions() -> dict[str, dict[str, Any]]:
    """The trigger of each function by its name, as the app is shipped."""
    indexed = json.loads(run(INDEX, SETTINGS))
    return {
        name: binding
        for name, function in indexed.items()
        for binding in function["bindings"]
        if binding["type"].casefold().endswith("trigger")
    }


def test_the_functions_are_those_of_the_design(functions: dict[str, dict[str, Any]]) -> None:
    assert functions.keys() == {
        "notifications",
        "lifecycle",
        "lifecycle_event",
        "staging",
        "filing",
        "mailbox",
        "subscriptions",
        "sweep",
        "sweep_folder",
        "watch",
        "doctor",
        "health",
        "dead_letters_mail_arrived",
        "dead_letters_vault_import",
        "dead_letters_mail_filed",
        "dead_letters_folder_sweep",
        "dead_letters_lifecycle_event",
    }


@pytest.mark.parametrize("name", ["notifications", "lifecycle"])
def test_graph_can_post_to_both_addresses_without_a_key(
    functions: dict[str, dict[str, Any]], name: str
) -> None:
    trigger = functions[name]
    assert trigger["route"] == name
    assert [str(method) for method in trigger["methods"]] == ["POST"]
    assert str(trigger["authLevel"]).upper() == "ANONYMOUS"


@pytest.mark.parametrize(("name", "level"), [("doctor", "FUNCTION"), ("health", "ANONYMOUS")])
def test_the_doctor_wants_a_key_and_health_does_not(
    functions: dict[str, dict[str, Any]], name: str, level: str
) -> None:
    trigger = functions[name]
    assert trigger["route"] == name
    assert [str(method) for method in trigger["methods"]] == ["GET"]
    assert str(trigger["authLevel"]).upper() == level


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("staging", "mail-arrived"),
        ("filing", "vault-import"),
        ("mailbox", "mail-filed"),
        ("sweep_folder", "folder-sweep"),
        ("lifecycle_event", "lifecycle-event"),
        ("dead_letters_mail_arrived", "mail-arrived-poison"),
        ("dead_letters_vault_import", "vault-import-poison"),
        ("dead_letters_mail_filed", "mail-filed-poison"),
        ("dead_letters_folder_sweep", "folder-sweep-poison"),
        ("dead_letters_lifecycle_event", "lifecycle-event-poison"),
    ],
)
def test_each_queue_has_its_function(functions: dict[str, dict[str, Any]], name: str, queue: str) -> None:
    trigger = functions[name]
    assert (trigger["queueName"], trigger["connection"]) == (queue, "MailStorage")


def test_nothing_is_sent_to_a_queue_that_has_no_function(functions: dict[str, dict[str, Any]]) -> None:
    """What the host makes poison comes back, too: each queue has its dead letters."""
    queues = {trigger["queueName"] for trigger in functions.values() if "queueName" in trigger}
    served = {queue for queue in queues if not queue.endswith("-poison")}
    assert served == set(KINDS)
    assert queues - served == {f"{queue}-poison" for queue in KINDS}


@pytest.mark.parametrize(
    ("name", "schedule"),
    [("subscriptions", "0 */15 * * * *"), ("sweep", "0 */30 * * * *"), ("watch", "0 * * * * *")],
)
def test_timers_run_when_they_are_due_and_not_at_the_start(
    functions: dict[str, dict[str, Any]], name: str, schedule: str
) -> None:
    trigger = functions[name]
    assert trigger["schedule"] == schedule
    assert trigger.get("runOnStartup", False) is False


def test_queues_hold_text_and_are_polled_every_second() -> None:
    """The default of a minute is not near real time; the default encoding is base64 (design, section 5)."""
    host = json.loads((ROOT / "host.json").read_text(encoding="utf-8"))
    assert host["extensions"]["queues"] == {
        "maxPollingInterval": "00:00:01",
        "visibilityTimeout": "00:00:30",
        "batchSize": 8,
        "newBatchThreshold": 4,
        "maxDequeueCount": 5,
        "messageEncoding": "none",
    }
    assert host["extensions"]["http"]["routePrefix"] == "api"


def test_without_settings_the_app_is_not_indexed_and_every_fault_is_listed(tmp_path: Path) -> None:
    """Settings and configuration are one list: nobody mends one fault only to meet the next."""
    sources = tmp_path / "mine.toml"
    sources.write_text('[vault]\nurl = "http://mfiles.example.com"\n[[source]]\nnaem = "x"\n', "utf-8")
    kind, *lines = run(FAULTS, {"VAULTPOST_SOURCES": str(sources)}).splitlines()
    assert kind == "shared.errors StartRefused"
    assert lines[0] == "Vaultpost cannot start:"
    for place in (
        "setting KEY_VAULT_URL:",
        "setting VAULTPOST_NOTIFICATION_URL:",
        "setting MailStorage:",
        "mine.toml:2: vault.url:",
        "mine.toml:1: vault.guid:",
        "mine.toml:1: vault.filing-key:",
        "mine.toml:3: source 1.name:",
        "mine.toml:4: source 1.naem:",
        "mine.toml:3: source 1.mailbox:",
        "mine.toml:3: source 1.document:",
    ):
        assert len([line for line in lines if line.startswith(f"- {place}")]) == 1, place
    assert len(lines) == 11


def test_without_a_configuration_the_faults_of_the_settings_are_told_too(tmp_path: Path) -> None:
    environment = {**SETTINGS, "KEY_VAULT_URL": "", "VAULTPOST_SOURCES": str(tmp_path / "none.toml")}
    with pytest.raises(StartRefused) as caught:
        Services.from_environment(environment, tmp_path)
    of_settings, of_configuration = caught.value.faults
    assert "KEY_VAULT_URL" in of_settings
    assert "none.toml" in of_configuration
    assert "VAULTPOST_SOURCES" in of_configuration


def test_the_shipped_configuration_is_found_beside_the_app() -> None:
    services = Services.from_environment(SETTINGS, ROOT)
    assert services.sources.keys() == {"invoices"}
    assert services.settings.sources_file == ROOT / "mail-sources.toml"


COLLECTOR = """
import gc
import function_app
print(gc.isenabled(), gc.get_freeze_count() > 0)
"""
REFUSED = """
import gc
try:
    import function_app
except Exception:
    print(gc.isenabled())
"""


def test_the_collector_rests_while_the_app_is_read_and_no_longer() -> None:
    assert run(COLLECTOR, SETTINGS).split() == ["True", "True"]
    assert run(REFUSED, {}).split() == ["True"]
