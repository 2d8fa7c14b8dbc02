"""What a text names for a lookup: items of value lists, and objects of real object types."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import web

from sandbox.faults import Commit
from sandbox.pki import Authority
from sandbox.vault import ExampleVault
from sandbox.vault.example_customers import add_example_customers
from shared.errors import ConfigurationFault, Transient, Unavailable
from shared.secret_store import SecretStore
from shared.vault.log_ins import FIRST_REST
from shared.vault.lookups import Objects
from shared.vault.mfiles import MFilesVault
from shared.vault.protocol import (
    ADDITIONAL_CLASSES,
    COMMENT,
    CONVERSATION_ID,
    IN_REPLY_TO,
    IN_REPLY_TO_REFERENCE,
    MESSAGE_ID,
    REFERENCE,
    Choice,
    PropertyDef,
    Structure,
)
from shared.vault.structure import MFilesStructure
from shared.vault.typed_values import NoFit, NoSuchItem

from ..clock import FakeClock
from ..memory_structure import MemoryStructure
from .site import (
    FixedSecrets,
    Handler,
    ServedVault,
    body_of,
    configuration_of,
    error,
    refusing,
    serving_alone,
)

pytestmark = pytest.mark.anyio
USED = (
    "PD.Customer",
    "PD.CustomerRecord",
    "PD.Department",
    "PD.SubjectArea",
    "PD.Importance",
    "PD.EmailDomain",
    "PD.Ticket",
    "PD.Contacts",
)
DOCUMENT = {"object-type": "OT.Customer", "workflow": "WF.Mail", "state": "WFS.Mail.New"}
CUSTOMER_TYPE, CUSTOMER_NAMES, AREAS, SALES, SUPPORT = 136, 107, 114, 31, 34
OF_MAIL = (MESSAGE_ID, IN_REPLY_TO, IN_REPLY_TO_REFERENCE, CONVERSATION_ID)
ADD = "POST /valuelists/107/items"
CLOCK = FakeClock()
"""That of the one vault."""


@pytest.fixture(scope="module")
async def served(
    tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> AsyncIterator[ServedVault]:
    """One vault for all of these tests."""
    example = ExampleVault(tmp_path_factory.mktemp("vault"))
    add_example_customers(example)
    async with serving_alone(example, authority, *USED, clock=CLOCK, document=DOCUMENT) as running:
        yield running


@pytest.fixture
async def site(served: ServedVault) -> AsyncIterator[ServedVault]:
    """It, as it was at first."""
    known = served.example.structure
    served.requests.clear()
    yield served
    served.instead = None
    served.faults.clear()
    served.example.structure = known


async def silent_about_owners(request: web.Request, handler: Handler) -> web.StreamResponse:
    """As the documentation has it, which lacks what servers say of owners."""
    answer = await handler(request)
    if request.path != "/REST/valuelists":
        return answer
    said = body_of(answer)
    for one in said:
        del one["HasOwner"], one["Owner"]
    return web.json_response(said)


async def chosen(site: ServedVault, reference: str, text: str, **how: Any) -> int:
    structure = await site.client.structure()
    return await structure.choose(structure.property(reference), text, Choice(**how))


def items(site: ServedVault, value_list: int) -> dict[int, str]:
    return dict(site.example.structure.value_lists[value_list].items)


# What the vault has


@pytest.mark.parametrize("reference", ["OT.Customer", "customer", "136", 136])
async def test_a_real_object_type_goes_by_alias_name_or_id(site: ServedVault, reference: str | int) -> None:
    found = (await site.client.structure()).object_type(reference)

    assert (found.id, found.name, found.can_have_files) == (136, "Customer", False)


@pytest.mark.parametrize("reference", ["Department", 111, "OT.Unknown"])
async def test_a_value_list_is_no_object_type(site: ServedVault, reference: str | int) -> None:
    with pytest.raises(ConfigurationFault, match="object type"):
        (await site.client.structure()).object_type(reference)


async def test_a_class_is_one_of_its_object_type(site: ServedVault) -> None:
    structure = await site.client.structure()

    customer = await structure.class_("Customer", CUSTOMER_TYPE)

    assert (customer.object_type, customer.has_automatic_name) == (CUSTOMER_TYPE, False)
    assert 1340 in customer.properties
    with pytest.raises(ConfigurationFault):
        await structure.class_("Mail", CUSTOMER_TYPE)


async def test_a_class_may_make_its_titles_itself(site: ServedVault) -> None:
    structure = await site.client.structure()

    ticket = await structure.class_("Ticket")

    assert ticket.has_automatic_name
    assert structure.property(ticket.name_property).is_automatic
    assert not structure.property("PD.Ticket").is_automatic


@pytest.mark.parametrize("reference", [20, 21, 25])
async def test_what_the_server_keeps_is_automatic(site: ServedVault, reference: int) -> None:
    assert (await site.client.structure()).property(reference).is_automatic


async def test_a_property_tells_the_real_object_type_that_it_chooses_from(site: ServedVault) -> None:
    structure = await site.client.structure()

    assert structure.property("PD.CustomerRecord").object_type == CUSTOMER_TYPE
    assert structure.property("PD.Customer") == PropertyDef(1320, "Customer", 9, CUSTOMER_NAMES)
    assert structure.name_of(1320) == "Customer"
    assert structure.name_of(4711) == "4711"


@pytest.mark.parametrize("reference", ["WF.Mail", "mail processing", 110])
async def test_a_workflow_and_its_states_go_by_alias_name_or_id(
    site: ServedVault, reference: str | int
) -> None:
    structure = await site.client.structure(fresh=True)

    workflow = await structure.workflow(reference)

    assert (workflow.id, workflow.name) == (110, "Mail processing")
    for state in ("WFS.Mail.New", "new", 150):
        assert (await structure.state(workflow.id, state)).id == 150
    assert site.count("GET /structure/workflows") == site.count("GET /structure/workflows/110/states") == 1


@pytest.mark.parametrize("reference", ["WFS.Mail.New", "New", 150, "Unknown"])
async def test_a_state_of_another_workflow_is_a_fault(site: ServedVault, reference: str | int) -> None:
    structure = await site.client.structure()

    with pytest.raises(ConfigurationFault, match="state of workflow 113"):
        await structure.state(113, reference)


async def test_built_in_properties_are_there_where_the_vault_has_them(
    site: ServedVault, tmp_path: Path
) -> None:
    """Those of e-mail come only with a vault's set-up; what the server keeps is none to fill."""
    asked = {*OF_MAIL, REFERENCE, COMMENT, ADDITIONAL_CLASSES, 20, 35}

    async def found() -> set[int]:
        structure = await site.client.structure(fresh=True)
        return {number for number in asked if structure.built_in(number) is not None}

    assert await found() == {REFERENCE, COMMENT, ADDITIONAL_CLASSES, *OF_MAIL}
    site.example.structure = ExampleVault(tmp_path, mail_properties=False).structure
    assert await found() == {REFERENCE, COMMENT, ADDITIONAL_CLASSES}


