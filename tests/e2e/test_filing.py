"""A mail that arrives is in the vault, once, with all its bytes."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from sandbox.faults import Status
from sandbox.tenant.graph import Delivered
from shared.identities import filing_key
from tests.e2e.conftest import PATIENCE, SOURCE, Installation

pytestmark = pytest.mark.anyio


def mail(subject: str, **files: bytes) -> bytes:
    """A mail with these attachments; an underscore in a name stands for the dot before the extension."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "Ada <ada@contoso.com>", "e2e@example.com", subject
    made["Date"], made["Message-ID"] = "Tue, 24 Nov 2026 10:00:00 +0000", f"<{subject}@contoso.com>"
    made.set_content("Hello")
    for name, content in files.items():
        made.add_attachment(content, "application", "pdf", filename=name.replace("_", "."))
    return made.as_bytes(policy=SMTP)


@pytest.fixture(scope="module", autouse=True)
async def early(installation: Installation) -> Delivered:
    """A mail that could not be read when it was announced: the others come while it waits."""
    met = installation.box.faults.graph.add(
        Status(404, code="ErrorItemNotFound", route=r"GET /users/[^/]+/messages/[^/?]+\?", times=1)
    )
    delivered, end = installation.deliver(mail("Early-1")), time.monotonic() + PATIENCE
    while not met.struck:
        assert time.monotonic() < end, installation.log()[-3000:]
        await asyncio.sleep(0.05)
    return delivered


async def test_a_mail_with_attachments_is_one_document_with_all_its_bytes(installation: Installation) -> None:
    raw = mail("Invoice-1", invoice_pdf=b"%PDF-" + bytes(range(256)) * 40, small_pdf=b"%PDF-")
    delivered = installation.deliver(raw)

    row = await installation.until_ended(delivered.immutable_id)

    (document,) = installation.documents(delivered)
    assert (row.state, row.object_id) == ("filed", document.id)
    found = {f"{file.title}.{file.extension}": file.path.read_bytes() for file in document.files}
    assert found == {
        "Invoice-1.eml": raw,
        "invoice.pdf": b"%PDF-" + bytes(range(256)) * 40,
        "small.pdf": b"%PDF-",
    }
    assert row.digests == tuple(hashlib.sha256(content).digest() for content in found.values())


async def test_a_mail_that_is_filed_is_closed_and_forgotten_by_every_queue(
    installation: Installation,
) -> None:
    delivered = installation.deliver(mail("Closed-1"))

    row = await installation.until_closed(delivered.immutable_id)

    assert (row.state, row.owner, row.due, row.attempt) == ("filed", "", None, 0)
    assert row.settled == row.ended


async def test_the_watch_finds_nothing_to_do_for_a_mail_that_is_closed(installation: Installation) -> None:
    delivered = installation.deliver(mail("Watched-1"))
    before = await installation.until_closed(delivered.immutable_id)

    await installation.app.run("watch")
    await _until_empty(installation)

    assert await installation.row(delivered.immutable_id) == before
    assert len(installation.documents(delivered)) == 1


async def test_metadata_is_what_the_templates_say(installation: Installation) -> None:
    delivered = installation.deliver(mail("Meta-1"))

    await installation.until_ended(delivered.immutable_id)

    (document,) = installation.documents(delivered)
    values = {one.name: one.value for one in document.properties}
    assert document.class_name == "Mail"
    assert values["From"] == "ada@contoso.com"
    assert values["To"] == "e2e@example.com"
    assert values["Sent"] == "2026-11-24T10:00:00Z"
    assert values["Importance"] == "Normal"
    assert values["Has attachments"] is False
    assert values["Filing key"] == filing_key(SOURCE, delivered.immutable_id)


async def test_a_mail_of_many_pieces_is_streamed_whole(installation: Installation) -> None:
    """Three blocks of 4 MiB and a rest, through Blob storage into the vault."""
    content = hashlib.sha256(b"seed").digest() * 400_000
    delivered = installation.deliver(mail("Large-1", large_pdf=content))

    await installation.until_ended(delivered.immutable_id)

    (document,) = installation.documents(delivered)
    sizes = {file.title: (file.size, file.sha256) for file in document.files}
    assert sizes["large"] == (len(content), hashlib.sha256(content).hexdigest())


