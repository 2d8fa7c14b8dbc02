"""`filing-key`: it is there, of data type Text, on each class, and found by a search right after a write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sandbox.pki import Authority
from sandbox.vault import ExampleVault
from sandbox.vault.structure import DataType
from shared.doctor import trial_document
from shared.doctor.finding import Finding
from shared.errors import Unavailable

from ..vault.site import Handler, error, refusing
from .vault_ground import CONTRACT, KEY, MAIL, Ground, of, statuses

pytestmark = pytest.mark.anyio
CREATE = "POST /objects/0"


@pytest.fixture
def ground(tmp_path: Path, authority: Authority) -> Ground:
    return Ground(ExampleVault(tmp_path / "vault"), authority)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_document, "WAITS", (0.1, 0.1))


def others_are_well(findings: list[Finding]) -> None:
    known = statuses(findings)
    assert {check: known[check] for check in ("vault-tls", "vault-login", "names")} == {
        "vault-tls": ["ok"],
        "vault-login": ["ok"],
        "names": ["ok"],
    }


async def failed(ground: Ground, *, write: bool = True) -> Finding:
    """What `filing-key` says, which alone has failed."""
    findings = await ground.findings(write=write)
    others_are_well(findings)
    found = of("filing-key", findings)
    assert found.status == "failed"
    return found


def left(ground: Ground) -> list[bool]:
    """Of each object in the vault, whether it is marked deleted."""
    return [one.deleted for one in ground.example.objects()]


async def test_a_document_is_written_found_and_marked_deleted_if_that_is_asked(ground: Ground) -> None:
    found = of("filing-key", await ground.findings(write=True))
    (made,) = ground.example.objects()

    assert found.status == "ok"
    assert 'a document of class "Mail" was found by it at once' in found.what
    assert made.deleted
    assert made.title.startswith("Written by Vaultpost's doctor, to be deleted (")
    assert made.files == ()


@pytest.mark.parametrize("filed", [True, Unavailable("the journal is down")], ids=["filed", "not known"])
async def test_none_is_written_where_it_is_not_asked_and_mail_was_filed(ground: Ground, filed: Any) -> None:
    ground.filed = filed
    found = of("filing-key", await ground.findings())

    assert found.status == "ok"
    assert "python3 ops.py doctor --write" in found.what
    assert "on each class used (1)" in found.what
    assert ground.example.objects() == []


async def test_one_is_written_as_long_as_nothing_was_ever_filed(ground: Ground) -> None:
    ground.filed = False
    assert of("filing-key", await ground.findings()).status == "ok"
    assert left(ground) == [True]


async def test_a_property_that_is_missing_is_told(ground: Ground) -> None:
    properties = ground.example.structure.properties
    classes = ground.example.structure.classes
    ground.change_structure(
        properties={number: one for number, one in properties.items() if number != KEY},
        classes={
            number: replace(one, optional=tuple(other for other in one.optional if other != KEY))
            for number, one in classes.items()
        },
    )
    found = await failed(ground)

    assert 'property "PD.FilingKey": the vault has none' in found.what
    assert left(ground) == []


async def test_a_property_of_another_data_type_is_told(ground: Ground) -> None:
    ground.change_key(data_type=DataType.MULTI_LINE_TEXT)
    found = await failed(ground)

    assert "is not of data type Text, but of type 13" in found.what
    assert "Property Definitions" in found.remedy
    assert left(ground) == []


async def test_a_property_that_the_vault_fills_itself_is_told(ground: Ground) -> None:
    ground.change_key(automatic="%PROPERTY_0%")

    assert "makes the values of property" in (await failed(ground)).what


async def test_a_class_without_the_property_fails_for_each(ground: Ground) -> None:
    """M-Files lets an object have more than its class has, but users may take it off."""
    ground.document = {
        "class": "CL.Mail",
        "content": "linked-attachments",
        "attachment": {"class": "CL.Confidential"},
    }
    findings = await ground.findings(write=True)
    others_are_well(findings)
    lacking, proof = [one for one in findings if one.check == "filing-key"]

    assert (lacking.status, lacking.subject) == ("failed", "Confidential")
    assert 'class "Confidential" does not have property "Filing key"' in lacking.what
    assert "Classes > Confidential > Properties" in lacking.remedy
    assert proof.status == "ok"


async def test_a_search_that_lags_behind_a_write_is_told_with_its_seconds(ground: Ground) -> None:
    ground.example.search_lag = 0.15
    found = await failed(ground)

    assert "found only 0.1 s later" in found.what or "found only 0.2 s later" in found.what
    assert "Searches by property must see what was written before" in found.remedy
    assert left(ground) == [True]


async def test_a_document_that_is_not_found_at_all_is_told_and_marked_deleted(ground: Ground) -> None:
    ground.example.search_lag = 3600
    found = await failed(ground)

    assert 'was written and then not found by property "Filing key"' in found.what
    assert left(ground) == [True]


async def test_an_account_that_does_not_see_what_it_creates_is_told(ground: Ground) -> None:
    ground.example.hides_new_objects = True
    found = await failed(ground)

    assert "does not see the document" in found.what
    assert "permissions" in found.remedy


async def test_an_account_that_may_not_create_is_told(ground: Ground) -> None:
    ground.instead = refusing(CREATE, 403, error(403))
    found = await failed(ground)

    assert 'no document of class "Mail" can be written' in found.what
    assert "Let the account of mfiles-username create documents" in found.remedy


async def test_a_document_whose_creation_was_not_answered_is_marked_deleted(ground: Ground) -> None:
    async def lost(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if request.method == "POST" and request.path == "/REST/objects/0":
            return web.Response(status=502)
        return answer

    ground.instead = lost

    assert "ended so: M-Files answered 502" in (await failed(ground)).what
    assert left(ground) == [True]


async def test_a_creation_that_ends_late_is_waited_for_and_marked_deleted(ground: Ground) -> None:
    """Of whatever type: the first search comes too early."""
    searches = 0

    async def late(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal searches
        answer = await handler(request)
        if request.method == "POST" and request.path == "/REST/objects/0":
            return web.Response(status=502)
        if request.path == "/REST/objects":
            searches += 1
            if searches == 1:
                return web.json_response({"Items": [], "MoreResults": False})
        return answer

    ground.instead = late

    assert "ended so: M-Files answered 502" in (await failed(ground)).what
    assert searches == 2
    assert left(ground) == [True]


async def test_one_of_which_nobody_knows_whether_it_was_created_is_told(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    ground.instead = refusing(CREATE, 502, error(502))
    findings = await ground.findings(write=True)
    others_are_well(findings)
    found, warned = [one for one in findings if one.check == "filing-key"]

    assert (found.status, warned.status) == ("failed", "warning")
    assert "a document, if there is one" in warned.what
    assert "was left behind: its creation was not answered" in warned.what
    assert "trial-document-left-behind" in caplog.text


async def test_nothing_is_written_unasked_while_every_source_only_observes(ground: Ground) -> None:
    """Who observes has not agreed to anything being written, and would have it at each look."""
    ground.filed = False
    ground.more = {"mode": "observe"}
    found = of("filing-key", await ground.findings())

    assert found.status == "ok"
    assert "every source only observes. To do that: python3 ops.py doctor --write" in found.what
    assert left(ground) == []


async def test_a_document_that_cannot_be_marked_deleted_is_a_warning(ground: Ground) -> None:
    ground.example.may_delete = False
    findings = await ground.findings(write=True)
    others_are_well(findings)
    proof, warned = [one for one in findings if one.check == "filing-key"]
    (made,) = ground.example.objects()

    assert (proof.status, warned.status) == ("ok", "warning")
    assert "was left behind" in warned.what
    assert "Delete it in M-Files" in warned.remedy
    assert not made.deleted


@pytest.mark.parametrize("status", [403, 503])
async def test_a_document_that_is_not_seen_to_be_ones_own_is_a_warning(ground: Ground, status: int) -> None:
    """Of twins, the app deletes only those that it has created itself."""

    async def hidden(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/latest/properties"):
            return web.json_response(error(status), status=status)
        return await handler(request)

    ground.instead = hidden
    findings = await ground.findings(write=True)
    others_are_well(findings)
    proof, warned = [one for one in findings if one.check == "filing-key"]

    assert (proof.status, warned.status) == ("ok", "warning")
    assert "Created by" in warned.remedy
    assert left(ground) == [True]


async def test_required_properties_are_filled_with_what_means_nothing(ground: Ground) -> None:
    required = (0, 1302, 1303, 1308, 1310, 1311, 1312, 1316, 1317)
    ground.change_class(MAIL, required=required, optional=(KEY,))
    found = of("filing-key", await ground.findings(write=True))
    (made,) = ground.example.objects()

    assert found.status == "ok"
    assert {one.id for one in made.properties} >= set(required)


async def test_a_required_choice_sends_it_to_a_plain_class(ground: Ground) -> None:
    ground.document = {"class": "CL.Contract"}
    found = of("filing-key", await ground.findings(write=True))
    (made,) = ground.example.objects()

    assert found.status == "ok"
    assert 'of class "Other document", as class "Contract mail" requires "Department"' in found.what
    assert made.class_name == "Other document"


async def test_without_a_class_that_can_be_filled_it_is_not_run(ground: Ground) -> None:
    ground.document = {"class": "CL.Contract"}
    classes = ground.example.structure.classes
    ground.change_structure(classes={CONTRACT: classes[CONTRACT]})
    findings = await ground.findings(write=True)
    others_are_well(findings)
    found = of("filing-key", findings)

    assert found.status == "not-run"
    assert 'class "Contract mail" requires "Department"' in found.what
    assert ground.example.objects() == []


async def test_a_search_that_is_refused_is_told(ground: Ground) -> None:
    ground.instead = refusing("GET /objects", 400, error(400))

    assert "cannot be searched" in (await failed(ground, write=False)).what