# Value lists


@pytest.mark.parametrize(
    ("text", "how", "item"),
    [
        ("Support", {}, SUPPORT),
        (" support\n", {"by": "name"}, SUPPORT),
        ("34", {}, SUPPORT),
        ("34", {"by": "id"}, SUPPORT),
        ("034", {"by": "id"}, SUPPORT),
        ("D-SUPPORT", {"by": "external-id"}, SUPPORT),
        ("34", {"by": "name"}, None),
        ("Support", {"by": "id"}, None),
        ("4711", {"by": "id"}, None),
        ("Support", {"by": "external-id"}, None),
        ("*", {}, None),
        ("", {}, None),
        ("x" * 101, {}, None),
    ],
)
async def test_an_item_is_chosen_as_the_configuration_says(
    site: ServedVault, text: str, how: dict[str, Any], item: int | None
) -> None:
    if item is not None:
        assert await chosen(site, "PD.Department", text, **how) == item
        return
    with pytest.raises(NoSuchItem) as caught:
        await chosen(site, "PD.Department", text, **how)
    assert not text or len(text) < 4 or text not in str(caught.value).replace("Department", "")


async def test_an_item_of_an_owned_list_must_be_of_that_owner(site: ServedVault) -> None:
    assert await chosen(site, "PD.SubjectArea", "General", owner=SALES) == 47
    assert await chosen(site, "PD.SubjectArea", "General", owner=SUPPORT) == 49
    with pytest.raises(NoFit, match="2 items of that name"):
        await chosen(site, "PD.SubjectArea", "General")
    with pytest.raises(NoSuchItem, match="and owner"):
        await chosen(site, "PD.SubjectArea", "Offers", owner=SUPPORT)


