"""Answers that are not as they should be: what can be read of them is read, and nothing is lost unsaid."""

from __future__ import annotations

import json
import logging
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from shared.answers import Unreadable, decoded
from shared.fingerprints import fingerprint
from shared.graph.answers import (
    MESSAGE_PROPERTIES,
    Attachment,
    DeltaAnswer,
    Entry,
    Message,
    OpenedMessage,
    Page,
    mail_of,
)
from shared.mail import Mail, vocabulary
from shared.mail_facts import clues_of
from shared.mail_kinds import nature_of

from .odd_answers import attachments, entries, messages, object_of, odd, texts

SHORT, LONG = 60, 100_000
"""Cases of each kind of answer."""
WRONG = [5, -1.5, True, "", "text", [], [1], {}, {"a": 1}, None]


def message(**facts: Any) -> Message:
    return decoded(json.dumps({"id": "A", **facts}).encode(), Message)


@pytest.mark.parametrize("name", [name for name in MESSAGE_PROPERTIES if name != "id"])
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_field_of_a_wrong_type_leaves_the_rest_of_the_message_readable(name: str, value: Any) -> None:
    read = message(**{"subject": "Invoice", "changeKey": "x", name: value})

    assert read.id == "A"
    assert name == "subject" or read.subject == "Invoice"
    assert isinstance(mail_of(read), Mail)


def test_what_can_be_read_of_a_field_is_read() -> None:
    read = message(
        subject=["no", "text"],
        isDraft="true",
        toRecipients=[
            {"emailAddress": {"name": 7, "address": "ada@example.com"}},
            "bob@example.com",
            {"emailAddress": "carl@example.com"},
            {"emailAddress": {"name": "Dora", "address": "dora@example.com", "unknown": [1]}},
        ],
        categories=["Blue", 5, None],
        internetMessageHeaders=[{"name": "X-A", "value": 1}, 7, {"name": "X-B", "value": "b"}],
    )

    mail = mail_of(read)
    assert read.is_draft is True
    assert mail.subject == ""
    assert [one.address for one in mail.to] == ["ada@example.com", "dora@example.com"]
    assert mail.categories == ("Blue",)
    assert [(one.name, one.value) for one in mail.headers] == [("X-A", ""), ("X-B", "b")]


def test_what_was_not_read_is_named_once_without_its_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    message(subject=["secret"], isDraft="perhaps", toRecipients=["secret", 5], unheardOf={"secret": 1})

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "fields-unreadable kind=Message fields=isDraft,subject,toRecipients"


def test_of_what_is_as_it_should_be_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    message(isDraft="false", unheardOf=1)

    assert caplog.records == []


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"A"', b"5", b"{", b'{"id": 5}', b'{"id": null}', b"\xff"]
)
@pytest.mark.parametrize("kind", [Message, Attachment, Entry])
def test_what_is_no_object_or_has_another_id_cannot_be_read(body: bytes, kind: type) -> None:
    with pytest.raises(Unreadable):
        decoded(body, kind)


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"value": None},
        {"value": {}},
        {"value": [5]},
        {"value": [None]},
        {"value": ["A"]},
        {"value": [{"id": "A"}, {"id": 7}]},
        {"value": [], "@odata.nextLink": 5},
        {"value": [], "@odata.nextLink": {}},
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", [Page[Attachment], Page[Message], DeltaAnswer])
def test_a_page_that_is_not_whole_cannot_be_read(page: dict[str, Any], kind: Any) -> None:
    """Less of a list would be an attachment, or a mail, that is never filed, and nobody knows."""
    with pytest.raises(Unreadable):
        decoded(json.dumps(page).encode(), kind)


@pytest.mark.parametrize(
    "listed",
    [
        None,
        {},
        "A",
        [None],
        ["A"],
        [{"id": "A"}, {"id": None, "name": "invoice.pdf"}],
        [{"id": "A"}, {"id": {}, "name": "invoice.pdf"}],
    ],
    ids=repr,
)
def test_a_message_whose_attachments_are_not_whole_cannot_be_read(listed: Any) -> None:
    """As a page: fewer of them would be an attachment that is never filed, and nobody knows."""
    with pytest.raises(Unreadable):
        decoded(json.dumps({"id": "A", "attachments": listed}).encode(), OpenedMessage)


