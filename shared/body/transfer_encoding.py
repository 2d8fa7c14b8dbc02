"""Content-Transfer-Encoding undone, of damaged parts too (RFC 2045, section 6)."""

from __future__ import annotations

import binascii
import re

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64) - {ord("=")})
_ONLY_BASE64 = re.compile(rb"[A-Za-z0-9+/=\r\n]*")
_PADDING = re.compile(rb"=+")
_UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_UU_LINE = re.compile(rb"[ -`]+")


def transfer_encoding(value: str) -> str:
    """The encoding that a header names, without what software wrongly puts around it."""
    return "".join(value.partition(";")[0].lower().split())


def undone(content: bytes, encoding: str) -> bytes:
    """`content` as it was before `encoding`; unknown encodings are taken for none. Never raises."""
    if encoding == "base64":
        return _base64(content)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    return _uu(content) if encoding in _UUENCODE else content


def _base64(content: bytes) -> bytes:
    """Characters outside the alphabet are passed over (RFC 2045, 6.8).

    After padding, more is read only if nothing but base64 follows: several encoded pieces in a row are met,
    and so is the footer of a mailing list.
    """
    padding = re.search(rb"=+", content)
    if padding and not _ONLY_BASE64.fullmatch(content, padding.end()):
        content = content[: padding.start()]
    return b"".join(map(_piece, _PADDING.split(content.translate(None, _NOT_BASE64))))


def _piece(digits: bytes) -> bytes:
    whole = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _uu(content: bytes) -> bytes:
    """Between the lines `begin` and `end`; a line that is damaged is left out."""
    out, within = bytearray(), False
    for line in content.splitlines():
        if not within:
            within = line.startswith(b"begin ")
        elif line.strip() == b"end":
            break
        elif _UU_LINE.fullmatch(line):
            out += _uu_line(line)
    return bytes(out)


def _uu_line(line: bytes) -> bytes:
    length = ((line[0] - 32) & 63) * 4 // 3 + 1
    try:
        return binascii.a2b_uu(line[: length + 3].rstrip())
    except binascii.Error:
        return b""
