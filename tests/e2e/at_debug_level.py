"""The app as an operator runs it who wants to see everything: all loggers at DEBUG, every span recorded.

What it is given, mail and secrets, is made of words that stand nowhere else: `canaries`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from sandbox.app import ROOT, App, free_port, write_settings
from sandbox.box import Sandbox
from sandbox.tenant.graph import Delivered
from shared.identities import client_state, filing_key
from shared.journal_row import Row
from tests.e2e.canaries import Canaries
from tests.e2e.conftest import PATIENCE
from tests.e2e.estate import until
from tests.shared.accounts import Stores
from tests.shared.key_vault import KeyVault

FILED, NOT_FILED = "inbox/Filed", "inbox/Not filed"
SKIPPED = "X-Automatic"
DEBUGGING = "all is logged"
"""What the app logs at DEBUG when it starts."""
_AT_DEBUG = {
    "PYTHON_ENABLE_DEBUG_LOGGING": "1",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONWARNINGS": "always",
    "PYTHONFAULTHANDLER": "1",
    "AZURE_LOG_LEVEL": "DEBUG",
    "AZURE_TRACING_ENABLED": "true",
}
_FUNCTION_APP = """\
import logging
import runpy

from tests.e2e.at_debug_level import record_spans

record_spans({spans!r})
app = runpy.run_path({function_app!r})["app"]
logging.captureWarnings(True)
logging.getLogger("of.anybody").debug({debugging!r})
"""
_SOURCES = """\
[vault]
url = "{url}"
guid = "{guid}"
filing-key = "PD.FilingKey"

[defaults.document]
class = "CL.Mail"
title = "{{{{ subject }}}}"

[defaults.document.properties]
"PD.From" = "{{{{ from.address }}}}"
"PD.To" = "{{{{ to }}}}"
"PD.Cc" = "{{{{ cc }}}}"
"PD.Subject" = "{{{{ subject }}}}"
"PD.MessageId" = "{{{{ message_id }}}}"
"PD.Body" = "{{{{ body }}}}"
"PD.AttachmentNames" = "{{{{ attachments | join('; ') }}}}"
"PD.Ticket" = {{ value = "{{{{ header('X-Ticket') }}}}", optional = true }}

[defaults.after]
category = "Filed in M-Files"
move-to = "{filed}"

[defaults.on-failure]
category = "Not filed"
move-to = "{not_filed}"

[[source]]
name = "{name}"
mailbox = "{name}@example.com"

[[source.rule]]
name = "automatic"
when = "header('{skipped}') != ''"
skip = true

[[source]]
name = "{name}-held"
mailbox = "{name}-held@example.com"

[source.document]
class = "CL.Nowhere"
"""


class _ToFile(SpanExporter):
    """One line of JSON for each span."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def export(self, spans: Any) -> SpanExportResult:
        with self._file.open("a", encoding="utf-8") as lines:
            lines.writelines(f"{_line(span)}\n" for span in spans)
        return SpanExportResult.SUCCESS


def _line(span: ReadableSpan) -> str:
    line: str = span.to_json(indent=None)
    return line


