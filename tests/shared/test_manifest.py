"""The manifest: what staging tells filing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.mail import EXAMPLE, Mail
from shared.manifest import LeftOut, Manifest, StagedFile, attachment_path

DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
FULL = Manifest(
    source="invoices",
    key="c0cd0c40a63e4780f9d8b10abec2c6cc",
    message="AAkALgAA=",
    run="5f2b",
    mail=EXAMPLE,
    files=(
        StagedFile("5f2b/message.eml", "message", 2048, DIGEST),
        StagedFile("5f2b/attachments/0001", "file", 0, DIGEST, "a.pdf", "application/pdf"),
        StagedFile("5f2b/attachments/0003", "file", 5_000_000_000, DIGEST, "", "", inline=True),
    ),
    left_out=(LeftOut(2, "item", "Re: offer"),),
)
OF_VERSION_1 = b"""{
    "source": "invoices", "key": "c0cd", "message": "A=", "run": "5f2b", "mail": {"subject": "Hello"},
    "files": [{"path": "message.eml", "kind": "message", "size": 5, "sha256": "e3b0", "later": [1]}],
    "v": 1, "later": {"unknown": null}
}"""


def test_a_manifest_comes_back_as_it_was_written() -> None:
    assert msgspec.json.decode(msgspec.json.encode(FULL), type=Manifest) == FULL


def test_a_manifest_of_this_version_is_read_and_unknown_fields_are_ignored() -> None:
    manifest = msgspec.json.decode(OF_VERSION_1, type=Manifest)

    assert manifest.mail == Mail(subject="Hello")
    assert manifest.files == (StagedFile("message.eml", "message", 5, "e3b0"),)
    assert (manifest.left_out, manifest.v) == ((), 1)


def test_the_names_of_attachments_are_those_of_all_in_their_order() -> None:
    """As rules know them while the mail is staged: also of one that is within the message only."""
    files = tuple(
        msgspec.structs.replace(file, path=file.path.removeprefix("5f2b/")) for file in FULL.files[1:]
    )
    manifest = msgspec.structs.replace(FULL, files=(FULL.files[0], *files))

    assert manifest.attachment_names == ("a.pdf", "Re: offer", "")


@pytest.mark.parametrize(
    ("number", "path"),
    [
        (1, "attachments/0001"),
        (42, "attachments/0042"),
        (9999, "attachments/9999"),
        (10_000, "attachments/10000"),
    ],
)
def test_an_attachment_stands_under_its_number_not_its_name(number: int, path: str) -> None:
    assert attachment_path(number) == path


@given(some.lists(some.integers(min_value=1, max_value=10**6), unique=True, max_size=20))
def test_no_two_attachments_stand_at_one_place(numbers: list[int]) -> None:
    assert len({attachment_path(number) for number in numbers}) == len(numbers)
