"""Which permissions a configuration needs, held against what the app does in a mailbox."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as some

from shared.afterwards import wanted
from shared.configuration import After, Configuration, OnFailure, Source, VaultSection
from shared.journal_row import STATES, Row
from shared.permissions import NeededPermissions, Reason, needed_permissions

from .clock import NOON
from .made import MESSAGE, source

BOXES = ("one@example.com", "ONE@example.com", "two@example.com", "7e1a0b52-6f0b-4a54-9d7c-5b0c8e6c1f11")
VAULT = VaultSection("https://mfiles.example.com", "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}", "PD.FilingKey")

names = some.none() | some.sampled_from(["Filed", "Not filed"])
afters = some.builds(After, some.booleans(), names, names, some.booleans())
failures = some.builds(OnFailure, names, names)
tables = some.fixed_dictionaries({}, optional={"after": afters, "on-failure": failures})


@some.composite
def sources(draw: some.DrawFn) -> Source:
    """A source over one of the mailboxes, with rules that say something of their own, or nothing."""
    name = draw(some.sampled_from(["a", "b", "c", "d"]))
    rules = [
        {"name": f"rule-{number}", "when": "true", "document": {"class": 1}, **msgspec.to_builtins(table)}
        for number, table in enumerate(draw(some.lists(tables, max_size=2)))
    ]
    changed = {
        "mailbox": draw(some.sampled_from(BOXES)),
        "enabled": draw(some.booleans()),
        "mode": draw(some.sampled_from(["file", "file", "observe"])),
        "rule": rules,
        **msgspec.to_builtins(draw(tables)),
    }
    return source(name, **changed)


configured = some.lists(sources(), min_size=1, max_size=3)


def needed(sources: Sequence[Source]) -> NeededPermissions:
    return needed_permissions(Configuration(VAULT, tuple(sources)))


def may_change_mail(one: Source) -> bool:
    """Whether any row of this source makes the app change a mail: what the app itself decides."""
    rules = ["", "of a former configuration", *(rule.name for rule in one.rule)]
    rows = (Row(one.name, "key", state, MESSAGE, NOON, rule=rule) for state in STATES for rule in rules)
    return any(wanted(one, row) for row in rows)


@settings(max_examples=60)
@given(configured)
def test_a_mailbox_is_written_to_where_the_app_would_change_a_mail_and_nowhere_else(
    sources: list[Source],
) -> None:
    found = needed(sources)
    read = {one.mailbox.casefold() for one in sources if one.enabled}
    written = {one.mailbox.casefold() for one in sources if one.enabled and may_change_mail(one)}

    assert {box.casefold() for box in found.read.mailboxes} == read
    assert {box.casefold() for box in found.write.mailboxes} == written
    assert len(found.read.mailboxes) == len(read)
    assert len(found.write.mailboxes) == len(written)


@settings(max_examples=60)
@given(configured)
def test_each_need_has_its_reasons_and_each_writing_mailbox_is_read_too(sources: list[Source]) -> None:
    found = needed(sources)

    assert {reason.source for reason in found.read.reasons} == {one.name for one in sources if one.enabled}
    assert bool(found.write.reasons) is bool(found.write)
    assert {box.casefold() for box in found.write.mailboxes} <= {
        box.casefold() for box in found.read.mailboxes
    }
    for box in BOXES:
        permissions = found.of_mailbox(box)
        assert permissions in ((), ("Mail.Read",), ("Mail.Read", "Mail.ReadWrite"))
        assert ("Mail.ReadWrite" in permissions) is (
            box.casefold() in [one.casefold() for one in found.write.mailboxes]
        )


@settings(max_examples=60)
@given(configured, some.sets(some.sampled_from(["Mail.Read", "Mail.Send", "User.Read.All", "mail.read"])))
def test_what_a_token_has_and_what_is_needed_make_up_what_is_missing_and_what_is_too_much(
    sources: list[Source], foreign: set[str]
) -> None:
    found = needed(sources)
    roles = {*foreign, "Mail.ReadWrite"}

    assert set(found.missing(roles)) == set(found.graph_roles) - roles
    assert set(found.excess(roles)) == roles - set(found.graph_roles)
    assert found.missing(found.graph_roles) == found.excess(found.graph_roles) == ()


def test_each_place_that_changes_mail_is_named() -> None:
    orders = {
        "name": "orders",
        "when": "true",
        "document": {"class": 1},
        "on-failure": {"move-to": "Faulty"},
    }
    found = needed(
        [
            source("invoices", after={"read": True, "move-to": "Filed"}, rule=[orders]),
            source("contracts"),
        ]
    )

    assert tuple(need.exchange_role for need in found.needs) == (
        "Application Mail.Read",
        "Application Mail.ReadWrite",
    )
    assert found.read.reasons == (Reason("invoices", "mailbox"), Reason("contracts", "mailbox"))
    assert [str(reason) for reason in found.write.reasons] == [
        'source "invoices": after.read',
        'source "invoices": after.move-to',
        'source "invoices", rule "orders": on-failure.move-to',
    ]
    assert found.write.mailboxes == ("invoices@example.com",)


def test_a_configuration_with_no_source_enabled_needs_nothing() -> None:
    found = needed([source("invoices", enabled=False, after={"read": True})])

    assert not found.needs
    assert (found.graph_roles, found.needs) == ((), ())
