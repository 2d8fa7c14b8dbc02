"""What mails call their files."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from .mime import PDF, Case, attached, encoded, letter

NAMES: dict[str, tuple[str | None, ...]] = {
    "paths": (
        "../../etc/passwd",
        "..\\..\\windows\\system32\\drivers\\etc\\hosts",
        "/etc/shadow",
        "C:\\Windows\\win.ini",
        "\\\\server\\share\\plan.pdf",
        "file:///etc/passwd",
        "folder/",
        "..",
        ".",
        "/",
        "\u2215etc\u2215passwd",
        "a.pdf:hidden.exe",
    ),
    "controls": (
        "nul\x00l.pdf\x00.exe",
        "two\r\nlines.pdf",
        "X-Header: injected\r\n\r\n.pdf",
        "\x1b[31mred\x1b[0m.pdf",
        "del\x7f c1\x85.pdf",
        "\x00",
        "\t",
    ),
    "bidirectional": (
        "invoice\u202efdp.exe",
        "\u202d\u202e\u202c.pdf",
        "\u2066invoice\u2069.pdf",
        "zero\u200bwidth\u200d\ufeff.pdf",
        "\u202e",
        "\u05d7\u05e9\u05d1\u05d5\u05df.pdf",
    ),
    "long": (
        "x" * 300,
        "x" * 300 + ".pdf",
        "x" * 299 + "y.pdf",
        "ä" * 300 + ".pdf",
        "\U0001f600" * 300 + ".pdf",
        "e\u0301" * 300 + ".pdf",
        "." * 300,
        "a." * 150 + "pdf",
        "name." + "x" * 300,
        " " * 300 + "x.pdf",
    ),
    "twins": (
        "a.pdf",
        "a.pdf",
        "A.PDF",
        "a.pdf.",
        "a.pdf ",
        "./a.pdf",
        "a (2).pdf",
        "é.pdf",
        "e\u0301.pdf",
        "ﬁle.pdf",
        "file.pdf",
        "STRASSE.pdf",
        "straße.pdf",
        "\u0130.pdf",
        "i\u0307.pdf",
        "\u212b.pdf",
        "\u00c5.pdf",
    ),
    "reserved": (
        "CON.pdf",
        "con",
        "NUL.tar.gz",
        "aux .pdf",
        "PRN.",
        "COM1.txt",
        "LPT9.pdf",
        "COM\u00b9.pdf",
        "CONIN$",
        "CLOCK$.pdf",
        "desktop.ini",
        "~$letter.docx",
        '<>:"|?*.pdf',
    ),
    "ends": (
        "dots...",
        "a.pdf...",
        ".htaccess",
        "...pdf",
        "spaces   ",
        ".pdf",
        "a.",
        "archive.tar.gz",
        "7.1",
    ),
    "none": (None, None, "", " "),
    "templates": (
        "{{ 7 * 7 }}.pdf",
        "{% for a in b %}.pdf",
        "${jndi:ldap://x}.pdf",
        "%TEMP%.pdf",
        "$(id).pdf",
    ),
}
TYPES = (
    "application/pdf",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/octet-stream",
    "application/x-nobody-knows",
    "application/zip",
    "image/jpeg",
    "text/plain",
    "text/csv",
    "audio/mpeg",
    "x/../../y",
    "application/pdf; name",
)


def cases() -> Iterator[Case]:
    """Hostile names, and names said in every way that senders have."""
    for kind, names in NAMES.items():
        files = [attached(name, PDF + str(number).encode()) for number, name in enumerate(names)]
        yield Case(f"names: {kind}", letter(f"Names: {kind}", *files))
    of_types = [attached("no extension", str(n).encode(), kind) for n, kind in enumerate(TYPES)]
    yield Case("names: without extension", letter("Names without extension", *of_types))
    yield Case("names: said in every way", letter("Names said in every way", *_said_in_every_way()))


def _said_in_every_way() -> Iterator[bytes]:
    name = "Größe 4711.pdf"
    for number, said in enumerate(
        (
            f'filename="{name}"'.encode(),
            b'filename="' + name.encode("latin-1") + b'"',
            b'filename="=?utf-8?Q?Gr=C3=B6=C3=9Fe_4711.pdf?="',
            b"filename*=utf-8'de'" + quote(name).encode(),
            b"filename*=iso-8859-1''" + quote(name.encode("latin-1")).encode(),
            b"filename*=x-unknown''Gr%F6%DFe.pdf",
            b"filename*=''Gr%F6%DFe.pdf",
            b"filename*=utf-8''%ZZ%.pdf",
            b"filename*0*=utf-8''Gr%C3%B6; filename*1*=%C3%9Fe; filename*2=\" 4711.pdf\"",
            b"filename*1=second.pdf",
            b'filename="open',
            b"filename=not quoted at all.pdf",
            b'filename="back\\"slash\\\\.pdf"; filename="twice.pdf"',
            b"filename=",
        )
    ):
        yield encoded("application/pdf", PDF + bytes([number]), b"Content-Disposition: attachment; " + said)
    yield encoded('application/pdf; name="by its type.pdf"', PDF)
    yield encoded('application/pdf; name="=?shift_jis?B?kL+LgY+RLnBkZg==?="', PDF + b"name")