@pytest.mark.parametrize("text", ["Sales", "sales", "31"])
async def test_an_owner_goes_by_name_or_id(site: ServedVault, text: str) -> None:
    structure = await site.client.structure()

    assert await structure.owner(structure.property("PD.SubjectArea"), text) == SALES


async def test_an_owner_that_is_not_there_and_a_list_without_one_are_told_apart(site: ServedVault) -> None:
    structure = await site.client.structure()

    with pytest.raises(NoSuchItem):
        await structure.owner(structure.property("PD.SubjectArea"), "Unknown")
    with pytest.raises(ConfigurationFault, match="has no owner"):
        await structure.owner(structure.property("PD.Department"), "Sales")
    with pytest.raises(ConfigurationFault, match="not based on a value list"):
        await structure.owner(structure.property("PD.Ticket"), "Sales")


async def test_a_server_that_does_not_say_who_owns_a_list_needs_the_owners_id(site: ServedVault) -> None:
    """The documentation leaves it out of its answers."""
    site.instead = silent_about_owners
    structure = await site.client.structure(fresh=True)
    area = structure.property("PD.SubjectArea")

    assert await structure.owner(area, "31") == SALES
    with pytest.raises(ConfigurationFault, match="Write the owner's id"):
        await structure.owner(area, "Sales")


# Adding items


async def test_a_missing_item_is_added_once_and_found_from_then_on(site: ServedVault) -> None:
    how = {"add_missing": True}

    first = await chosen(site, "PD.Customer", "new.example", **how)

    assert items(site, CUSTOMER_NAMES)[first] == "new.example"
    assert await chosen(site, "PD.Customer", "NEW.example", **how) == first
    assert await chosen(site, "PD.Customer", "contoso.com", **how) == 665
    assert site.count(ADD) == 1


@pytest.mark.parametrize("name", ["x" * 101, "\U0001f4e7" * 51])
async def test_a_name_that_the_vault_would_cut_is_not_added(site: ServedVault, name: str) -> None:
    """It would not be found the next time, and added again: counted as M-Files does, in UTF-16."""
    with pytest.raises(NoFit, match="longer than an item"):
        await chosen(site, "PD.Customer", name, add_missing=True)

    assert site.count(ADD) == 0


async def test_without_the_word_nothing_is_added(site: ServedVault) -> None:
    with pytest.raises(NoSuchItem):
        await chosen(site, "PD.Customer", "new.example")

    assert site.count(ADD) == 0


async def test_one_worker_adds_an_item_once_however_many_of_its_mails_want_it(site: ServedVault) -> None:
    """Across structures, too: a fresh one is no other worker."""
    await site.client.structure()
    first, second = await site.client.structure(), await site.client.structure(fresh=True)
    how = Choice(add_missing=True)
    customer = first.property("PD.Customer")

    made = await asyncio.gather(
        *(one.choose(customer, text, how) for one in (first, second) for text in ("a.example", "A.example"))
    )

    assert len(set(made)) == 1
    assert site.count(ADD) == 1


