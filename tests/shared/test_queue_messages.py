"""What functions send to one another. The samples are what a deployed version has in its queues."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.queue_messages import (
    KINDS,
    VERSION,
    Cause,
    Event,
    FolderSweep,
    FromTheFuture,
    LifecycleEvent,
    MailArrived,
    MailFiled,
    Message,
    Unreadable,
    VaultImport,
    decode,
    encode,
)

from .generated import json_values

SAMPLES = Path(__file__).parent / "samples" / "queues"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OF_THIS_VERSION: dict[str, Message] = {
    "mail-arrived.v1.json": MailArrived(
        source="invoices",
        traceparent=TRACE,
        message="AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A=",
        cause="notification",
        noticed="2026-11-24T16:37:44.123456+00:00",
    ),
    "vault-import.v1.json": VaultImport(
        source="invoices", traceparent=TRACE, revived=2, key="c0cd0c40a63e4780f9d8b10abec2c6cc"
    ),
    "mail-filed.v1.json": MailFiled(
        source="invoices", traceparent=TRACE, revived=1, key="c0cd0c40a63e4780f9d8b10abec2c6cc"
    ),
    "folder-sweep.v1.json": FolderSweep(source="invoices", traceparent=TRACE, folder="inbox/Größe"),
    "lifecycle-event.v1.json": LifecycleEvent(
        source="invoices",
        traceparent=TRACE,
        event="reauthorizationRequired",
        subscription="7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
    ),
}
kinds = list(KINDS.values())
_common = {
    "source": some.text(),
    "traceparent": some.text(),
    "revived": some.integers(min_value=0, max_value=10**6),
}
messages = some.one_of(
    some.builds(
        MailArrived,
        v=some.just(VERSION),
        message=some.text(),
        cause=some.sampled_from(get_args(Cause)),
        noticed=some.text(),
        **_common,
    ),
    some.builds(VaultImport, v=some.just(VERSION), key=some.text(), **_common),
    some.builds(MailFiled, v=some.just(VERSION), key=some.text(), **_common),
    some.builds(FolderSweep, v=some.just(VERSION), folder=some.text(), **_common),
    some.builds(
        LifecycleEvent,
        v=some.just(VERSION),
        event=some.sampled_from(get_args(Event)),
        subscription=some.text(),
        **_common,
    ),
)


def sample(file: str) -> bytes:
    return (SAMPLES / file).read_bytes().strip()


def below(kind: type[Message]) -> set[type[Message]]:
    """The kinds that have no kinds below them."""
    return {one for sub in kind.__subclasses__() for one in below(sub)} or {kind}


@pytest.mark.parametrize("file", OF_THIS_VERSION)
def test_a_message_that_this_version_sent_is_read(file: str) -> None:
    """Whoever changes a message must be able to read what is in the queues on the day of the deployment."""
    assert decode(sample(file), type(OF_THIS_VERSION[file])) == OF_THIS_VERSION[file]


@pytest.mark.parametrize("file", OF_THIS_VERSION)
def test_a_message_of_this_version_is_written_as_its_sample(file: str) -> None:
    """A roll-back reads what this version wrote: a changed form needs a new version and a new sample."""
    assert encode(OF_THIS_VERSION[file]).encode() == sample(file)


def test_each_kind_of_message_has_a_sample_and_each_sample_a_test() -> None:
    assert {file.name for file in SAMPLES.iterdir()} == OF_THIS_VERSION.keys()
    assert all(KINDS[file.partition(".")[0]] is type(message) for file, message in OF_THIS_VERSION.items())
    assert {type(message) for message in OF_THIS_VERSION.values()} == set(kinds) == below(Message)


@given(messages)
def test_a_message_comes_back_as_it_was_sent(message: Message) -> None:
    assert decode(encode(message).encode(), type(message)) == message


@given(messages, some.dictionaries(some.text().map("later-{}".format), json_values, max_size=3))
def test_unknown_fields_are_ignored(message: Message, more: dict[str, object]) -> None:
    body = json.dumps({**more, **json.loads(encode(message))}).encode()

    assert decode(body, type(message)) == message


@pytest.mark.parametrize("kind", kinds)
def test_the_version_and_the_revivals_may_be_absent(kind: type[Message]) -> None:
    message = next(message for message in OF_THIS_VERSION.values() if type(message) is kind)
    fields = json.loads(encode(message))
    del fields["v"], fields["revived"]

    read = decode(json.dumps(fields).encode(), kind)

    assert (read.v, read.revived) == (1, 0)


@pytest.mark.parametrize("kind", kinds)
@pytest.mark.parametrize(
    "body",
    [
        b'{"v": 2}',
        b'{"v": 2, "source": {"name": "invoices"}}',
        b'{"v": 9223372036854775807, "cause": []}',
        b'{"event": 7, "v": 3, "v2": null}',
    ],
)
def test_a_later_version_is_told_from_rubbish_even_when_its_form_is_unknown(
    kind: type[Message], body: bytes
) -> None:
    """Such a message is put back, never failed, so that a roll-back loses nothing."""
    with pytest.raises(FromTheFuture, match="this app reads 1"):
        decode(body, kind)


@pytest.mark.parametrize("file", OF_THIS_VERSION)
def test_a_later_version_is_put_back_even_when_it_could_be_read(file: str) -> None:
    body = json.dumps({**json.loads(sample(file)), "v": VERSION + 1}).encode()

    with pytest.raises(FromTheFuture):
        decode(body, type(OF_THIS_VERSION[file]))


@pytest.mark.parametrize("kind", kinds)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"v"',
        b'{"v": 1}',
        b'{"v": "2"}',
        b'{"v": 2.5}',
        b'{"v": null}',
        b'{"v": true}',
        b'{"v": -1}',
        b'{"v": 2',
        b"\xff\xfe{}",
        b"eyJ2IjogMX0=",
        b"[" * 100_000,
        b'{"v": ' + b"[" * 100_000,
        b'{"source": "\\ud800"}',
        b'{"source": "\xff"}',
    ],
    ids=range(18),
)
def test_rubbish_is_unreadable_and_no_word_of_it_is_said(kind: type[Message], body: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        decode(body, kind)

    assert str(refused.value).startswith(f"not a {kind.__name__} (")


@pytest.mark.parametrize("kind", kinds)
def test_a_message_in_the_wrong_queue_is_unreadable(kind: type[Message]) -> None:
    """Unless it says all that one of that queue says: then the journal's row tells what is to be done."""
    for message in OF_THIS_VERSION.values():
        if not set(kind.__struct_fields__) <= set(message.__struct_fields__):
            with pytest.raises(Unreadable):
                decode(encode(message).encode(), kind)


@pytest.mark.parametrize(
    ("field", "value"), [("cause", "rumour"), ("cause", None), ("message", 7), ("revived", "0")]
)
def test_a_field_of_the_wrong_kind_is_unreadable(field: str, value: object) -> None:
    body = json.dumps({**json.loads(sample("mail-arrived.v1.json")), field: value}).encode()

    with pytest.raises(Unreadable):
        decode(body, MailArrived)


@given(some.binary() | json_values.map(lambda value: json.dumps(value).encode()), some.sampled_from(kinds))
def test_no_body_at_all_raises_anything_else(body: bytes, kind: type[Message]) -> None:
    with pytest.raises((Unreadable, FromTheFuture)):
        decode(body, kind)
