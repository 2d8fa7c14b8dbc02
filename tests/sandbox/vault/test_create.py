"""Creating objects, and every reason to refuse it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.sandbox.vault.bodies import (
    FROM,
    KEY,
    PURCHASE_ORDER,
    TO,
    Json,
    create,
    document,
    file,
    lines,
    lookup,
    lookups,
    refused,
    text,
    upload,
    value,
)
from tests.sandbox.vault.conftest import Site

pytestmark = pytest.mark.anyio

OBJECT_VERSION = [
    *("Title", "EscapedTitleWithID", "DisplayID", "ObjVer", "Class"),
    *("CheckedOutAtUtc", "CheckedOutAt", "LastModifiedUtc", "LastModified"),
    *("ObjectCheckedOut", "ObjectCheckedOutToThisUser", "CheckedOutTo", "SingleFile"),
    *("HasRelationshipsFrom", "HasRelationshipsTo", "HasRelationshipsFromThis", "HasRelationshipsToThis"),
    *("HasAssignments", "Deleted", "IsStub", "ThisVersionLatestToThisUser", "CreatedUtc", "Created"),
    *("Files", "VisibleAfterOperation", "PathInIDView", "LastModifiedDisplayValue"),
    *("CheckedOutAtDisplayValue", "CreatedDisplayValue", "ObjectVersionFlags", "Score"),
    *("LastAccessedByMe", "AccessedByMeUtc", "AccessedByMe", "ObjectGUID", "ObjectCapabilityFlags"),
    *("ObjectFlags", "propertyID", "LatestCheckedInVersion", "BaseProperties"),
]
OBJECT_FILE = [
    *("Name", "EscapedName", "Extension", "Size", "LastModified", "ChangeTimeUtc", "ChangeTime"),
    *("CreatedUtc", "CreatedDisplayValue", "LastModifiedDisplayValue", "FileGUID", "ID", "Version"),
    "FileVersionType",
]
SAMPLE_OF_THE_DOCUMENTATION: Json = {
    "PropertyValues": [
        {
            "PropertyDef": 100,
            "TypedValue": {
                "DataType": 9,
                "HasValue": False,
                "Value": None,
                "Lookup": {
                    "Deleted": False,
                    "DisplayValue": None,
                    "Hidden": False,
                    "Item": 1,
                    "Version": -1,
                },
                "Lookups": None,
                "DisplayValue": None,
                "SortingKey": None,
                "SerializedValue": None,
            },
        },
        {"PropertyDef": 0, "TypedValue": {"DataType": 1, "HasValue": False, "Value": "my test document"}},
        {"PropertyDef": 22, "TypedValue": {"DataType": 8, "Value": False}},
    ],
    "Files": None,
}


async def test_the_answer_has_exactly_the_recorded_fields_in_their_order(client: httpx.AsyncClient) -> None:
    info = await upload(client)
    created = await create(client, document(single=True, files=[file(info, "offer", "pdf")]))
    assert list(created) == OBJECT_VERSION
    assert list(created["Files"][0]) == OBJECT_FILE
    assert created["ObjVer"] == {"Version": 1, "VersionType": 4, "ID": 1102, "Type": 0}
    assert created["EscapedTitleWithID"] == "Offer 4711 (ID 1102).pdf"
    assert created["PathInIDView"] == "0\\1-1000\\1102\\S\\v1"
    assert created["CheckedOutAtDisplayValue"] == "01.01.1601 00:00"
    assert created["Created"].endswith("Z")
    assert "." not in created["Created"]


async def test_the_body_of_the_documentations_sample_is_accepted(client: httpx.AsyncClient) -> None:
    created = await create(client, SAMPLE_OF_THE_DOCUMENTATION)
    assert (created["Class"], created["SingleFile"], created["Files"]) == (1, False, [])


async def test_the_file_of_a_single_file_document_takes_the_title_of_the_object(
    client: httpx.AsyncClient,
) -> None:
    info = await upload(client)
    created = await create(client, document(single=True, files=[file(info, "offer", "pdf")]))
    assert created["SingleFile"] is True
    assert created["Files"][0]["Name"] == "Offer 4711"
    assert created["Files"][0]["EscapedName"] == "Offer 4711.pdf"


async def test_files_of_a_multi_file_document_keep_their_own_names(
    site: Site, client: httpx.AsyncClient
) -> None:
    one, two = await upload(client, b"message"), await upload(client, b"offer")
    created = await create(client, document(files=[file(one, "message", "eml"), file(two, "a: b/c", "pdf")]))
    assert created["SingleFile"] is False
    assert [item["Name"] for item in created["Files"]] == ["message", "a: b/c"]
    assert created["Files"][1]["EscapedName"] == "a_ b_c.pdf"
    (stored,) = site.vault.objects()
    assert [item.path.read_bytes() for item in stored.files] == [b"message", b"offer"]


async def test_a_file_without_an_extension_is_stored_without_one(client: httpx.AsyncClient) -> None:
    info = await upload(client)
    created = await create(client, document(files=[file(info, "offer.pdf", None)]))
    assert (created["Files"][0]["Name"], created["Files"][0]["Extension"]) == ("offer.pdf", "")


async def test_a_customer_is_no_document(client: httpx.AsyncClient) -> None:
    body = {"PropertyValues": [text(0, "Contoso"), lookup(100, 215)]}
    created = await create(client, body, object_type=136)
    assert created["ObjVer"]["Type"] == 136
    assert created["EscapedTitleWithID"] == "Contoso (ID 136-1102)"
    info = await upload(client)
    assert "files" in await refused(client, body | {"Files": [file(info, "a", "b")]}, object_type=136)


async def test_objects_show_the_time_of_their_creation_with_its_fraction(
    site: Site, client: httpx.AsyncClient
) -> None:
    """The seconds from notification to document are measured by it."""
    for _ in range(3):
        await create(client, document())
    created = [stored.created for stored in site.vault.objects()]
    assert all(moment.tzinfo is not None for moment in created)
    assert created == sorted(created)
    assert any(moment.microsecond for moment in created)


async def test_the_vault_can_be_read_without_its_web_service(site: Site, client: httpx.AsyncClient) -> None:
    info = await upload(client, b"message")
    body = document(
        text(KEY, "0" * 32),
        value(1308, 7, "2026-11-24T17:37:44.5+01:00"),
        value(1310, 5, "2026-11-24"),
        value(1312, 8, True),
        lookup(1313, 5),
        lookups(1315, 11, 14),
        value(1316, 2, 2),
        text(FROM, ""),
        files=[file(info, "message", "eml")],
    )
    await create(client, body)
    (stored,) = site.vault.objects()
    assert (stored.type, stored.id, stored.version, stored.deleted) == (0, 1102, 1, False)
    assert (stored.class_name, stored.title) == ("Mail", "Offer 4711")
    values = dict(stored.values)
    created = stored.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert values == {
        "Name or title": "Offer 4711",
        "Single file": False,
        "Class": "Mail",
        "Filing key": "0" * 32,
        "Sent": "2026-11-24T16:37:44Z",
        "Received date": "2026-11-24",
        "Has attachments": True,
        "Importance": "High",
        "Categories": ["Blue category", "Projects"],
        "Attachment count": 2,
        "From": None,
        "Created": created,
        "Last modified": created,
        "Created by": "svc-mail",
    }


async def test_text_is_cut_at_100_characters_without_a_word(client: httpx.AsyncClient) -> None:
    created = await create(client, document(title="x" * 101))
    assert created["Title"] == "x" * 100


async def test_no_character_is_cut_in_two(client: httpx.AsyncClient) -> None:
    """.NET counts UTF-16: a smiley is two characters to it."""
    assert (await create(client, document(title="x" * 99 + "😀")))["Title"] == "x" * 99
    assert (await create(client, document(title="x" * 98 + "😀")))["Title"] == "x" * 98 + "😀"


async def test_multi_line_text_keeps_its_length_and_comes_back_with_crlf(
    site: Site, client: httpx.AsyncClient
) -> None:
    await create(client, document(lines(TO, "a\nb\r\nc\rd" + "x" * 20_000)))
    (stored,) = site.vault.objects()
    assert stored.values["To"] == "a\r\nb\r\nc\r\nd" + "x" * 20_000


WRONG: list[tuple[Json, str]] = [
    (text(1399, "x"), "no property 1399"),
    (text(KEY, "x"), "given twice"),
    (value(20, 7, "2026-11-24T16:37:44Z"), "kept by the server"),
    (lines(FROM, "x"), "data type 1, not 13"),
    (text(TO, "x"), "data type 13, not 1"),
    (value(FROM, 1, 5), "cannot have this value"),
    (value(FROM, 1, "two\nlines"), "single line"),
    (value(TO, 13, "a\x00b"), "control characters"),
    (value(1312, 8, "true"), "cannot have this value"),
    (value(1312, 8, 1), "cannot have this value"),
    (value(1316, 2, True), "cannot have this value"),
    (value(1316, 2, 2**31), "cannot have this value"),
    (value(1316, 2, 1.5), "cannot have this value"),
    (value(1308, 7, "2026-11-24T16:37:44"), "not a timestamp"),
    (value(1308, 7, "2026-13-24T16:37:44Z"), "not a timestamp"),
    (value(1308, 7, "1600-12-31T23:59:59Z"), "not a timestamp"),
    (value(1308, 7, "9999-12-31T23:59:59-01:00"), "not a timestamp"),
    (value(1310, 5, "2026-11-24T00:00:00Z"), "not a date"),
    (value(1310, 5, "2026-02-30"), "not a date"),
    (lookup(1313, 1), "no item 1"),
    (lookup(1313, 5, version=0), "version must be -1"),
    (value(1313, 9, "High"), "takes its value in Lookup"),
    ({"PropertyDef": 1313, "TypedValue": {"DataType": 9, "Lookup": {"Item": 5}}}, "version must be -1"),
    ({"PropertyDef": 1313, "TypedValue": {"DataType": 9, "Lookups": []}}, "in Lookup."),
    (lookups(1315, 11, 99), "no item 99"),
    (lookups(1315, 11, 11), "twice"),
    (
        {"PropertyDef": 1315, "TypedValue": {"DataType": 10, "Lookup": {"Item": 11, "Version": -1}}},
        "in Lookups.",
    ),
    ({"PropertyDef": FROM, "TypedValue": {"DataType": 1, "Lookups": []}}, "not a lookup"),
    (lookup(39, 150), "needs a workflow"),
    (lookup(38, 111), "no item 111"),
    (value(1311, 6, "25:00:00"), "not a time of day"),
    (value(1311, 6, "16:37"), "not a time of day"),
    (value(1311, 6, "16:37:44Z"), "not a time of day"),
    (value(1311, 6, "2026-11-24T16:37:44Z"), "not a time of day"),
    (value(1311, 7, "16:37:44"), "data type 6, not 7"),
    (value(1317, 3, "1.5"), "cannot have this value"),
    (value(1317, 3, True), "cannot have this value"),
    (value(1317, 3, 10**400), "cannot"),
    (value(1317, 2, 1), "data type 3, not 2"),
    (lookup(35, 1), "kept by the server"),
    (lookups(36, 999), "no item 999"),
    (lookups(36, 207), "is the class and an additional class"),
    (lookups(36, 215), "Class 215 is not a class of object type 0"),
    (lookups(36, 214), "Property 1324 must have a value in class 214"),
]


async def test_a_property_that_is_not_right_is_refused(site: Site, client: httpx.AsyncClient) -> None:
    for change, reason in WRONG:
        assert reason in await refused(client, document(text(KEY, "key"), change)), change
    assert site.vault.objects() == []


async def test_a_state_belongs_to_its_workflow(site: Site, client: httpx.AsyncClient) -> None:
    await create(client, document(lookup(38, 113), lookup(39, 162)))
    (stored,) = site.vault.objects()
    assert (stored.values["Workflow"], stored.values["State"]) == ("Approval", "Approved")
    assert "no item 161" in await refused(client, document(lookup(38, 113), lookup(39, 161)))
    assert "not a state of workflow 113" in await refused(client, document(lookup(38, 113), lookup(39, 150)))


async def test_additional_classes_bring_their_mandatory_properties(
    site: Site, client: httpx.AsyncClient
) -> None:
    await create(client, document(lookups(36, 213, 214), lookup(1324, 31)))
    (stored,) = site.vault.objects()
    assert (stored.class_name, stored.values["Additional classes"]) == (
        "Mail",
        ["Confidential", "Contract mail"],
    )


async def test_built_in_properties_of_mail_are_taken(site: Site, client: httpx.AsyncClient) -> None:
    """That the web service takes them is unverified; a vault without them refuses them."""
    first = await create(client, document(text(83, "<a@x.example>"), text(112, "conversation")))
    reply = lookups(85, first["ObjVer"]["ID"])
    await create(client, document(text(83, "<b@x.example>"), text(84, "<a@x.example>"), reply))
    stored = site.vault.objects()[1]
    assert (stored.values["In-Reply-To"], stored.values["In-Reply-To reference"]) == (
        "<a@x.example>",
        ["Offer 4711"],
    )


async def test_each_data_type_comes_back_as_it_was_sent(site: Site, client: httpx.AsyncClient) -> None:
    body = document(value(1311, 6, "16:37:44"), value(1317, 3, 1.25), value(1316, 2, -7))
    number = (await create(client, body))["ObjVer"]["ID"]
    sent = {
        item["PropertyDef"]: item["TypedValue"]
        for item in (await client.get(f"objects/0/{number}/latest/properties")).json()
    }
    assert (sent[1311]["Value"], sent[1311]["SerializedValue"]) == ("16:37:44", "16%3A37%3A44")
    assert (sent[1317]["Value"], sent[1317]["IsNumberSorting"]) == (1.25, True)
    assert sent[1316]["Value"] == -7
    (stored,) = site.vault.objects()
    assert (stored.values["Received time"], stored.values["Size in megabytes"]) == ("16:37:44", 1.25)


def without(number: int) -> Json:
    body = document()
    body["PropertyValues"] = [item for item in body["PropertyValues"] if item["PropertyDef"] != number]
    return body


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (without(0), "Property 0 must have a value"),
        (document(title=""), "Property 0 must have a value"),
        (without(100), "Property 100"),
        (without(22), "Property 22"),
        (document(class_id=999), "no item 999"),
        (document(class_id=215), "not a class of object type 0"),
        (document(class_id=PURCHASE_ORDER), f"Property {FROM} must have a value"),
        (document(text(FROM, ""), class_id=PURCHASE_ORDER), f"Property {FROM} must have a value"),
        (document(single=True), "exactly one file"),
    ],
)
async def test_what_a_document_needs_must_be_there(
    client: httpx.AsyncClient, body: Json, reason: str
) -> None:
    assert reason in await refused(client, body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"UploadID": 9}, "no upload 9"),
        ({"Size": 14}, "has 15 bytes"),
        ({"Size": None}, "has 15 bytes"),
        ({"Extension": ".pdf"}, "without its dot"),
        ({"Title": None}, "has no title"),
        ({"Title": ""}, "has no title"),
        ({"Name": "offer"}, "unknown field"),
    ],
)
async def test_a_file_that_is_not_right_is_refused_and_its_upload_stays(
    client: httpx.AsyncClient, change: Json, reason: str
) -> None:
    info = file(await upload(client), "offer", "pdf")
    assert reason in await refused(client, document(files=[info | change]))
    await create(client, document(files=[info]))


async def test_files_of_one_object_have_different_names(client: httpx.AsyncClient) -> None:
    one, two = await upload(client), await upload(client)
    names = [file(one, "Offer", "pdf"), file(two, "offer", "PDF")]
    assert "Two files" in await refused(client, document(files=names))
    assert "twice" in await refused(client, document(files=[file(one, "a", "b"), file(one, "c", "d")]))
    assert "exactly one file" in await refused(client, document(single=True, files=names))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"PropertyValues": null}',
        b'{"PropertyValues": [], "Files": [[]]}',
        b'{"PropertyValues": [], "Acl": 1}',
        b'{"PropertyValues": [{"PropertyDef": 0, "TypedValue": {"DataType": 1, "Value": "\\ud800"}}]}',
        b'{"PropertyValues": [{"PropertyDef": 0, "TypedValue": {"DataType": 1, "Value": "\xff"}}]}',
    ],
)
async def test_what_is_no_description_of_an_object_is_refused(
    client: httpx.AsyncClient, content: bytes
) -> None:
    assert (await client.post("objects/0", content=content)).status_code == 400


async def test_there_are_no_objects_of_an_unknown_type(client: httpx.AsyncClient) -> None:
    assert (await client.post("objects/7", json=document())).status_code == 404


async def test_an_object_is_there_although_its_creator_did_not_wait_for_the_answer(
    site: Site, client: httpx.AsyncClient
) -> None:
    """A timeout of a creation says nothing about whether it happened."""
    site.vault.create_delay = 0.5
    with pytest.raises(httpx.ReadTimeout):
        await client.post("objects/0", json=document(), timeout=0.1)
    assert len(site.vault.objects()) == 1


async def test_two_creations_at_once_cannot_share_an_upload(site: Site, client: httpx.AsyncClient) -> None:
    body: Any = document(files=[file(await upload(client), "offer", "pdf")])
    answers = await asyncio.gather(*(client.post("objects/0", json=body) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert len(site.vault.objects()) == 1