async def test_the_same_notification_many_times_is_one_document(installation: Installation) -> None:
    delivered = installation.deliver(mail("Twice-1"))
    item = {
        "subscriptionId": "0fc0d6db-0073-42e5-a186-853da75fb308",
        "clientState": installation.client_state,
        "changeType": "created",
        "resourceData": {"id": delivered.immutable_id},
    }
    for _ in range(3):
        answer = await installation.http.post("/api/notifications", json={"value": [item, item]})
        assert answer.status_code == 202
    row = await installation.until_closed(delivered.immutable_id)
    await _until_empty(installation)

    assert (row.state, len(installation.documents(delivered))) == ("filed", 1)


async def test_a_forwarded_mail_is_a_file_of_its_document(installation: Installation) -> None:
    made = EmailMessage()
    made["From"], made["Subject"] = "ada@contoso.com", "Forward-1"
    made.set_content("See below")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("Hello")
    made.add_attachment(inner)
    delivered = installation.deliver(made.as_bytes(policy=SMTP))

    row = await installation.until_ended(delivered.immutable_id)

    (document,) = installation.documents(delivered)
    message, forwarded = document.files
    assert (message.title, forwarded.title, forwarded.extension) == ("Forward-1", "inner", "eml")
    assert forwarded.path.read_bytes().splitlines() == inner.as_bytes(policy=SMTP).splitlines()
    assert row.warnings == ()


async def test_a_mail_whose_templates_give_nothing_is_filed_all_the_same(installation: Installation) -> None:
    delivered = installation.deliver(b"\r\n\r\nno header at all")

    row = await installation.until_ended(delivered.immutable_id)

    (document,) = installation.documents(delivered)
    assert (row.state, document.title) == ("filed", "(no subject)")


async def test_nothing_out_of_a_mail_is_in_the_log(installation: Installation) -> None:
    delivered = installation.deliver(mail("Secret-subject-4711", secretname_pdf=b"secret bytes 4711"))
    await installation.until_ended(delivered.immutable_id)

    log = installation.log()

    for secret in ("Secret-subject-4711", "ada@contoso.com", "secretname", "secret bytes"):
        assert secret not in log
    for name in ("notification-key", "mfiles-password", "graph-client-secret"):
        kept = installation.box.secrets.get(name)
        assert kept is not None
        assert kept.value not in log


async def _until_empty(installation: Installation) -> None:
    """Announcements that have met a worker's claim wait in their own queue until that has run out."""
    for queue in ("vault-import", "mail-filed"):
        for _ in range(400):
            if not await installation.queued(queue):
                break
            await asyncio.sleep(0.05)
        assert await installation.queued(queue) == 0


async def test_the_doctor_finds_the_running_app_well(installation: Installation) -> None:
    """It calls itself, and has Graph call it, while it answers. The host's log has the key."""
    (key,) = set(re.findall(r"x-functions-key, or \?code=\): (\S+)", installation.log()))
    refused = await installation.http.get("/api/doctor")
    answer = await installation.http.get("/api/doctor", headers={"x-functions-key": key})
    health = await installation.http.get("/api/health")

    assert (refused.status_code, answer.status_code) == (401, 200)
    report = answer.json()
    assert [one for one in report["findings"] if one["status"] == "failed"] == []
    assert report["well"]
    assert {one["check"] for one in report["findings"] if one["status"] == "not-run"} == set()
    assert (health.status_code, health.json()) == (200, {"status": "healthy"})
    assert [one.change_type for one in installation.box.tenant.subscriptions.live()].count("deleted") == 0


async def test_a_notification_that_comes_before_its_mail_can_be_read_is_waited_for(
    installation: Installation, early: Delivered
) -> None:
    """Exchange announces a mail from one server before another one has it."""
    row = await installation.until_ended(early.immutable_id, 40.0)

    assert (row.state, row.attempt) == ("filed", 0)
    assert len(installation.documents(early)) == 1
