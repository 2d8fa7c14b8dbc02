"""Nothing leaks, whatever goes wrong, at the most talkative level of every logger.

The design lets out, of a mail, its id, sizes, digests and numbers; of the app, sources and their mailboxes.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.box import Sandbox
from sandbox.faults import Cut, Placed, Status
from sandbox.pki import Authority
from sandbox.storage.azurite import Storage
from sandbox.tenant.graph import Delivered
from shared.journal_row import Row
from shared.queue_messages import KINDS
from tests.e2e.at_debug_level import DEBUGGING, SKIPPED, Exposed, exposed, stored
from tests.e2e.canaries import Canaries
from tests.shared.accounts import opened
from tests.shared.made import unique_name
from tests.test_ops import run as operate

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app(
    box: Sandbox,
    azurite: tuple[Path, Path],
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Exposed]:
    """The app at debug level, with storage of its own."""
    async with (
        Storage(*azurite, authority) as storage,
        opened(storage.connection_string) as stores,
        exposed(box, stores, unique_name("debug"), tmp_path, monkeypatch) as running,
    ):
        yield running
    box.faults.clear()


@pytest.mark.parametrize(
    "encoded",
    [
        str.encode,
        lambda text: text.upper().encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: base64.b64encode(f"a{text}b".encode()),
        lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()),
        lambda text: base64.b64encode(f"{text}abc".encode("utf-16-le")),
        lambda text: quote(text, safe="").encode(),
        lambda text: json.dumps(text).encode(),
    ],
)
def test_a_canary_is_found_in_every_form(encoded: Callable[[str], bytes]) -> None:
    """The search itself: of a word, and of 20 characters out of the middle of a secret."""
    looked_for, secret = Canaries(), f"{token_urlsafe(20)}+/=é{token_urlsafe(20)}"
    word = looked_for.word("word")
    looked_for.add(secret, "secret")

    assert any(of.startswith("word") for of in looked_for.found_in(b"before" + encoded(word)))
    assert any(of.startswith("secret") for of in looked_for.found_in(b"before" + encoded(secret[9:29])))
    assert looked_for.found_in(encoded(token_urlsafe(1000))) == set()


async def test_a_run_in_which_everything_goes_wrong_leaks_nothing(app: Exposed) -> None:
    await _subscribed(app)
    await _as_it_should_be(app)
    await _refused_by_the_vault(app)
    async with asyncio.TaskGroup() as tasks:
        commands = tasks.create_task(_operated(app))
        answers = tasks.create_task(_hostile(app))
        tasks.create_task(_unreadable(app))
    await _without_secrets(app)
    await _refused_by_graph(app)
    assert await app.app.stop() == 0

    said = {**commands.result(), "log": app.app.log.read_bytes(), "spans": app.spans.read_bytes()}
    # The doctor tells who has the function key by what account it is logged in.
    assert app.canaries.found_in(answers.result()) == {"mfiles-username", "user name"}
    assert {"access token", "token of M-Files", "client state", "storage key"} <= app.canaries.kinds
    assert f"DEBUG of.anybody: {DEBUGGING}".encode() in said["log"]
    assert app.addresses.found_in(said["spans"]) == set()
    assert not any(f"{app.name}{at}example".encode() in said["spans"] for at in ("@", "%40"))
    async for where, content in stored(app.stores, app.own):
        said[where] = said.get(where, b"") + b"\n" + content
    found = {where: app.canaries.found_in(content) for where, content in said.items()}
    assert {where: leaks for where, leaks in found.items() if leaks} == {}


async def _subscribed(app: Exposed) -> None:
    """At the second try: Entra ID refuses the first one, with words of its own."""
    said = f"Invalid client secret provided for {app.canaries.word('error of Entra ID')}."
    refused = app.box.faults.entra.add(Status(401, message=said, times=1))
    await app.app.run("subscriptions")

    async def is_refused() -> bool:
        return refused.struck > 0

    await app.until(is_refused)
    await app.app.run("subscriptions")

    async def are_live() -> bool:
        return sum(app.name in one.resource for one in app.box.tenant.subscriptions.live()) == 2

    await app.until(are_live)


async def _as_it_should_be(app: Exposed) -> None:
    """A mail is filed and moved, one is skipped, and one waits for its source to be configured rightly."""
    filed, skipped = app.deliver(app.mail()), app.deliver(app.mail(**{SKIPPED: "yes"}))
    held = f"{app.name}-held"
    waiting = app.deliver(app.mail(), held)

    async def is_done() -> bool:
        rows = [await app.row(filed), await app.row(skipped)]
        row = await app.row(waiting, held)
        return all(one and one.settled for one in rows) and bool(row and row.reason)

    await app.until(is_done)
    assert [(await _row(app, one)).state for one in (filed, skipped)] == ["filed", "skipped"]


async def _refused_by_the_vault(app: Exposed) -> None:
    """M-Files repeats in its messages what a request held, and what it may have read in a file."""
    for status, route in (
        (400, "POST /REST/objects/0"),
        (500, "POST /REST/objects/0"),
        (400, "POST /REST/files"),
    ):
        mime = app.mail()
        fault = Status(status, code="SomeException", message=_complaint(mime), route=route, times=1)
        await _struck(app, app.box.faults.vault.add(fault), app.deliver(mime))


def _complaint(mime: bytes) -> str:
    """All that the vault has been told of a mail, in words of every kind: short enough not to be cut."""
    mail = message_from_bytes(mime, policy=SMTP)
    facts = [mail[name] for name in ("Subject", "From", "Cc", "Message-ID", "X-Ticket")]
    body = mail.get_body(("plain",))
    names = [part.get_filename() or "" for part in mail.iter_attachments()]
    return " ".join([*facts, body.get_content().strip() if body else "", *names])


async def _refused_by_graph(app: Exposed) -> None:
    """Throttled, failing, cut short."""
    said = f"Message of {app.canaries.word('error of Graph')}@example.com is not there."
    faults = (
        Status(429, retry_after="30", message=said, route=r"GET /messages/[^/?]+\?", times=1),
        Status(500, code="ErrorInternalServerError", message=said, route="GET /attachments/", times=1),
        Cut(bytes=300, route=r"GET /messages/[^/]+/\$value$", times=1),
    )
    async with asyncio.TaskGroup() as tasks:
        for fault in faults:
            placed = app.box.faults.graph.add(fault)
            tasks.create_task(_struck(app, placed, app.deliver(app.mail())))


async def _struck(app: Exposed, placed: Placed, delivered: Delivered) -> None:
    """Wait until a fault has struck, and the journal says so."""

    async def is_told() -> bool:
        row = await app.row(delivered)
        return placed.struck > 0 and row is not None and bool(row.reason)

    await app.until(is_told)


async def _operated(app: Exposed) -> dict[str, bytes]:
    """The operator's commands that promise to show nothing of a mail."""
    source = ("--source", app.name)
    commands = (
        ("status", "--json"),
        ("reconcile", *source, "--since", "2026-01-01", "--json"),
    )
    answers = {words[0]: await operate("--settings", str(app.settings), *words) for words in commands}
    assert all(one.out and not one.err for one in answers.values()), answers
    return {f"ops.py {name}": (one.out + one.err).encode() for name, one in answers.items()}


