"""MIME that is broken, endless, or nested beyond reason."""

from __future__ import annotations

from collections.abc import Iterator

from .mime import (
    ALTERNATIVE,
    MIXED,
    RELATED,
    TEXT,
    Case,
    attached,
    encoded,
    entity,
    head,
    letter,
    multipart,
    text,
)

DEPTH = 400
LONG_LINE = 1_000_000


def cases() -> Iterator[Case]:
    """Each a mail."""
    for name, kind, content in _broken():
        yield Case(f"structure: {name}", head(name) + entity(kind, content))
    yield Case("structure: hundreds of multiparts", head("Hundreds deep") + _nested(DEPTH, "b{}"))
    yield Case("structure: one boundary for all", head("One boundary") + _nested(60, "b"))
    yield Case("structure: hundreds without end", head("Hundreds without end") + _nested_without_end())
    yield Case("structure: 1,000 empty parts", head("Empty parts") + multipart(MIXED, [b""] * 1000))
    whole = letter("Cut short", attached("a.pdf", b"x" * 10_000))
    yield Case("structure: cut short", whole[:-3000])
    yield Case("structure: lines end in LF", letter("LF", attached("a.pdf")).replace(b"\r\n", b"\n"))
    yield Case("structure: lines end in CR", letter("CR", attached("a.pdf")).replace(b"\r\n", b"\r"))
    yield Case("structure: lines end in all ways", _mixed_ends())
    yield Case(
        "structure: out of a mailbox file", b"From ada@contoso.com  Tue Nov 24 2026\r\n" + letter("mbox")
    )
    yield Case("structure: byte order mark first", b"\xef\xbb\xbf" + letter("BOM"))
    yield Case("structure: empty lines first", b"\r\n\r\n" + letter("Empty lines first"))
    yield Case("structure: all that Outlook nests", _as_outlook())
    for encoding, content in _encodings():
        part = entity(
            "application/pdf",
            content,
            b"Content-Transfer-Encoding: " + encoding,
            'Content-Disposition: attachment; filename="a.pdf"',
        )
        yield Case(f"transfer encoding: {encoding.decode('latin-1')}", letter(b"As " + encoding, part))


def _broken() -> Iterator[tuple[str, str, bytes]]:
    part = text()
    yield "multipart without end", "multipart/mixed; boundary=b", b"--b\r\n" + part + b"--b\r\n" + part
    yield "multipart without a boundary", "multipart/mixed", b"--b\r\n" + part + b"--b--\r\n"
    yield "multipart with an empty boundary", 'multipart/mixed; boundary=""', b"--\r\n" + part + b"----\r\n"
    yield "multipart with another boundary", "multipart/mixed; boundary=c", b"--b\r\n" + part + b"--b--\r\n"
    yield "multipart with nothing in it", "multipart/mixed; boundary=b", b""
    yield "multipart that ends first", "multipart/mixed; boundary=b", b"--b--\r\n--b\r\n" + part
    yield (
        "boundary of 300 characters",
        f"multipart/mixed; boundary={'b' * 300}",
        b"--" + b"b" * 300 + b"\r\n" + part,
    )
    yield (
        "boundary within the text",
        "multipart/mixed; boundary=b",
        b"--b\r\n" + part + b"--bb\r\n --b\r\n--b--\r\n",
    )
    yield "multipart of no known kind", "multipart/x-unknown; boundary=b", b"--b\r\n" + part + b"--b--\r\n"
    yield (
        "parts without header fields",
        "multipart/mixed; boundary=b",
        b"--b\r\n\r\nx\r\n--b\r\ny\r\n--b--\r\n",
    )
    yield "multipart in base64", "multipart/mixed; boundary=b", b"LS1iDQoNCng=\r\n"
    yield "content type without a slash", "text", b"x"
    yield "content type of commas", ";,;=,/;", b"x"
    yield "content type of 10,000 parameters", "text/plain" + "; a=b" * 10_000, b"x"
    yield "a line of a million characters", TEXT, b"x" * LONG_LINE
    yield "NUL in the text", TEXT, b"a\0b\0\0c"


def _nested(depth: int, boundary: str) -> bytes:
    inner = attached("deep.pdf")
    for number in range(depth):
        inner = multipart(MIXED, [inner], boundary=boundary.format(number))
    return inner


def _nested_without_end() -> bytes:
    return b"".join(
        f"Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n".encode()
        for number in range(DEPTH)
    )


def _mixed_ends() -> bytes:
    return letter("All ends", attached("a.pdf")).replace(b"\r\n", b"\n", 7).replace(b"\n", b"\r", 3)


def _as_outlook() -> bytes:
    html = text("<p>Hello <img src='cid:a@contoso.com'></p>", "text/html; charset=utf-8")
    picture = encoded("image/png", b"p", "Content-ID: <a@contoso.com>", "Content-Disposition: inline")
    related = multipart(
        f'{RELATED}; type="multipart/alternative"',
        [
            multipart(ALTERNATIVE, [text(), html], boundary="_alternative_"),
            picture,
        ],
        boundary="_related_",
    )
    return head("As Outlook nests") + multipart(MIXED, [related, attached("a.pdf")], boundary="_mixed_")


def _encodings() -> Iterator[tuple[bytes, bytes]]:
    yield b"base64", b"JVBERi0xLjQ"  # no padding
    yield b"BASE64 ", b"JVBE\r\n!!!!\r\nRi0x=LjQ=\r\n\r\nafterwards"
    yield b"quoted-printable", b"=50=44=4\r\n=\r\n=ZZ a=\r\n   \r\n="
    yield b"x-uuencode", b"begin 644 a.pdf\r\n#4$1&\r\n`\r\nend\r\n"
    yield b"binary", bytes(range(256)) * 8
    yield b"8bit", bytes(range(128, 256))
    yield b"7bit", bytes(range(256))
    yield b"rot13", b"CQS"
    yield b"\xff\xfe", b"x"