def record_spans(file: str) -> None:
    """Have all spans of this process written to a file, as an exporter for Azure Monitor would send them."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(_ToFile(Path(file))))
    trace.set_tracer_provider(provider)


@dataclass(frozen=True)
class Accounts:
    """Those of the app: at M-Files, and at Entra ID."""

    user: str
    client_id: str
    client_secret: str


@dataclass
class Exposed:
    """A running app and everything that it is made to know; `own` is what the test itself has queued."""

    box: Sandbox
    stores: Stores
    key_vault: KeyVault
    app: App
    http: httpx.AsyncClient
    name: str
    canaries: Canaries
    accounts: Accounts
    function_key: str
    settings: Path
    spans: Path
    own: set[str] = field(default_factory=set)
    addresses: Canaries = field(default_factory=Canaries)
    """What Graph's addresses are made of: in the journal and in queue messages, but in no trace."""

    def mail(self, **headers: str) -> bytes:
        """A mail, every part of which is made of words of its own."""
        word, made = self.canaries.word, EmailMessage()
        made["From"] = f"{word('sender name')} <{word('sender')}@{word('sender domain')}.example>"
        made["To"] = f"{word('recipient')}@example.com, {self.name}@example.com"
        made["Cc"] = f"{word('copy name')} <{word('copy')}@example.org>"
        made["Subject"] = f"{word('subject')} {word('subject')} {word('subject')}"
        made["Message-ID"] = f"<{word('message id')}@{word('message id domain')}.example>"
        made["References"] = f"<{word('reference')}@example.org>"
        made["X-Ticket"] = word("header")
        for name, value in headers.items():
            made[name] = value
        made.set_content(f"{word('body')} {word('body')}\n")
        made.add_alternative(f"<p>{word('html')} <a href='https://{word('link')}.example'>x</a></p>", "html")
        made.add_attachment(
            f"%PDF-{word('content')}".encode(), "application", "pdf", filename=f"{word('file name')}.pdf"
        )
        return made.as_bytes(policy=SMTP)

    def deliver(self, mime: bytes, to: str = "") -> Delivered:
        """Put a mail into a watched inbox; without `to`, that of the first source."""
        delivered = self.box.tenant.deliver(f"{to or self.name}@example.com", mime)
        self.addresses.add(delivered.immutable_id, "id of a mail")
        return delivered

    async def row(self, delivered: Delivered, source: str = "") -> Row | None:
        """What the journal says of a mail."""
        source = source or self.name
        return await self.stores.journal.read(source, filing_key(source, delivered.immutable_id))

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something; a busy machine may take its time."""
        await until(holds, PATIENCE, self.app, between=0.1)

    async def queue(self, queue: str, text: str) -> None:
        """Put something into a queue past the app."""
        self.own.add(text)
        await self.stores.queues.send_text(queue, text)


async def stored(stores: Stores, own: set[str]) -> AsyncIterator[tuple[str, bytes]]:
    """All that stands in storage where nothing out of a mail may: queues, tables, names of blobs and what
    is written beside them, and the blobs of container `state`. Staged and kept bytes are the mail itself.
    """
    async for queue in stores.queue_service.list_queues():
        client = stores.queue_service.get_queue_client(queue.name)
        async for page in client.receive_messages(messages_per_page=32, visibility_timeout=1).by_page():
            async for message in page:
                if message.content not in own:
                    yield f"queue {queue.name}", str(message.content).encode()
    async for table in stores.tables.list_tables():
        async for entity in stores.tables.get_table_client(table.name).list_entities():
            for column, value in entity.items():
                yield f"table {table.name}, {column}", _bytes(value)
    async for container in stores.blobs.list_containers(include_metadata=True):
        inside = stores.blobs.get_container_client(container.name)
        yield f"container {container.name}", _bytes(container.metadata)
        async for blob in inside.list_blobs(include=["metadata", "tags"]):
            facts = [blob.name, blob.metadata, blob.tags, blob.content_settings.content_disposition]
            yield f"names in container {container.name}", _bytes(facts)
            if container.name not in ("staging", "kept"):
                content = await (await inside.download_blob(blob.name)).readall()
                yield f"container {container.name}", content


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)).encode()


def _note_tokens(box: Sandbox, canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every token that is given from now on is a canary."""
    issue, begin = box.issuer.issue, box.vault.sessions.begin

    def issued(*arguments: Any, **named: Any) -> str:
        token = issue(*arguments, **named)
        for part in token.split(".")[1:]:
            canaries.add(part, "access token")
        return token

    def begun(*arguments: Any, **named: Any) -> Any:
        session = begin(*arguments, **named)
        canaries.add(session.token, "token of M-Files")
        return session

    monkeypatch.setattr(box.issuer, "issue", issued)
    monkeypatch.setattr(box.vault.sessions, "begin", begun)


