"""What a deployed version has left in tables and containers is read by this one, and written so again.

The samples are numbered: the last is what this version writes. Whoever changes a row or a document adds a
sample with the next number, and leaves the former ones: they are read on the day of the deployment, and the
new one by a former version on the day of a roll-back. Those of queues are in `test_queue_messages`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared import (
    breaker_table,
    fingerprints,
    folder_register,
    journal,
    subscription_register,
    unfinished,
)
from shared.breaker import Breaker, BreakerKey
from shared.breaker_table import BreakerTable
from shared.fingerprints import FingerprintTable, Owner
from shared.folder_register import FolderTable, SweptFolder
from shared.journal_row import Row, row_of
from shared.mail import EXAMPLE
from shared.manifest import LeftOut, Manifest, StagedFile
from shared.plan import LinkedDocument, Plan, PlannedFile
from shared.subscription_plan import Registered
from shared.sweep_state import SweepState
from shared.unfinished import OpenMail
from shared.vault.protocol import DataType, NewObject, PropertyValue

from .accounts import Stores
from .clock import NOON
from .row_samples import entity_in, text_of
from .whole_row import WHOLE_ROW

pytestmark = pytest.mark.anyio
SAMPLES = Path(__file__).parent / "samples"
KEY = "c0cd0c40a63e4780f9d8b10abec2c6cc"
MESSAGE = "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A="
DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
EARLY_ROW = Row(
    source="invoices",
    key=KEY,
    state="staged",
    message=MESSAGE,
    arrived=datetime(2026, 11, 24, 16, 37, 44, 123_456, UTC),
    staged=datetime(2026, 11, 24, 16, 37, 46, 5_000, UTC),
    creating=datetime(2026, 11, 24, 16, 37, 47, tzinfo=UTC),
    attempt=2,
    first_tried=datetime(2026, 11, 24, 16, 37, 46, 900_000, UTC),
    due=datetime(2026, 11, 24, 16, 38, 20, tzinfo=UTC),
    sizes=(2048, 5_000_000_000),
    digests=(bytes(range(32)), bytes(range(100, 132))),
    reason="vault: it did not answer (ReadTimeout)",
    warnings=("attachment 2 (item) is within the message only",),
)
WHOLE_BREAKER = Breaker(
    BreakerKey("source", "invoices", "filing"),
    "held",
    suspects=("0" * 32, "1" * 32),
    since=NOON + timedelta(microseconds=123_456),
    reason='class "CL.Größe": the vault has none of that name.',
    remedy="Add it, or correct mail-sources.toml.",
    asks_operator=True,
    probe_owner="run-1",
    probe_until=NOON + timedelta(seconds=90),
    probed_at=NOON,
    proved=NOON,
)
OPEN_MAIL = OpenMail("invoices", EARLY_ROW.arrived, KEY, MESSAGE)
REGISTERED = Registered(
    source="invoices",
    subscription="7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
    resource="users/invoices@example.com/mailFolders('inbox')/messages",
    address="https://example.com/api/notifications",
    key_version="4387e9f3d6e14c459867679a90fd0f79",
    until=NOON + timedelta(days=2),
    renewed=NOON,
)
SWEPT = SweptFolder(
    source="invoices",
    name="AAMkAGI2TG93AAA=",
    first_start=NOON,
    above="inbox",
    last_good=NOON + timedelta(hours=1),
    due=NOON + timedelta(hours=2),
    confirmed=NOON + timedelta(hours=3),
    unannounced=4,
)
SWEEP = SweepState(
    round="again",
    began=NOON,
    link="https://graph.microsoft.com/v1.0/users/x/mailFolders/y/messages/delta?$skiptoken=z",
    folder="AAMkAGI2TG93AAA=",
    mailbox="invoices@example.com",
    compared=7,
    unannounced=3,
    asked=True,
)
OWNER = Owner("invoices", KEY)
MANIFEST = Manifest(
    source="invoices",
    key=KEY,
    message=MESSAGE,
    run="5f2b9c",
    mail=msgspec.structs.replace(EXAMPLE, kind="meeting"),
    files=(
        StagedFile("message.eml", "message", 2048, DIGEST, type="message/rfc822"),
        StagedFile(
            "attachments/0001",
            "file",
            5_000_000_000,
            DIGEST,
            "Größe.pdf",
            "application/pdf",
            note="placeholder",
            derived=True,
        ),
        StagedFile("attachments/0003", "file", 0, DIGEST, "logo.png", "image/png", inline=True, note="empty"),
        StagedFile(
            "attachments/0004", "file", 512, DIGEST, "Re: Größe 2.5", "message/rfc822", attached_as="item"
        ),
        StagedFile(
            "attachments/0005",
            "file",
            512,
            DIGEST,
            "Budget.xlsx",
            "application/internet-shortcut",
            attached_as="reference",
            note="no-address",
        ),
    ),
    left_out=(LeftOut(2, "item", "Re: Größe"),),
    fingerprint=DIGEST,
)
MANIFEST_3 = msgspec.structs.replace(
    MANIFEST,
    mail=msgspec.structs.replace(
        EXAMPLE,
        headers=EXAMPLE.headers[:1],
        folder="",
        link="",
        signed=False,
        encrypted=False,
        tnef=False,
    ),
    files=tuple(msgspec.structs.replace(file, derived=False) for file in MANIFEST.files),
    left_out=(LeftOut(2, "item"),),
)
MANIFEST_2 = msgspec.structs.replace(
    MANIFEST_3, files=tuple(msgspec.structs.replace(file, note="") for file in MANIFEST_3.files[:3])
)
PLAN_1 = Plan(
    key_property=1027,
    document=NewObject(
        3,
        (
            PropertyValue(0, DataType.TEXT, "Invoice 4711"),
            PropertyValue(1027, DataType.TEXT, KEY),
            PropertyValue(1028, DataType.INTEGER, 7),
            PropertyValue(1029, DataType.FLOATING, 1.5),
            PropertyValue(1030, DataType.DATE, "2026-11-24"),
            PropertyValue(1031, DataType.BOOLEAN, True),
            PropertyValue(1032, DataType.LOOKUP, 17),
            PropertyValue(1033, DataType.MULTI_SELECT_LOOKUP, (17, 4)),
        ),
    ),
    files=(
        PlannedFile("message.eml", "Invoice 4711", "eml", 2048),
        PlannedFile("attachments/0001", "Größe", "pdf", 5_000_000_000),
    ),
    warnings=("the title was cut to what a Text property holds",),
)
PLAN = msgspec.structs.replace(
    PLAN_1,
    v=2,
    rule="orders",
    document=msgspec.structs.replace(PLAN_1.document, object_type=20),
    files=tuple(msgspec.structs.replace(file, sha256="a" * 64) for file in PLAN_1.files),
    linked=(
        LinkedDocument(
            1,
            "f" * 32,
            76,
            DataType.MULTI_SELECT_LOOKUP,
            NewObject(4, (PropertyValue(0, DataType.TEXT, "Größe"),)),
            (PlannedFile("attachments/0001", "Größe", "pdf", 5_000_000_000, "a" * 64),),
        ),
    ),
)


@dataclass(frozen=True)
class Kept:
    """Something that stands in a table: how it is read there and written."""

    table: str
    of_samples: Mapping[str, Any]
    read: Callable[[Stores], Awaitable[Any]]
    write: Callable[[Stores, Any], Awaitable[object]]


async def _the_row(stores: Stores) -> Row | None:
    (part,) = [row async for row in stores.journal.rows()]
    return await stores.journal.read(part.source, part.key)


async def _the_breaker(stores: Stores) -> Breaker:
    (found,) = (await BreakerTable(stores.tables).read_all()).values()
    return found


async def _the_open_mail(stores: Stores) -> OpenMail:
    (found,) = [mail async for mail in stores.unfinished.all()]
    return found


async def _the_subscription(stores: Stores) -> Registered:
    (found,) = await stores.register.rows()
    return found


TABLES = [
    Kept(
        journal.TABLE,
        {
            "filings.1.json": EARLY_ROW,
            "filings.2.json": replace(WHOLE_ROW, planned=(), linked=()),
            "filings.3.json": WHOLE_ROW,
        },
        _the_row,
        lambda stores, row: stores.journal.insert(row),
    ),
    Kept(
        unfinished.TABLE,
        {"unfinished.1.json": OPEN_MAIL},
        _the_open_mail,
        lambda stores, mail: stores.unfinished.add(mail),
    ),
    Kept(
        breaker_table.TABLE,
        {"breakers.1.json": replace(WHOLE_BREAKER, proved=None), "breakers.2.json": WHOLE_BREAKER},
        _the_breaker,
        lambda stores, breaker: BreakerTable(stores.tables).write(breaker),
    ),
    Kept(
        subscription_register.TABLE,
        {
            "subscriptions.1.json": replace(REGISTERED, key_version="", until=None, renewed=None),
            "subscriptions.2.json": replace(REGISTERED, until=None, renewed=None),
            "subscriptions.3.json": REGISTERED,
        },
        _the_subscription,
        lambda stores, row: stores.register.add(row),
    ),
]
TABLES += [
    Kept(
        folder_register.TABLE,
        {"folders.1.json": SWEPT},
        lambda stores: FolderTable(stores.tables).read(SWEPT.source, SWEPT.name),
        lambda stores, folder: FolderTable(stores.tables).add(folder),
    ),
    Kept(
        fingerprints.TABLE,
        {"fingerprints.1.json": OWNER},
        lambda stores: FingerprintTable(stores.tables).owner(DIGEST),
        lambda stores, owner: FingerprintTable(stores.tables).add(DIGEST, owner),
    ),
]
DOCUMENTS: dict[str, msgspec.Struct] = {
    "manifest.1.json": msgspec.structs.replace(MANIFEST_2, fingerprint=""),
    "manifest.2.json": MANIFEST_2,
    "manifest.3.json": MANIFEST_3,
    "manifest.4.json": MANIFEST,
    "plan.1.json": PLAN_1,
    "plan.2.json": PLAN,
    "sweep.1.json": SWEEP,
}
LAST_DOCUMENTS = ("manifest.4.json", "plan.2.json", "sweep.1.json")


def text(folder: str, file: str) -> str:
    return (SAMPLES / folder / file).read_text(encoding="utf-8")


def without_etag(value: Any) -> Any:
    return replace(value, etag="") if isinstance(value, Row | Breaker | Owner) else value


@pytest.mark.parametrize(
    ("kept", "file"), [pytest.param(kept, file, id=file) for kept in TABLES for file in kept.of_samples]
)
async def test_a_row_of_any_version_so_far_is_read(stores: Stores, kept: Kept, file: str) -> None:
    table = await stores.tables.create_table(kept.table)
    await table.create_entity(entity_in(text("rows", file)))

    assert without_etag(await kept.read(stores)) == kept.of_samples[file]


@pytest.mark.parametrize("kept", TABLES, ids=lambda kept: kept.table)
async def test_a_row_of_this_version_is_written_as_the_last_sample(stores: Stores, kept: Kept) -> None:
    """The names of the columns and their types: what is an Int32 stays one, and what is empty is left out."""
    file, value = list(kept.of_samples.items())[-1]

    await kept.write(stores, value)

    (entity,) = [one async for one in stores.tables.get_table_client(kept.table).list_entities()]
    assert text_of(entity) == text("rows", file)


@pytest.mark.parametrize("file", DOCUMENTS)
def test_a_document_of_any_version_so_far_is_read(file: str) -> None:
    document = DOCUMENTS[file]

    assert msgspec.json.decode(text("documents", file).encode(), type=type(document)) == document


@pytest.mark.parametrize("file", LAST_DOCUMENTS)
def test_a_document_of_this_version_is_written_as_its_sample(file: str) -> None:
    assert msgspec.json.encode(DOCUMENTS[file]).decode() == text("documents", file).strip()


def test_each_sample_has_its_test_and_the_last_of_each_table_is_that_of_this_version() -> None:
    rows = {file for kept in TABLES for file in kept.of_samples}

    assert {file.name for file in (SAMPLES / "rows").iterdir()} == rows
    assert {file.name for file in (SAMPLES / "documents").iterdir()} == DOCUMENTS.keys()
    for kept in TABLES:
        assert list(kept.of_samples) == [
            f"{kept.table}.{number}.json" for number in range(1, len(kept.of_samples) + 1)
        ]


@pytest.mark.parametrize(
    "value",
    [WHOLE_ROW, WHOLE_BREAKER, OPEN_MAIL, REGISTERED, SWEPT, OWNER],
    ids=lambda value: type(value).__name__,
)
def test_what_is_in_the_last_sample_has_every_field(value: Any) -> None:
    """So that a new field is a new sample."""
    found = {one.name: getattr(value, one.name) for one in fields(value)}

    assert {name for name, one in found.items() if one in (None, "", ()) or one is False} <= {"etag"}


def test_every_field_of_the_documents_is_in_their_samples() -> None:
    """So that a new field is a new sample."""

    def left_empty(value: object) -> list[str]:
        if isinstance(value, msgspec.Struct):
            return [name for name in value.__struct_fields__ if getattr(value, name) in ("", (), None)]
        return []

    assert left_empty(MANIFEST) == left_empty(PLAN) == left_empty(MANIFEST.mail) == []
    assert left_empty(MANIFEST.left_out[0]) == []
    assert left_empty(MANIFEST.files[1]) == left_empty(PLAN.document) == left_empty(PLAN.files[0]) == []
    assert left_empty(PLAN.linked[0]) == []


def test_the_early_row_is_of_a_mail_that_is_open_since_it_arrived() -> None:
    """What it does not say yet has its meaning all the same: unclaimed, never handed over, not settled."""
    row = row_of(entity_in(text("rows", "filings.1.json")))

    assert row.open_since == row.arrived
    assert (row.owner, row.claim_expires, row.handed, row.settled) == ("", None, None, None)
    assert not row.is_closed
    assert OpenMail.of(row) == OPEN_MAIL
