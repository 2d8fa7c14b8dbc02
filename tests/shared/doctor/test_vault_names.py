"""`names`: each name that the vault has not is a line of its own, with what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.pki import Authority
from sandbox.vault import ExampleVault

from ..vault.site import refusing
from .vault_ground import Ground, of, statuses

pytestmark = pytest.mark.anyio
GOOD: dict[str, Any] = {
    "class": "CL.Invoice",
    "content": "linked-attachments",
    "additional-classes": ["CL.Confidential"],
    "workflow": "WF.Mail",
    "state": "WFS.Mail.New",
    "properties": {
        "PD.From": "{{ from.address }}",
        "PD.Importance": "High",
        "PD.Categories": "Projects; Blue category",
        "PD.Department": {"value": "D-SALES", "by": "external-id"},
        "PD.SubjectArea": {"value": "Orders", "owner": "Sales"},
        "PD.Customer": {"value": "new.example.com", "add-missing": True},
        "PD.CustomerRecord": {"value": "{{ from.domain }}", "match": "PD.EmailDomain"},
    },
    "attachment": {"class": "CL.Attachment", "properties": {"PD.Ticket": "{{ attachment.name }}"}},
}


@pytest.fixture
def ground(tmp_path: Path, authority: Authority) -> Ground:
    return Ground(ExampleVault(tmp_path / "vault"), authority, document=GOOD)


async def test_all_names_are_counted(ground: Ground) -> None:
    found = of("names", await ground.findings("names"))

    assert found.status == "ok"
    assert found.what == "the vault has all 13 names that the source and the rules use"


@pytest.mark.parametrize(
    ("changed", "name", "meant"),
    [
        ({"class": "CL.Invoise"}, 'class "CL.Invoise"', "Invoice"),
        ({"class": "invoces"}, 'class "invoces"', "Invoice"),
        ({"additional-classes": ["CL.Confidental"]}, 'class "CL.Confidental"', "Confidential"),
        ({"object-type": "Dokument"}, 'object type "Dokument"', "Document"),
        ({"workflow": "WF.MailProcesing"}, 'workflow "WF.MailProcesing"', "Mail processing"),
        ({"state": "WFS.Mail.Nw"}, 'state of workflow 110 "WFS.Mail.Nw"', "New"),
        ({"properties": {"PD.Recieved": "x"}}, 'property "PD.Recieved"', "Received"),
        ({"attachment": {"class": "CL.Atachment"}}, 'class "CL.Atachment"', "Attachment"),
        ({"attachment": {"relation": "Referense"}}, 'property "Referense"', "Reference"),
        (
            {"properties": {"PD.CustomerRecord": {"value": "{{ subject }}", "match": "E-mail domian"}}},
            'property "E-mail domian"',
            "E-mail domain",
        ),
    ],
)
async def test_a_name_that_the_vault_has_not_is_told_with_the_nearest(
    ground: Ground, changed: dict[str, Any], name: str, meant: str
) -> None:
    ground.document = {**GOOD, **changed}
    findings = await ground.findings("names", "filing-key")
    found = [one for one in findings if one.check == "names"]

    assert {one.status for one in found} == {"failed"}
    assert any(name in one.what and f'Did you mean "{meant}"?' in one.remedy for one in found)
    assert statuses(findings)["filing-key"] == ["ok"]


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("PD.Importance", "Hihg"),
        ("PD.Categories", "Projects; Green category"),
        ("PD.Department", {"value": "D-SALE", "by": "external-id"}),
        ("PD.SubjectArea", {"value": "Complaints", "owner": "Sales"}),
        ("PD.SubjectArea", {"value": "Orders", "owner": "Purchase"}),
        ("PD.CustomerRecord", {"value": "nobody.example.com", "match": "PD.EmailDomain"}),
        ("PD.Subject", "no choice"),
    ],
)
async def test_a_fixed_choice_that_the_vault_has_not_is_told(
    ground: Ground, reference: str, value: Any
) -> None:
    ground.document = {**GOOD, "properties": {reference: value}}
    found = of("names", await ground.findings("names"))

    assert found.status == ("ok" if reference == "PD.Subject" else "failed")
    if found.status == "failed":
        assert f'source "invoices": property "{reference}"' in found.what


async def test_an_optional_choice_may_miss_its_item(ground: Ground) -> None:
    ground.document = {**GOOD, "properties": {"PD.Importance": {"value": "Hihg", "optional": True}}}

    assert of("names", await ground.findings("names")).status == "ok"


async def test_nothing_is_added_to_a_list_by_looking(ground: Ground) -> None:
    lists = ground.example.structure.value_lists
    await ground.findings("names")

    assert ground.example.structure.value_lists == lists


async def test_a_rule_and_each_of_several_names_has_a_line(ground: Ground) -> None:
    rule = {
        "name": "orders",
        "when": "subject",
        "document": {"class": "CL.Order", "properties": {"PD.Number": 1}},
    }
    ground.document, ground.more = {**GOOD, "class": "CL.Invoise"}, {"rule": [rule]}
    found = [one.what for one in await ground.findings("names") if one.check == "names"]

    assert [one.partition(": the vault")[0] for one in found] == [
        'source "invoices": class "CL.Invoise"',
        'source "invoices", rule "orders": class "CL.Order"',
        'source "invoices", rule "orders": property "PD.Number"',
    ]


async def test_a_structure_that_cannot_be_read_is_told(ground: Ground) -> None:
    ground.instead = refusing("GET /structure/properties", 500)

    assert "cannot be read" in of("names", await ground.findings("names")).what
