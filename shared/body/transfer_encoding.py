"""Content-Transfer-Encoding undone, of damaged parts too (RFC 2045, section 6)."""

from __future__ import annotations

import binascii
import io
import re

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64) - {ord("=")})
_ONLY_BASE64 = re.compile(rb"[A-Za-z0-9+/=\r\n]*")
_PADDING = re.compile(rb"=+")
_UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
_LINE = re.compile(rb"[^\r\n]+")
_UU_LINE = re.compile(rb"[ -`]+")
_WINDOW = 64 * 1024
"""Bytes that are decoded together: each piece between paddings is an object of some 36 bytes for a while."""


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
    end = len(content)
    padding = _PADDING.search(content)
    if padding and not _ONLY_BASE64.fullmatch(content, padding.end()):
        end = padding.start()
    out, held = io.BytesIO(), b""
    for start in range(0, end, _WINDOW):
        window = content[start : min(start + _WINDOW, end)].translate(None, _NOT_BASE64)
        *pieces, held = _PADDING.split(held + window)
        out.writelines(map(_piece, pieces))
        whole = len(held) // 4 * 4
        out.write(binascii.a2b_base64(held[:whole]))
        held = held[whole:]
    out.write(_piece(held))
    return out.getvalue()


def _piece(digits: bytes) -> bytes:
    whole = digits[: len(digits) - (len(digits) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def _uu(content: bytes) -> bytes:
    """Between the lines `begin` and `end`; a line that is damaged is left out."""
    out, within = io.BytesIO(), False
    for found in _LINE.finditer(content):
        line = found[0]
        if not within:
            within = line.startswith(b"begin ")
        elif line.strip() == b"end":
            break
        elif _UU_LINE.fullmatch(line):
            out.write(_uu_line(line))
    return out.getvalue()


def _uu_line(line: bytes) -> bytes:
    length = ((line[0] - 32) & 63) * 4 // 3 + 1
    try:
        return binascii.a2b_uu(line[: length + 3].rstrip())
    except binascii.Error:
        return b""