def _made_accounts(box: Sandbox, name: str, canaries: Canaries) -> Accounts:
    """An app registration that may write mail."""
    graph = urlsplit(box.addresses.graph)
    client_id = box.directory.register(name).client_id
    box.directory.grant(client_id, f"{graph.scheme}://{graph.netloc}", "Mail.Read", "Mail.ReadWrite")
    return Accounts(f"svc-{canaries.word('user name')}", client_id, box.directory.add_secret(client_id))


def _give_secrets(box: Sandbox, key_vault: KeyVault, accounts: Accounts, canaries: Canaries) -> str:
    """Secrets of this run alone; answers the one that client states are made with."""
    secrets = {
        "graph-client-secret": accounts.client_secret,
        "notification-key": canaries.word("notification key"),
        "mfiles-username": accounts.user,
        "mfiles-password": canaries.word("password"),
    }
    box.vault.add_account(accounts.user, secrets["mfiles-password"])
    for secret, value in secrets.items():
        key_vault.secrets.set(secret, value)
        canaries.add(value, secret)
    return secrets["notification-key"]


def _configured(box: Sandbox, name: str) -> str:
    return _SOURCES.format(
        url=box.addresses.vault,
        guid=box.vault.guid,
        name=name,
        filed=FILED,
        not_filed=NOT_FILED,
        skipped=SKIPPED,
    )


def _add_mailboxes(box: Sandbox, name: str) -> None:
    for mailbox in (name, f"{name}-held"):
        box.tenant.add_mailbox(f"{mailbox}@example.com")
    for folder in (FILED, NOT_FILED):
        box.tenant.add_folder(f"{name}@example.com", folder)


def _function_app(place: Path, spans: Path) -> Path:
    folder = place / "debug-app"
    folder.mkdir()
    shutil.copy(ROOT / "host.json", folder)
    text = _FUNCTION_APP.format(
        spans=str(spans), function_app=str(ROOT / "function_app.py"), debugging=DEBUGGING
    )
    (folder / "function_app.py").write_text(text, encoding="utf-8")
    return folder


@asynccontextmanager
async def exposed(
    box: Sandbox, stores: Stores, name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Exposed]:
    """The app at work on a source called `name`, and on one that is configured wrongly."""
    canaries, port = Canaries(), free_port()
    sources, settings, spans = place / "debug.toml", place / "debug.json", place / "spans.jsonl"
    accounts, function_key = _made_accounts(box, name, canaries), canaries.word("function key")
    _note_tokens(box, canaries, monkeypatch)
    _add_mailboxes(box, name)
    sources.write_text(_configured(box, name), encoding="utf-8")
    async with KeyVault(box) as key_vault:
        key = _give_secrets(box, key_vault, accounts, canaries)
        for source in (name, f"{name}-held"):
            canaries.add(client_state(source, key).removeprefix(f"{source}."), "client state")
        values = box.settings(f"http://127.0.0.1:{port}/api", sources) | {
            "KEY_VAULT_URL": key_vault.url,
            "GRAPH_CLIENT_ID": accounts.client_id,
            "FUNCTIONS_LOCAL_KEY": function_key,
            **dict.fromkeys(("MailStorage", "AzureWebJobsStorage"), stores.connection_string),
            **_AT_DEBUG,
        }
        canaries.add(values["IDENTITY_HEADER"], "header of the managed identity")
        canaries.add(_account_key(stores.connection_string), "storage key")
        write_settings(settings, values)
        app = App(settings, port, place / "debug.log", "--app", str(_function_app(place, spans)))
        async with app, httpx.AsyncClient(base_url=app.address, timeout=30.0) as http:
            yield Exposed(
                box, stores, key_vault, app, http, name, canaries, accounts, function_key, settings, spans
            )


def _account_key(connection_string: str) -> str:
    return dict(part.split("=", 1) for part in connection_string.split(";"))["AccountKey"]