async def test_of_what_twins_have_added_the_lowest_id_wins(site: ServedVault) -> None:
    """Both look, both find none, both add: then both look again."""
    configuration = configuration_of(site.origin, site.example.guid, *USED, document=DOCUMENT)
    twin = MFilesVault(configuration, cast(SecretStore, FixedSecrets(site.example)), FakeClock())
    both, waiting = asyncio.Event(), []

    async def together(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "POST" and request.path == "/REST/valuelists/107/items":
            waiting.append(1)
            if len(waiting) == 2:
                both.set()
            await both.wait()
        return await handler(request)

    site.instead = together
    how = Choice(add_missing=True)

    async def of(vault: MFilesVault) -> int:
        structure = await vault.structure()
        return await structure.choose(structure.property("PD.Customer"), "twin.example", how)

    first, second = await asyncio.gather(of(site.client), of(twin))
    await twin.close()

    added = [number for number, name in items(site, CUSTOMER_NAMES).items() if name == "twin.example"]
    assert len(added) == 2
    assert first == second == min(added)
    assert await of(site.client) == min(added)


async def test_an_item_whose_answer_was_lost_is_found_the_next_time(site: ServedVault) -> None:
    site.faults.add(Commit(route="POST /REST/valuelists/107/items", times=1))
    with pytest.raises(Unavailable):
        await chosen(site, "PD.Customer", "new.example", add_missing=True)

    made = await chosen(site, "PD.Customer", "new.example", add_missing=True)

    assert [number for number, name in items(site, CUSTOMER_NAMES).items() if name == "new.example"] == [made]


async def test_an_item_is_added_to_its_owner(site: ServedVault) -> None:
    made = await chosen(site, "PD.SubjectArea", "Offers", owner=SUPPORT, add_missing=True)

    assert items(site, AREAS)[made] == "Offers"
    assert await chosen(site, "PD.SubjectArea", "Offers", owner=SUPPORT) == made
    assert await chosen(site, "PD.SubjectArea", "Offers", owner=SALES) == 41


@pytest.mark.parametrize(
    ("reference", "how", "why"),
    [
        ("PD.Importance", {"add_missing": True}, "takes no new items"),
        ("PD.SubjectArea", {"add_missing": True}, "needs an owner"),
        ("PD.Customer", {"add_missing": True, "by": "id"}, "needs the name"),
        ("PD.Customer", {"owner": SALES}, "has no owner"),
        ("PD.Customer", {"match": "PD.EmailDomain"}, "match is for properties"),
        ("PD.CustomerRecord", {"add_missing": True}, "are for value lists"),
        ("PD.CustomerRecord", {"owner": SALES}, "are for value lists"),
        ("PD.CustomerRecord", {"match": "PD.Department"}, "not of data type Text"),
        ("PD.CustomerRecord", {"match": "PD.Unknown"}, "PD.Unknown"),
        ("PD.Ticket", {}, "not based on a value list"),
    ],
)
async def test_what_a_property_does_not_allow_is_a_fault_of_the_configuration(
    site: ServedVault, reference: str, how: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigurationFault, match=why) as caught:
        await chosen(site, reference, "new.example", **how)

    assert caught.value.remedy
    assert "new.example" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, NoFit),
        (401, ConfigurationFault),
        (403, ConfigurationFault),
        (404, ConfigurationFault),
        (503, Unavailable),
    ],
)
async def test_each_refusal_to_add_has_its_meaning(
    site: ServedVault, status: int, kind: type[Exception]
) -> None:
    """M-Files' own words are kept, without the name, which is out of a mail."""
    name = f"new-{status}.example"
    said = {**error(status), "Message": f'The name "{name}" is not allowed.'}
    site.instead = refusing(ADD, status, said)

    with pytest.raises(kind) as caught:
        await chosen(site, "PD.Customer", name, add_missing=True)

    assert name not in str(caught.value)
    assert status == 503 or "is not allowed" in str(caught.value)


async def test_an_item_that_was_found_is_known_for_as_long_as_the_structure(site: ServedVault) -> None:
    """Another structure, as after a refused create, knows nothing of it."""
    item = await chosen(site, "PD.Customer", "Contoso", add_missing=True)
    site.instead = refusing("GET /valuelists/107/items", 503, error(503))

    assert await chosen(site, "PD.Customer", "Contoso", add_missing=True) == item
    await site.client.structure(fresh=True)
    with pytest.raises(Unavailable):
        await chosen(site, "PD.Customer", "Contoso", add_missing=True)


# Real object types


@pytest.mark.parametrize(
    ("text", "how", "number"),
    [
        ("contoso.com", {"match": "PD.EmailDomain"}, 12),
        ("Contoso.COM", {"match": "PD.EmailDomain"}, 12),
        ("fabrikam.com", {"match": 1340}, 17),
        ("Contoso", {}, 12),
        ("Contoso", {"by": "name"}, 12),
        ("17", {}, 17),
        ("17", {"by": "id"}, 17),
        ("C-4712", {"by": "external-id"}, 17),
    ],
)
async def test_an_object_is_found_by_what_it_holds(
    site: ServedVault, text: str, how: dict[str, Any], number: int
) -> None:
    assert await chosen(site, "PD.CustomerRecord", text, **how) == number


