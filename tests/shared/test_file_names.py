"""What a mail calls its files is hostile text; what the vault calls them is safe."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import file_names
from shared.file_extensions import extension_of
from shared.file_names import LONGEST_TITLE, Called
from shared.file_names import vault_names as names_of

from .safe_names import faults_of_names, units

SHORT, LONG = 100, 100_000
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
        ("\u3164\u2800\uffa0", PDF, "attachment 1", "pdf"),
        ("a\u034fb\u3164.pdf", PDF, "ab", "pdf"),
        ("con" + " ." * 60 + "x.pdf", PDF, "_con", "pdf"),
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


def test_names_are_alike_in_every_case_and_form() -> None:
    """Each pair is one file to Windows or to macOS."""
    for one, other in (("ﬁ", "fi"), ("straße", "STRASSE"), ("\u0130", "i\u0307"), ("ᾴ", "ΆΙ")):
        first, second = vault_names([(f"{one}.pdf", PDF), (f"{other}.pdf", PDF)])
        assert second[0].endswith(" (2)"), first


@pytest.mark.parametrize("character", ["\U0001f600", "漢", "ä", "e\u0301", "x"])
def test_a_name_is_cut_by_what_windows_counts_and_no_character_in_halves(character: str) -> None:
    ((title, _),) = vault_names([(character * 300 + ".pdf", PDF)])

    assert LONGEST_TITLE - 1 <= units(title) <= LONGEST_TITLE
    assert len(f"{title}.pdf".encode()) <= 255  # as other systems count
    title.encode()


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        ("application/pdf", "pdf"),
        ("application/msword", "doc"),
        (DOCX, "docx"),
        ("application/vnd.ms-excel.sheet.macroEnabled.12", "xlsm"),
        ("application/vnd.oasis.opendocument.text", "odt"),
        ("application/x-microsoft-rpmsg-message", "rpmsg"),
        ("application/vnd.ms-tnef", "dat"),
        ("application/pkcs7-mime; smime-type=signed-data", "p7m"),
        ("application/pgp-signature", "asc"),
        ("application/javascript", "js"),
        ("application/x-7z-compressed", "7z"),
        ("image/jpeg", "jpg"),
        ("image/tiff", "tiff"),
        ("audio/wav", "wav"),
        ("message/delivery-status", "txt"),
        ("message/rfc822", "eml"),
        ("text/csv; header=present", "csv"),
        (" Text/HTML ", "html"),
        ("application/octet-stream", "bin"),
        ("x/y", "bin"),
        ("", "bin"),
    ],
)
def test_a_content_type_has_an_extension(content_type: str, extension: str) -> None:
    assert extension_of(content_type) == extension


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
    assert max(units(title) for title, _ in names) == LONGEST_TITLE


@pytest.mark.parametrize("length", [1, 76, 300])  # several of each; alike once cut for a number; all alike
def test_of_thousands_of_twins_each_costs_the_same(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    looked, folded = 0, file_names._folded

    def counting(name: str) -> str:
        nonlocal looked
        looked += 1
        return folded(name)

    monkeypatch.setattr(file_names, "_folded", counting)
    names = vault_names([("x" * length + f"{number % 500:03}.pdf", PDF) for number in range(2000)])

    assert len(set(names)) == 2000
    assert looked < 15 * 2000


@given(
    st.lists(
        st.sampled_from(["a", "A", "a (2)", "ß", "ss", "x" * 76 + "yz", "x" * 78, "x" * 75 + "ßab"]),
        max_size=40,
    )
)
def test_a_twin_has_the_least_number_that_is_free(called: list[str]) -> None:
    taken = set[str]()
    for title, (given_title, _) in zip(
        called, vault_names([(f"{one}.pdf", PDF) for one in called]), strict=True
    ):
        marks = (f" ({number})" for number in range(2, 100))
        candidates = [title, *(title[: LONGEST_TITLE - len(mark)] + mark for mark in marks)]
        assert given_title == next(one for one in candidates if one.casefold() not in taken)
        taken.add(given_title.casefold())


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


def test_whatever_the_names_they_become_safe_and_unlike(pytestconfig: pytest.Config) -> None:
    """And always the same, whatever comes behind."""

    @settings(max_examples=LONG if pytestconfig.getoption("--long") else SHORT)
    @given(st.lists(attached, max_size=8))
    def holds(files: list[tuple[str, str, str]]) -> None:
        names = vault_names(files)
        assert len(names) == len(files)
        assert faults_of_names(names) == []
        ours = [(file[2], name[1]) for file, name in zip(files, names, strict=True) if file[2]]
        assert all(wanted == extension for wanted, extension in ours)
        assert vault_names(files) == names
        assert vault_names(files[:-1]) == names[: len(files[:-1])]

    holds()


def test_what_is_safe_already_stays_as_it_is() -> None:
    names = [("Größe 4711 (final)", "pdf"), ("請求書", "xlsx"), ("archive.tar", "gz"), ("~$x", "docx")]
    assert vault_names([(f"{title}.{extension}", PDF) for title, extension in names]) == names
