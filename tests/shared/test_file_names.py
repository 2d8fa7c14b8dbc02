"""What a mail calls its files is hostile text; what the vault calls them is safe."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.file_names import LONGEST_EXTENSION, LONGEST_TITLE, Called
from shared.file_names import vault_names as names_of

RESERVED = {"con", "prn", "aux", "nul", "conin$", "conout$"} | {
    f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"
}
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def vault_names(files: Sequence[tuple[str, ...]]) -> list[tuple[str, str]]:
    """The names of files: name, content type, and extension where it is ours."""
    return names_of([Called(*file) for file in files])


@pytest.mark.parametrize(
    ("name", "content_type", "title", "extension"),
    [
        ("invoice.pdf", PDF, "invoice", "pdf"),
        ("Invoice No. 7.PDF", PDF, "Invoice No. 7", "PDF"),
        ("archive.tar.gz", "application/gzip", "archive.tar", "gz"),
        ("Rechnung Müller.docx", "", "Rechnung Müller", "docx"),
        ("請求書.pdf", PDF, "請求書", "pdf"),
        ("../../etc/passwd", "text/plain", "passwd", "txt"),
        ("..\\..\\windows\\system32\\cmd.exe", "", "cmd", "exe"),
        ("C:\\temp\\a.txt", "", "a", "txt"),
        ("a/b/c.txt/", "text/plain", "attachment 1", "txt"),
        ("CON.pdf", PDF, "_CON", "pdf"),
        ("con", PDF, "_con", "pdf"),
        ("Nul.tar.gz", "", "_Nul.tar", "gz"),
        ("com1.txt", "", "_com1", "txt"),
        ("LPT².txt", "", "_LPT²", "txt"),
        ("con .a.txt", "", "_con .a", "txt"),
        ("CONIN$.txt", "", "_CONIN$", "txt"),
        ("console.txt", "", "console", "txt"),
        ("invoice\u202efdp.exe", "", "invoicefdp", "exe"),
        ("in\x00voice\x1b[31m.pdf", PDF, "invoice[31m", "pdf"),
        ("zero\u200bwidth\ufeff.pdf", PDF, "zerowidth", "pdf"),
        ('a<b>c:"d"|e?f*.pdf', PDF, "a_b_c__d__e_f_", "pdf"),
        ("name.. . .", "text/plain", "name", "txt"),
        ("name .pdf ", PDF, "name", "pdf"),
        ("  spaced \t out .pdf", PDF, "spaced out", "pdf"),
        ("", PDF, "attachment 1", "pdf"),
        ("", "", "attachment 1", "bin"),
        ("...", "", "attachment 1", "bin"),
        ("\u202e\u200b", "", "attachment 1", "bin"),
        ("noextension", PDF, "noextension", "pdf"),
        ("noextension", "application/pdf; name=x", "noextension", "pdf"),
        ("noextension", "Application/PDF", "noextension", "pdf"),
        ("noextension", "application/octet-stream", "noextension", "bin"),
        ("noextension", "x/../../y", "noextension", "bin"),
        ("letter of 24. November", "text/plain", "letter of 24. November", "txt"),
        ("name.averyveryverylongend", "text/plain", "name.averyveryverylongend", "txt"),
        ("name.b\u00e4d", PDF, "name.b\u00e4d", "pdf"),
        ("Invoice 4711.2", PDF, "Invoice 4711.2", "pdf"),
        ("disk.001", "application/octet-stream", "disk", "001"),
        ("archive.7z", "application/zip", "archive", "7z"),
        ("e\u0301.pdf", PDF, "\u00e9", "pdf"),
        ("e\u200b\u0301.pdf", PDF, "\u00e9", "pdf"),
        ("letter", DOCX, "letter", "docx"),
        ("card", "text/vcard; charset=utf-8", "card", "vcf"),
        ("meeting", "text/calendar", "meeting", "ics"),
        ("message", "message/rfc822", "message", "eml"),
        ("data", "application/xml", "data", "xml"),
    ],
)
def test_a_name_is_made_safe(name: str, content_type: str, title: str, extension: str) -> None:
    assert vault_names([(name, content_type)]) == [(title, extension)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Re: Order 1/2", "Re_ Order 1_2"),
        ("Version 2.5", "Version 2.5"),
        ("Hello.eml", "Hello"),
        ("HELLO.EML", "HELLO"),
        (".eml", "eml"),
        ("..\\..\\x", "_.._x"),
        ("con", "_con"),
        ("con.eml", "_con"),
        ("nul.txt", "_nul.txt"),
        ("", "attachment 1"),
        ("x" * 300, "x" * LONGEST_TITLE),
    ],
)
def test_a_text_with_an_extension_of_ours_has_no_path_and_no_extension(text: str, title: str) -> None:
    assert vault_names([(text, "", "eml")]) == [(title, "eml")]


def test_names_that_look_alike_are_alike() -> None:
    names = vault_names([("\u00e9.pdf", PDF), ("e\u0301.pdf", PDF)])
    assert names == [("\u00e9", "pdf"), ("\u00e9 (2)", "pdf")]


def test_a_long_name_is_cut_but_keeps_its_extension() -> None:
    assert vault_names([("x" * 300 + ".pdf", PDF)]) == [("x" * LONGEST_TITLE, "pdf")]


def test_twins_are_numbered_in_any_case() -> None:
    names = vault_names([("a.pdf", PDF), ("A.PDF", PDF), ("a.txt", ""), ("a.pdf", PDF)])
    assert names == [("a", "pdf"), ("A (2)", "PDF"), ("a", "txt"), ("a (3)", "pdf")]


def test_a_number_that_is_taken_already_is_passed_over() -> None:
    names = vault_names([("a (2).pdf", PDF), ("a.pdf", PDF), ("a.pdf", PDF)])
    assert names == [("a (2)", "pdf"), ("a", "pdf"), ("a (3)", "pdf")]


def test_long_twins_are_numbered_within_the_limit() -> None:
    names = vault_names([("x" * 300 + ".pdf", PDF)] * 12)
    assert len(set(names)) == 12
    assert max(len(title) for title, _ in names) == LONGEST_TITLE


def test_a_file_without_a_name_has_the_number_of_its_place() -> None:
    assert [title for title, _ in vault_names([("a.pdf", PDF), ("", PDF)])] == ["a", "attachment 2"]


spiteful = st.text(
    st.sampled_from(" ./\\:*?<>|\"'\u202e\u200b\x00\x1f\x7f\ud800~$%-_conauxCOM1²éß漢\U0001f600")
    | st.characters(),
    max_size=200,
)
attached = st.tuples(
    spiteful | st.sampled_from(["CON", "a.pdf", "A.pdf", ".a", "a.", "a.7", "e\u0301", "\u00e9", "x" * 300]),
    st.sampled_from(["", PDF, "text/plain", "message/rfc822"]) | st.text(max_size=30),
    st.sampled_from(["", "", "eml", "url"]),
)


@given(st.lists(attached, max_size=8))
def test_whatever_the_names_they_become_safe_and_unlike(files: list[tuple[str, str, str]]) -> None:
    names = vault_names(files)
    assert len(names) == len(files)
    assert len({f"{title}.{extension}".casefold() for title, extension in names}) == len(files)
    for title, extension in names:
        assert 0 < len(title) <= LONGEST_TITLE
        assert 0 < len(extension) <= LONGEST_EXTENSION
        assert re.fullmatch(r"[A-Za-z0-9_-]+", extension)
        assert not re.search(r'[<>:"/\\|?*]', title)
        assert title == title.strip(" ").rstrip(".")
        assert not title.startswith(".")
        assert title.split(".")[0].strip().casefold() not in RESERVED
        assert all(unicodedata.category(character)[0] != "C" for character in title)
        assert title.splitlines() == [title]
    ours = [(file[2], name[1]) for file, name in zip(files, names, strict=True) if file[2]]
    assert all(wanted == extension for wanted, extension in ours)
    assert vault_names(files) == names


@given(st.lists(attached, min_size=1, max_size=8))
def test_a_name_depends_on_those_before_it_only(files: list[tuple[str, str, str]]) -> None:
    assert vault_names(files)[: len(files) - 1] == vault_names(files[:-1])