@pytest.mark.parametrize(
    ("text", "how", "why"),
    [
        ("shared.example", {"match": "PD.EmailDomain"}, "several objects whose property"),
        ("unknown.example", {"match": "PD.EmailDomain"}, "no object whose property"),
        ("x" * 101, {"match": "PD.EmailDomain"}, "no object"),
        ("", {"match": "PD.EmailDomain"}, "empty"),
        ("Unknown", {}, "no object of that name or id"),
        ("4711", {"by": "id"}, "no object of that id"),
        ("C/4711?", {"by": "external-id"}, "no object of that external id"),
        ("12", {"by": "name"}, "no object of that name"),
    ],
)
async def test_no_object_and_several_are_no_fit_with_the_reason(
    site: ServedVault, text: str, how: dict[str, Any], why: str
) -> None:
    with pytest.raises(NoFit, match=why) as caught:
        await chosen(site, "PD.CustomerRecord", text, **how)

    assert len(text) < 3 or text not in str(caught.value)


async def test_an_object_that_is_deleted_is_not_chosen(site: ServedVault) -> None:
    made = site.example.add_object(CUSTOMER_TYPE, 215, {0: "Gone", 1340: "gone.example"})
    assert await chosen(site, "PD.CustomerRecord", "Gone") == made
    site.example.delete(made, object_type=CUSTOMER_TYPE)
    structure = await site.client.structure()

    for text, how in (("gone.example", Choice(match=1340)), (str(made), Choice()), ("Gone", Choice())):
        with pytest.raises(NoSuchItem):
            await structure.choose(structure.property("PD.CustomerRecord"), text, how)


@pytest.mark.parametrize("path", ["GET /objects", "GET /objects/136/12/latest"])
@pytest.mark.parametrize("status", [400, 500, 503])
async def test_objects_that_cannot_be_searched_are_an_outage(
    site: ServedVault, path: str, status: int
) -> None:
    site.instead = refusing(path, status, error(status))

    with pytest.raises(Unavailable):
        await chosen(site, "PD.CustomerRecord", "12")


# What the account may not read


@pytest.mark.parametrize(
    ("path", "reference", "how", "named"),
    [
        ("/valuelists/111/items", "PD.Department", {}, 'value list "Department"'),
        ("/valuelists/111/items", "PD.Department", {"by": "external-id"}, 'value list "Department"'),
        ("/objects", "PD.CustomerRecord", {}, 'object type "Customer"'),
        ("/objects", "PD.CustomerRecord", {"match": "PD.EmailDomain"}, 'object type "Customer"'),
    ],
)
@pytest.mark.parametrize("status", [403, 404])
async def test_what_the_account_may_not_read_is_a_fault_of_the_property(
    site: ServedVault, path: str, reference: str, how: dict[str, Any], named: str, status: int
) -> None:
    """Of one source, then, while a fault of the vault would stop the mail of all of them."""
    site.instead = refusing(f"GET {path}", status, error(status))

    with pytest.raises(ConfigurationFault, match=named) as caught:
        await chosen(site, reference, "Ada Lovelace", **how)

    name = (await site.client.structure()).property(reference).name
    assert caught.value.reason.startswith(f'property "{name}": {named}')
    assert f"{status} SomeException" in caught.value.reason
    assert "mfiles-username" in caught.value.remedy
    assert "Ada" not in str(caught.value)


async def test_an_owner_that_may_not_be_read_is_a_fault_of_the_property(site: ServedVault) -> None:
    site.instead = refusing("GET /valuelists/111/items", 403, error(403))
    structure = await site.client.structure()

    with pytest.raises(ConfigurationFault, match='property "Subject area": value list "Department"'):
        await structure.owner(structure.property("PD.SubjectArea"), "Sales")


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_a_value_list_that_is_refused_for_another_reason_is_an_outage(
    site: ServedVault, status: int
) -> None:
    site.instead = refusing("GET /valuelists/111/items", status, error(status))

    with pytest.raises(Unavailable) as caught:
        await chosen(site, "PD.Department", "Support")

    assert caught.value.origin == "vault"


