"""Mailboxes, folders, and what the app may do that it need not."""

from __future__ import annotations

import pytest

from sandbox.faults import Status
from shared.doctor.finding import Finding, ok
from shared.doctor.mailboxes import unreadable
from shared.doctor.many import LISTED, summed_up
from shared.graph.faults import NotFound

from .set_up import SetUp, of, told

pytestmark = pytest.mark.anyio


async def one(ready: SetUp, check: str, *more: str) -> Finding:
    (found,) = of(check, await ready.only(check, *more))
    return found


async def test_a_mailbox_that_nobody_has_is_told_as_such(ready: SetUp) -> None:
    exchange, app = ready.box.tenant.exchange, ready.app.client_id
    exchange.unrestrict(app)
    with ready.configured(mailbox="nobody@example.com"):
        found = await one(ready, "mailbox")
    exchange.restrict(app, [ready.mailbox])

    assert found.status == "failed"
    assert "there is no such mailbox" in found.what
    assert "Get-Mailbox nobody@example.com" in found.remedy


def test_one_that_is_not_in_exchange_online_is_told_apart() -> None:
    found = unreadable("a@example.com", NotFound("MailboxNotEnabledForRESTAPI"))

    assert "on premises" in found.what
    assert "Get-Recipient a@example.com" in found.remedy


async def test_too_many_requests_are_no_fault_of_the_set_up(ready: SetUp) -> None:
    faults = ready.box.faults.graph
    faults.add(Status(status=429, route="GET /users/.*/messages"))
    found = await one(ready, "mailbox")
    faults.clear()

    assert found.status == "warning"
    assert "too many requests" in found.what


async def test_a_graph_that_is_down_is_a_failure(ready: SetUp) -> None:
    faults = ready.box.faults.graph
    faults.add(Status(status=503, route="GET /users/.*/messages"))
    found = await one(ready, "mailbox")
    faults.clear()

    assert found.status == "failed"
    assert "503" in found.what


async def test_a_mailbox_of_two_sources_is_read_once(ready: SetUp) -> None:
    both = [ready.source, {**ready.source, "name": "other", "folders": ["archive"]}]
    before, ready.document = ready.document, {**ready.document, "source": both}
    findings = await ready.only("mailbox", "folder")
    ready.document = before

    assert len(of("mailbox", findings)) == 1
    assert [one.subject.rpartition(" ")[2] for one in of("folder", findings)] == [
        "inbox",
        "inbox/Scans",
        "archive",
    ]


@pytest.mark.parametrize(
    ("folder", "meant"),
    [
        ("inbx", '"inbox"'),
        ("Scans of mail", '"msgfolderroot/Scans of mail"'),
        ("inbox/scasn", '"inbox/Scans"'),
        ("inbox/Scans/2026", ""),
        ("nothing/like/it", ""),
    ],
)
async def test_a_folder_that_is_not_there_is_told_with_the_one_that_was_meant(
    ready: SetUp, folder: str, meant: str
) -> None:
    if folder.startswith("Scans of"):
        ready.box.tenant.add_folder(ready.mailbox, folder)
    with ready.configured(folders=[folder]):
        found = await one(ready, "folder", "mailbox")

    assert (found.status, found.what) == ("failed", f'there is no folder "{folder}"')
    assert ("Did you mean" in found.remedy) == bool(meant)
    assert meant in found.remedy


async def test_folders_that_mail_is_moved_to_are_looked_for_too(ready: SetUp) -> None:
    rule = {"name": "orders", "when": "subject is matching('^PO')", "after": {"move-to": "inbox/Scnas"}}
    with ready.configured(rule=[rule], after={"move-to": "Archive"}):
        findings = of("folder", await ready.only("folder"))

    by_name = {one.subject.partition(" ")[2]: one for one in findings}
    assert by_name["Archive"].status == "ok"
    assert by_name["inbox/Scnas"].status == "failed"
    assert 'Did you mean "inbox/Scans"? Correct move-to' in by_name["inbox/Scnas"].remedy


async def test_without_a_mailbox_to_try_the_permission_itself_is_a_warning(ready: SetUp) -> None:
    with ready.changed(VAULTPOST_OUTSIDE_MAILBOX=""):
        found = await one(ready, "scope", "token")

    assert found.status == "warning"
    assert "all mailboxes of the tenant" in found.what
    assert f"Test-ApplicationAccessPolicy -AppId {ready.app.client_id}" in found.remedy
    assert "VAULTPOST_OUTSIDE_MAILBOX" in found.remedy


async def test_a_mailbox_of_the_configuration_tells_nothing_of_the_scope(ready: SetUp) -> None:
    with ready.changed(VAULTPOST_OUTSIDE_MAILBOX=ready.mailbox.upper()):
        found = await one(ready, "scope")

    assert found.status == "warning"
    assert "a mailbox of the configuration" in found.what


async def test_a_permission_that_nothing_needs_is_a_warning(ready: SetUp) -> None:
    directory, audience = ready.box.directory, ready.box.addresses.graph.removesuffix("/v1.0")
    granted = directory._roles[ready.app.client_id, audience]
    directory.grant(ready.app.client_id, audience, "Mail.Send", "Mail.ReadWrite")
    findings = await ready.only("token", "scope")
    directory._roles[ready.app.client_id, audience] = granted

    excess = [one.subject for one in of("scope", findings) if one.status == "warning"]
    assert excess == ["Mail.ReadWrite", "Mail.Send"], told(findings)


def test_of_many_that_are_well_the_number_is_told() -> None:
    few = [ok("folder", "is there", subject=str(number)) for number in range(LISTED)]
    bad = Finding("folder", "failed", "is not there", "Make it.")

    assert summed_up("folder", [*few, bad], "folders are there") == [*few, bad]
    assert [one.what for one in summed_up("folder", [*few, bad, *few], "folders are there")] == [
        f"{2 * LISTED} folders are there",
        "is not there",
    ]