async def _hostile(app: Exposed) -> bytes:
    """The answers to who sends what they like, with a wrong function key and the right one."""
    word = app.canaries.word
    item: dict[str, Any] = {
        "clientState": f"{app.name}.{word('forged client state')}",
        "resourceData": {"id": word("forged id"), word("forged name"): word("forged value")},
        "changeType": word("forged type"),
    }
    state, sent = item["clientState"], {"X-Word": word("header sent")}
    requests = []
    for path in ("notifications", "lifecycle"):
        address = f"/api/{path}"
        requests += [
            app.http.post(f"{address}?{word('query')}={word('query')}", json={"value": [item]}, headers=sent),
            app.http.post(address, json={word("forged name"): [], "value": [word("forged item")]}),
            app.http.post(address, content=f'{{"value": [{word("cut body")}'.encode(), headers=sent),
            app.http.post(address, json={"value": [{"clientState": state}]}, headers={"traceparent": state}),
            app.http.post(f"{address}?validationToken=<{word('token')}>"),
        ]
    answers = [await request for request in requests]
    for key in (word("wrong function key"), app.function_key):
        answers.append(await app.http.get(f"/api/doctor?code={key}"))
        answers.append(await app.http.get("/api/health", headers={"x-functions-key": key}))
    assert answers[-2].json()["findings"]
    return b"".join(answer.content for answer in answers)


async def _unreadable(app: Exposed) -> None:
    """Messages of no form, in each queue and each poison queue; whoever puts them there owns the storage."""
    for queue in KINDS:
        await app.queue(queue, f'{{"v": 1, "source": "{app.canaries.word("queue message")}"}}')
        await app.queue(f"{queue}-poison", f"<{app.canaries.word('queue message')}>")
    for function in ("sweep", "watch"):
        await app.app.run(function)


async def _without_secrets(app: Exposed) -> None:
    """Key Vault is down, and the password of M-Files another one."""
    app.key_vault.status = 503
    app.box.vault.add_account(app.accounts.user, app.canaries.word("new password"))
    await _waits(app, app.deliver(app.mail()), "M-Files refuses the log-in")


async def _waits(app: Exposed, delivered: Delivered, why: str) -> None:
    async def is_told() -> bool:
        row = await app.row(delivered)
        return row is not None and why in row.reason

    await app.until(is_told)


async def _row(app: Exposed, delivered: Delivered) -> Row:
    row = await app.row(delivered)
    assert row is not None
    return row