async def test_a_log_in_that_is_lost_while_reading_a_list_is_no_fault_of_the_configuration(
    site: ServedVault,
) -> None:
    site.instead = refusing("GET /valuelists/111/items", 403, error(403, logged_in=False))

    with pytest.raises(Transient):
        await chosen(site, "PD.Department", "Support")

    site.instead = None
    CLOCK.advance(seconds=FIRST_REST)  # a log-in that was refused is not tried at once
    assert await chosen(site, "PD.Department", "Support")


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize(
    ("one", "whole", "reference", "how"),
    [
        ("/valuelists/111/items/34", "/valuelists/111/items", "PD.Department", {"by": "id"}),
        ("/objects/136/34/latest", "/objects", "PD.CustomerRecord", {"by": "id"}),
        ("/objects/136/e34/latest", "/objects", "PD.CustomerRecord", {"by": "external-id"}),
    ],
)
async def test_one_thing_that_is_not_shown_is_none_and_all_of_them_are_a_fault(
    site: ServedVault, one: str, whole: str, reference: str, how: dict[str, Any], status: int
) -> None:
    """A mail names the one; the configuration names the list."""
    site.instead = refusing(f"GET {one}", status, error(status))
    with pytest.raises(NoSuchItem):
        await chosen(site, reference, "34", **how)

    of_one, of_all = (refusing(f"GET {path}", status, error(status)) for path in (one, whole))

    async def nothing(request: web.Request, handler: Handler) -> web.StreamResponse:
        async def rest(request: web.Request) -> web.StreamResponse:
            return await of_all(request, handler)

        return await of_one(request, rest)

    site.instead = nothing
    with pytest.raises(ConfigurationFault, match="cannot be read"):
        await chosen(site, reference, "34", **how)


# A value of a mail in an address


@pytest.mark.parametrize(
    "text", ["x" * 101, "\U0001f4e7" * 51, "..", ".x", "x.", "x/y", *(f"x{c}y" for c in '<>*%&:\\?"|')]
)
async def test_a_value_that_no_address_takes_is_no_external_id(site: ServedVault, text: str) -> None:
    """The web server would refuse it as if the service were not there."""
    with pytest.raises(NoSuchItem, match="no object of that external id"):
        await chosen(site, "PD.CustomerRecord", text, by="external-id")

    assert not [path for path in site.paths if path.startswith("GET /objects")]


@pytest.mark.parametrize("text", ["x\ny", " x", "x\x7f", "x\ud800"])
async def test_objects_are_not_asked_for_what_no_line_holds(site: ServedVault, text: str) -> None:
    objects = Objects(site.client._session, CUSTOMER_TYPE, "Customer")

    with pytest.raises(NoSuchItem):
        await objects.chosen(text, Choice(by="external-id"), no_names)

    assert not [path for path in site.paths if path.startswith("GET /objects")]


async def no_names() -> set[int]:
    raise AssertionError("names are not asked for")


@pytest.mark.parametrize("text", ["C-1 (ä, ö); #7+", "x" * 100, "\U0001f4e7" * 50])
async def test_any_other_value_is_asked_for_as_it_is(site: ServedVault, text: str) -> None:
    made = site.example.add_object(CUSTOMER_TYPE, 215, {0: "Odd"}, external_id=text)

    assert await chosen(site, "PD.CustomerRecord", text, by="external-id") == made


@pytest.mark.parametrize("status", [400, 404, 414])
async def test_an_address_that_the_web_server_refuses_is_no_fit(site: ServedVault, status: int) -> None:
    """One mail must not hold its source."""
    site.instead = refusing("GET /objects/136/eC+4711/latest", status)

    with pytest.raises(NoFit, match=rf"does not take the value in an address \({status}\)") as caught:
        await chosen(site, "PD.CustomerRecord", "C+4711", by="external-id")

    assert "4711" not in str(caught.value)


async def test_an_external_id_that_m_files_itself_does_not_understand_is_none(site: ServedVault) -> None:
    site.instead = refusing("GET /objects/136/eC-4711/latest", 400, error(400))

    with pytest.raises(NoSuchItem):
        await chosen(site, "PD.CustomerRecord", "C-4711", by="external-id")


