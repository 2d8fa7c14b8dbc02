"""Names that the vault does not have are told before a mail meets them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from shared.breaker import Breaker, BreakerKey
from shared.breaker_table import Breakers
from shared.errors import Unavailable
from shared.name_check import EVERY, NameCheck, missing_names
from shared.testing.breaker_table import InMemoryBreakerTable

from .clock import NOON, FakeClock
from .made import source
from .memory_structure import MemoryStructure
from .vault.fake import FakeVault

pytestmark = pytest.mark.anyio
GOOD: dict[str, Any] = {
    "class": "CL.Invoice",
    "content": "linked-attachments",
    "additional-classes": ["CL.Confidential"],
    "workflow": "WF.Mail",
    "state": "WFS.New",
    "properties": {"PD.From": "{{ from }}"},
    "attachment": {"class": "CL.Attachment", "properties": {"PD.Count": 1}},
}


async def missing(document: dict[str, Any], **more: Any) -> list[str]:
    found = await missing_names(source(document=document, **more), MemoryStructure())
    return [fault.reason for fault in found]


async def test_what_the_vault_has_is_not_told() -> None:
    assert await missing(GOOD) == []


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"class": "CL.None"}, "CL.None"),
        ({"class": "CL.Company"}, "CL.Company"),
        ({"additional-classes": ["CL.Confidential", "CL.None"]}, "CL.None"),
        ({"object-type": "OT.None"}, "OT.None"),
        ({"workflow": "WF.None"}, "WF.None"),
        ({"state": "WFS.Open"}, "WFS.Open"),
        ({"properties": {"PD.None": 1}}, "PD.None"),
        ({"attachment": {"class": "CL.None"}}, "CL.None"),
        ({"attachment": {"properties": {"PD.None": 1}}}, "PD.None"),
        ({"attachment": {"relation": "PD.None"}}, "PD.None"),
    ],
)
async def test_each_name_that_it_has_not_is_told_with_its_place(changed: dict[str, Any], name: str) -> None:
    told = await missing({**GOOD, **changed})

    assert told
    assert all(one.startswith('source "invoices": ') and name in one for one in told)


async def test_a_rule_that_no_mail_has_met_is_looked_at_too() -> None:
    """A class mistyped for the statements of January is told in November."""
    yearly = {
        "name": "yearly",
        "when": "subject",
        "document": {"class": "CL.Yearly", "properties": {"PD.No": 1}},
    }
    told = await missing({"class": "CL.Invoice"}, rule=[yearly, {"name": "spam", "skip": True}])

    assert [one.partition(": ")[0] for one in told] == ['source "invoices", rule "yearly"'] * 2


async def test_what_is_not_used_is_not_looked_up() -> None:
    document = {"class": "CL.Invoice", "attachment": {"class": "CL.None", "relation": "PD.None"}}

    assert await missing(document) == []


def check(vault: FakeVault, clock: FakeClock, table: InMemoryBreakerTable, class_: str) -> NameCheck:
    sources = {"invoices": source(document={"class": class_})}
    return NameCheck(sources, "PD.FilingKey", vault, Breakers(table, clock), clock)


async def test_it_is_told_once_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    clock, vault = FakeClock(), FakeVault()
    names = check(vault, clock, InMemoryBreakerTable(), "CL.None")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await names.run()
        assert [record.getMessage().count("CL.None") for record in caplog.records] == [1]
        clock.advance(seconds=EVERY)
        await names.run()

    assert len(caplog.records) == 2
    assert not vault.objects


async def test_a_vault_that_is_down_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Down(FakeVault):
        async def structure(self, *, fresh: bool = False) -> MemoryStructure:
            self.calls["structure"] += 1
            raise Unavailable("the vault is down", origin="vault")

    clock, vault, table = FakeClock(), Down(), InMemoryBreakerTable()
    names = check(vault, clock, table, "CL.None")
    with caplog.at_level(logging.ERROR):
        await names.run()
        await names.run()
        await table.write(Breaker(BreakerKey("service", "vault"), "open", since=NOON, reason="down"))
        clock.advance(seconds=EVERY)
        await names.run()

    assert vault.calls["structure"] == 1
    assert caplog.records == []


async def test_a_filing_key_that_is_missing_is_told(caplog: pytest.LogCaptureFixture) -> None:
    names = check(FakeVault(), FakeClock(), InMemoryBreakerTable(), "CL.Invoice")
    names.filing_key = "PD.None"
    with caplog.at_level(logging.ERROR):
        await names.run()

    assert "PD.None" in caplog.records[0].getMessage()


@pytest.mark.parametrize(
    ("reference", "setting", "is_told"),
    [
        ("PD.Customer", "Contoso", False),
        ("PD.Customer", "Contso", True),
        ("PD.Customer", "Twin", True),
        ("PD.Customer", {"value": "Contso", "optional": True}, False),
        ("PD.Customer", {"value": "Contso", "add-missing": True}, False),
        ("PD.Customer", "{{ from.domain }}", False),
        ("PD.Labels", "Contoso; Fabrikam;", False),
        ("PD.Labels", "Contoso; Contso", True),
        ("PD.Area", {"value": "General", "owner": "Sales"}, False),
        ("PD.Area", {"value": "Complaints", "owner": "Sales"}, True),
        ("PD.Area", {"value": "{{ subject }}", "owner": "Sale"}, True),
        ("PD.Area", {"value": "Complaints", "owner": "{{ subject }}"}, False),
        ("PD.Company", {"value": "{{ from.domain }}", "match": "PD.Domain"}, False),
        ("PD.Company", {"value": "{{ from.domain }}", "match": "PD.Domian"}, True),
        ("PD.From", "no choice", False),
    ],
)
async def test_a_choice_that_is_the_same_for_all_mail_is_looked_up(
    reference: str, setting: Any, *, is_told: bool
) -> None:
    structure = MemoryStructure()
    before = {number: list(items) for number, items in structure.items.items()}
    made = source(document={"class": "CL.Invoice", "properties": {reference: setting}})

    assert bool(await missing_names(made, structure)) == is_told
    assert structure.items == before  # nothing is added by looking
