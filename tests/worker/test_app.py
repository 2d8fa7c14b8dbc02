"""The package, indexed and every function of it invoked once by Microsoft's own Python worker library."""

from __future__ import annotations

import asyncio
import json
import os
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.app import ROOT
from sandbox.box import Sandbox
from sandbox.example_sources import example_sources
from sandbox.package import deployed_files, write_archive
from sandbox.serving import serve
from shared.identities import client_state, filing_key
from shared.queue_messages import FolderSweep, LifecycleEvent, MailArrived, MailFiled, VaultImport, encode
from shared.tracing import traceparent
from tests.worker.harness import INTERPRETER, WorkerFailed, http_call, queue_call, run_worker, timer_call

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        not os.environ.get(INTERPRETER),
        reason=f"needs Microsoft's worker library: {INTERPRETER} names no Python 3.13 that has it",
    ),
]
MAILBOX, SOURCE = "worker@example.com", "worker"
JSON = {"Content-Type": "application/json; charset=utf-8"}


PROBE = """
from importlib.util import find_spec

def is_importable(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False

found = [name for name in {names} if is_importable(name)]
raise RuntimeError(f"importable: {{found}}")
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """What is deployed, and nothing else: what `.funcignore` leaves, by way of the ZIP file."""
    archive, folder = tmp_path / "vaultpost.zip", tmp_path / "package"
    write_archive(ROOT, archive)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


def kept_out() -> list[str]:
    """The modules of the checkout that are not deployed."""
    top = [path for path in ROOT.iterdir() if not path.name.startswith((".", "_"))]
    files = {file.relative_to(ROOT) for path in top for file in (path, *path.rglob("*.py"))}
    modules = {file for file in files if file.suffix == ".py"} - set(deployed_files(ROOT))
    names = {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in modules}
    return sorted(names)


@dataclass(frozen=True)
class Place:
    """Where the app of this test has its address and configuration."""

    settings: dict[str, str]


@pytest.fixture
async def place(box: Sandbox, tmp_path: Path) -> AsyncIterator[Place]:
    """An address that answers Graph's handshake, since the worker itself does not listen."""

    async def handshake(request: web.Request) -> web.Response:
        return web.Response(text=request.query["validationToken"])

    receiver = web.Application()
    receiver.router.add_post("/api/{kind}", handshake)
    served = await serve(receiver, context=None)
    box.tenant.add_mailbox(MAILBOX)
    sources = tmp_path / "mail-sources.toml"
    sources.write_text(
        example_sources(box.addresses.vault, box.vault.guid, SOURCE, MAILBOX), encoding="utf-8"
    )
    yield Place(box.settings(f"{served.origin}/api", sources))
    await served.close()


def test_only_what_is_deployed_can_be_imported(package: Path) -> None:
    names = kept_out()
    assert {"bench", "dev", "ops", "sandbox", "shared.testing", "tests"} <= set(names)
    probe = PROBE.format(names=[*names, "shared.settings", "handlers.staging"])
    (package / "function_app.py").write_text(probe, encoding="utf-8")
    with pytest.raises(WorkerFailed, match=r"importable: \['shared\.settings', 'handlers\.staging'\]\n"):
        run_worker(package, [], {})


async def test_every_function_runs_in_microsofts_worker(box: Sandbox, place: Place, package: Path) -> None:
    delivered = box.tenant.deliver(MAILBOX, b"From: a@contoso.com\r\nSubject: By the worker\r\n\r\nHello")
    key = filing_key(SOURCE, delivered.immutable_id)
    secret = box.secrets.get("notification-key")
    assert secret is not None
    notification = {
        "clientState": client_state(SOURCE, secret.value),
        "changeType": "created",
        "resourceData": {"id": delivered.immutable_id},
    }
    body = json.dumps({"value": [notification]}).encode()
    trace, token = traceparent(), "Validation: token+1"
    arrived = MailArrived(
        source=SOURCE,
        traceparent=trace,
        message=delivered.immutable_id,
        cause="notification",
        noticed="2026-11-24T10:00:00Z",
    )
    event = LifecycleEvent(source=SOURCE, traceparent=trace, event="missed", subscription="unknown")
    address = "https://example.com/api"
    calls = [
        http_call(
            "notifications",
            "POST",
            f"{address}/notifications?validationToken=Validation%3a+token%2b1",
            headers={"Content-Type": "text/plain; charset=utf-8"},
            query={"validationToken": token},
        ),
        timer_call("subscriptions"),
        http_call("notifications", "POST", f"{address}/notifications", headers=JSON, body=body),
        http_call("lifecycle", "POST", f"{address}/lifecycle", headers=JSON, body=b"no collection"),
        queue_call("staging", encode(arrived)),
        queue_call("filing", encode(VaultImport(source=SOURCE, traceparent=trace, key=key))),
        queue_call("mailbox", encode(MailFiled(source=SOURCE, traceparent=trace, key=key))),
        queue_call("lifecycle_event", encode(event)),
        timer_call("watch"),
        timer_call("sweep"),
        queue_call("sweep_folder", encode(FolderSweep(source=SOURCE, traceparent=trace, folder="inbox"))),
        queue_call("dead_letters_mail_arrived", encode(arrived)),
        queue_call("dead_letters_vault_import", "{"),
        queue_call("dead_letters_mail_filed", "not JSON"),
        queue_call("dead_letters_folder_sweep", "null"),
        queue_call("dead_letters_lifecycle_event", encode(event)),
        http_call("doctor", "GET", f"{address}/doctor"),
        http_call("health", "GET", f"{address}/health"),
    ]

    ran = await asyncio.to_thread(run_worker, package, calls, place.settings)

    assert set(ran.functions) == {call["function"] for call in calls}, "every function is invoked"
    assert [answer.get("error") for answer in ran.answers] == [None] * len(calls)
    handshake, _, queued, refused, *_ = ran.answers
    assert (handshake["status"], handshake["body"]) == (200, token.encode())
    assert (queued["status"], refused["status"]) == (202, 400)
    doctor, health = ran.answers[-2:]
    findings = json.loads(doctor["body"])["findings"]
    assert (doctor["status"], [one for one in findings if one["status"] == "failed"]) == (200, [])
    assert json.loads(health["body"])["status"] in ("healthy", "unknown"), "it may be looked at still"
    assert any(one.mailbox.address == MAILBOX for one in box.tenant.subscriptions.live())
    (document,) = [one for one in box.vault.objects() if key in (value.value for value in one.properties)]
    assert document.title == "By the worker"