async def test_a_web_server_that_refuses_everything_is_no_fault_of_the_value(site: ServedVault) -> None:
    """Else each mail that comes while the service is not set up would fail."""
    await chosen(site, "PD.CustomerRecord", "C-4712", by="external-id")

    async def away(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=404, text="<html>", content_type="text/html")

    site.instead = away

    with pytest.raises(ConfigurationFault, match="not as M-Files does"):
        await chosen(site, "PD.CustomerRecord", "C-4712", by="external-id")


async def test_a_bare_list_of_items_is_as_good_as_results(site: ServedVault) -> None:
    async def bare(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await handler(request)
        if request.method != "GET" or not request.path.endswith("/items"):
            return answer
        return web.json_response(body_of(answer)["Items"])

    site.instead = bare

    assert await chosen(site, "PD.Department", "Support") == SUPPORT


async def test_the_structure_is_read_lazily_and_kept(site: ServedVault) -> None:
    structure = await site.client.structure(fresh=True)
    before = len(site.requests)

    for _ in range(2):
        await structure.workflow("WF.Mail")
        await structure.class_("Customer", CUSTOMER_TYPE)
        await structure.owner(structure.property("PD.SubjectArea"), "31")

    assert isinstance(structure, MFilesStructure)
    assert sorted(site.paths[before:]) == sorted(
        [
            "GET /structure/workflows",
            "GET /structure/classes",
            "GET /structure/classes/215",
            "GET /valuelists",
            *["GET /valuelists/111/items"] * 4,
        ]
    )


# The structure in memory that other tests use


@pytest.mark.parametrize("kind", ["M-Files", "memory"])
async def test_the_structure_in_memory_chooses_as_m_files_does(site: ServedVault, kind: str) -> None:
    structure: Structure = MemoryStructure() if kind == "memory" else await site.client.structure(fresh=True)
    names = ("Department", "SubjectArea", "CustomerRecord", "EmailDomain", "Ticket")
    if kind == "memory":
        names = ("Department", "Area", "Company", "Domain", "From")
    department, area, customer, domain, text = (structure.property(f"PD.{name}") for name in names)
    by_domain = Choice(match=domain.id)
    fitting = [
        (department, "support", Choice(), SUPPORT),
        (department, "34", Choice(), SUPPORT),
        (department, "34", Choice(by="id"), SUPPORT),
        (department, "D-SALES", Choice(by="external-id"), SALES),
        (area, "General", Choice(owner=SUPPORT), 49),
        (area, "offers", Choice(owner=SALES, add_missing=True), 41),
        (customer, "Contoso", Choice(), 12),
        (customer, "17", Choice(), 17),
        (customer, "contoso.com", by_domain, 12),
    ]
    unfitting = [
        (department, "34", Choice(by="name"), NoSuchItem),
        (department, "Sales", Choice(by="id"), NoSuchItem),
        (department, " ", Choice(), NoSuchItem),
        (area, "General", Choice(), NoFit),
        (area, "Offers", Choice(owner=SUPPORT), NoSuchItem),
        (area, "New", Choice(add_missing=True), ConfigurationFault),
        (customer, "shared.example", by_domain, NoFit),
        (customer, "Unknown", Choice(), NoSuchItem),
        (customer, "Contoso", Choice(add_missing=True), ConfigurationFault),
        (department, "Sales", by_domain, ConfigurationFault),
        (text, "Sales", Choice(), ConfigurationFault),
    ]

    for definition, value, how, number in fitting:
        assert await structure.choose(definition, value, how) == number
    for definition, value, how, fault in unfitting:
        with pytest.raises(fault) as caught:
            await structure.choose(definition, value, how)
        assert type(caught.value) is fault
    added = await structure.choose(area, "New", Choice(owner=SALES, add_missing=True))
    assert await structure.choose(area, "new", Choice(owner=SALES)) == added
    assert await structure.owner(area, "Sales") == SALES
    with pytest.raises(NoSuchItem):
        await structure.owner(area, "Unknown")
    with pytest.raises(ConfigurationFault):
        await structure.owner(department, "Sales")
    assert await structure.item(111, "Support") == SUPPORT
    assert structure.built_in(MESSAGE_ID) is not None
    assert structure.built_in(4711) is None
    assert structure.name_of(MESSAGE_ID) == "Message-ID"