def test_of_attachments_in_their_message_all_is_read_that_can_be() -> None:
    listed = [{"id": "A", "name": 5, "size": "many"}, {"id": "B", "name": "b.pdf", "isInline": "perhaps"}]

    read = decoded(json.dumps({"id": "A", "subject": [], "attachments": listed}).encode(), OpenedMessage)

    assert read.subject is None
    assert [(one.id, one.name, one.size) for one in read.attachments] == [
        ("A", None, None),
        ("B", "b.pdf", None),
    ]


@pytest.mark.parametrize("link", ["https://x", "", 5, False, {}, []], ids=repr)
def test_whatever_the_link_to_more_attachments_is_it_is_not_taken_for_none(link: Any) -> None:
    body = {"id": "A", "subject": [], "attachments": [], "attachments@odata.nextLink": link}

    assert decoded(json.dumps(body).encode(), OpenedMessage).attachments_next_link is not None


def test_an_entry_without_an_id_is_a_fault_of_its_page() -> None:
    for entry in ({}, {"id": ""}, {"receivedDateTime": 5}):
        with pytest.raises(Unreadable):
            decoded(json.dumps({"value": [entry]}).encode(), DeltaAnswer)


def test_an_entry_is_read_as_far_as_it_can_be() -> None:
    """Graph's delta pages have printed `"isRead": "true"`."""
    entry = {"id": "A", "receivedDateTime": 5, "isDraft": "true", "@removed": "yes", "createdDateTime": "x"}

    (read,) = decoded(json.dumps({"value": [entry]}).encode(), DeltaAnswer).value

    assert (read.id, read.is_draft, read.received, read.created, read.removed) == (
        "A",
        True,
        None,
        None,
        False,
    )


@pytest.mark.parametrize("size", ["1e400", "9" * 5000, str(2**63), "-1", "1.5", '"many"', "[1]"])
def test_a_size_that_is_none_counts_as_absent(size: str) -> None:
    page = decoded(
        f'{{"value": [{{"id": "A", "name": "a.pdf", "size": {size}}}]}}'.encode(), Page[Attachment]
    )

    assert [(one.id, one.name, one.size) for one in page.value] == [("A", "a.pdf", None)]


def test_damaged_text_beside_a_wrong_type_is_read_too() -> None:
    read = decoded(b'{"id": "A", "subject": "a\\ud83db\xff", "isDraft": []}', Message)

    assert (read.id, read.subject) == ("A", "a?b\ufffd")


def test_json_that_is_nested_without_end_cannot_be_read() -> None:
    with pytest.raises(Unreadable):
        decoded(b'{"id": "A", "subject": ' + b"[" * 100_000, Message)


answers = some.tuples(
    messages | odd,
    object_of(value=some.lists(attachments | odd, max_size=3)),
    object_of(**{"value": some.lists(entries | odd, max_size=3), "@odata.nextLink": texts}),
)


def test_whatever_graph_answers_is_read_or_refused(pytestconfig: pytest.Config) -> None:
    """With `--long`: 100,000 answers of each kind. No crash, and nothing of a list is lost."""

    @settings(
        max_examples=LONG if pytestconfig.getoption("--long") else SHORT,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(answers)
    def read(data: tuple[Any, Any, Any]) -> None:
        message, page, delta = (_decoded(one, kind) for one, kind in zip(data, KINDS, strict=True))
        listed: list[Attachment] = []
        if page is not None:
            listed = page.value
            assert len(listed) == len(data[1]["value"])
        if message is not None:
            _goes_on(message, listed)
        if delta is not None:
            assert [one.id for one in delta.value] == [one["id"] for one in data[2]["value"]]
            for one in delta.value:
                assert all(time is None or time.tzinfo for time in (one.received, one.last_modified))

    read()


KINDS: tuple[Any, ...] = (Message, Page[Attachment], DeltaAnswer)


def _decoded(data: Any, kind: Any) -> Any:
    try:
        return decoded(json.dumps(data).encode(), kind)
    except Unreadable:
        return None


def _goes_on(message: Message, listed: list[Attachment]) -> None:
    """All that staging makes of it before bytes are fetched, and that a manifest keeps."""
    mail = mail_of(message)
    nature = nature_of(clues_of(mail, message, listed, frozenset()))
    assert (nature.kind == "draft") == bool(message.is_draft)
    assert len(fingerprint(mail, listed)) in (0, 64)
    assert msgspec.json.decode(msgspec.json.encode(mail), type=Mail) == mail
    values = vocabulary(mail, [one.name or "" for one in listed], "invoices", "invoices@example.com")
    assert all(isinstance(str(value), str) for value in values.values())
