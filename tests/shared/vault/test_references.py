"""Which texts of the configuration may be aliases of the vault's structure."""

from __future__ import annotations

import msgspec

from shared.configuration import Configuration, Rule, VaultSection
from shared.vault.references import references

from ..made import source
from .site import configuration_of

GUID = "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"


def test_what_a_document_names_is_asked_for_by_its_kind() -> None:
    document = {
        "object-type": "OT.Document",
        "additional-classes": ["CL.Confidential", 214],
        "workflow": "WF.Mail",
        "state": "WFS.Mail.New",
        "properties": {"PD.Customer": {"value": "{{ subject }}", "match": "PD.EmailDomain"}, "1302": "x"},
        "attachment": {"class": "CL.Attachment", "properties": {"PD.Name": "y"}, "relation": "PD.Mail"},
    }

    found = references(configuration_of("https://vault.example", GUID, document=document))

    assert found == {
        "properties": ["1302", "PD.Customer", "PD.EmailDomain", "PD.FilingKey", "PD.Mail", "PD.Name"],
        "objecttypes": ["OT.Document"],
        "classes": ["CL.Attachment", "CL.Confidential", "CL.Mail"],
        "workflows": ["WF.Mail"],
        "workflowstates": ["WFS.Mail.New"],
        "statetransitions": [],
        "valuelists": [],
    }


def test_rules_count_as_their_source_does_and_ids_need_no_asking() -> None:
    made = source("invoices", document={"class": 207, "properties": {}})
    rule = msgspec.convert(
        {"name": "orders", "document": {"class": "CL.Order", "properties": {"PD.Order": "x"}}},
        type=Rule,
    )
    configured = Configuration(
        VaultSection("https://vault.example", GUID, 1301), (msgspec.structs.replace(made, rule=(rule,)),)
    )

    found = references(configured)

    assert found["classes"] == ["CL.Order"]
    assert found["properties"] == ["PD.Order"]
    assert found["objecttypes"] == []
