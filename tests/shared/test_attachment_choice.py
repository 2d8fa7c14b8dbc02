"""Which attachments are filed: by what they are, what they are called, and how large they are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.attachment_choice import SMALL_PICTURE, passed_over
from shared.configuration import Attachments
from shared.manifest import StagedFile

from .generated import any_text
from .made import staged


def file(name: str = "a.pdf", kind: str = "application/pdf", size: int = 10, **more: Any) -> StagedFile:
    made = staged("attachments/0001", b"x" * size, name, kind)
    return msgspec.structs.replace(made, **more)


def why(one: StagedFile, *, name: str = "", shown: frozenset[str] = frozenset(), **settings: Any) -> str:
    return passed_over(one, name or one.name, msgspec.convert(settings, Attachments), shown)


def test_without_settings_all_are_filed() -> None:
    assert why(file()) == why(file("logo.png", "image/png", inline=True)) == ""


def test_a_picture_that_the_text_shows_is_passed_over() -> None:
    """Also where Graph does not call it inline: it is the text that counts."""
    logo = file("logo.png", "image/png", 20_000)

    assert why(logo, inline="skip", shown=frozenset({logo.sha256})) == "a picture within the text"
    assert why(logo, inline="skip") == ""


@pytest.mark.parametrize(
    ("kind", "size", "inline", "is_filed"),
    [
        ("image/png", SMALL_PICTURE - 1, True, False),
        ("IMAGE/PNG; name=x", SMALL_PICTURE - 1, True, False),
        ("image/png", SMALL_PICTURE, True, True),
        ("image/png", SMALL_PICTURE - 1, False, True),
        ("application/pdf", 10, True, True),
    ],
)
def test_small_inline_pictures_are_passed_over_and_nothing_else_for_being_inline(
    kind: str, size: int, inline: bool, is_filed: bool
) -> None:
    assert (why(file("x", kind, size, inline=inline), inline="skip") == "") is is_filed


@pytest.mark.parametrize(
    ("name", "in_vault", "kind"),
    [
        ("evil.exe", "evil.exe", "application/pdf"),
        ("EVIL.EXE", "EVIL.EXE", "application/pdf"),
        ("evil.exe. ", "evil.exe", "application/pdf"),
        ("evil", "evil.exe", "application/pdf"),
        ("clip.mp4", "clip.mp4", "video/mp4"),
        ("clip", "clip.bin", "Video/MP4; codecs=x"),
    ],
)
def test_what_is_denied_by_name_or_type_is_passed_over(name: str, in_vault: str, kind: str) -> None:
    """By what the mail calls it as well as by what the vault would."""
    said = why(file(name, kind), name=in_vault, deny=["*.exe", "video/*"])

    assert said == "its name or type is denied"


def test_a_type_is_no_name() -> None:
    assert why(file("video", "application/pdf"), deny=["video/*"]) == ""


def test_with_names_that_are_allowed_all_others_are_passed_over() -> None:
    assert why(file("a.pdf"), allow=["*.pdf"]) == ""
    assert why(file("a.doc"), allow=["*.pdf"]) == "its name or type is not among those allowed"
    assert why(file("a.pdf"), allow=["*.pdf"], deny=["a*"]) == "its name or type is denied"


def test_what_is_too_large_is_passed_over() -> None:
    assert why(file(size=1024), largest="1KB") == ""
    assert why(file(size=1025), largest="1KB") == "it is larger than 1KB"


@given(name=any_text, kind=any_text, pattern=some.sampled_from(["*a*b*c*", "[!a]*", "?*", "*/*", "["]))
def test_any_name_is_decided_and_nothing_of_it_is_said(name: str, kind: str, pattern: str) -> None:
    said = why(file(name, kind), name="x.bin", deny=[pattern], allow=[pattern])

    assert said in ("", "its name or type is denied", "its name or type is not among those allowed")
