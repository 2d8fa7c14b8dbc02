"""The content of one part of a mail as it passes by: decoded, counted, digested, not kept."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable

from shared.body.transfer_encoding import undone

BEGINNING = 64 * 1024
"""Bytes of the decoded content that are kept: a subject is looked for there."""
_HELD = 64 * 1024
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64))


class PartContent:
    """Takes the encoded lines of a part, each with its end, or long ones in pieces. Never raises.

    Of base64, what follows the padding is passed over (RFC 2045, 6.8).
    """

    def __init__(self, encoding: str) -> None:
        """`encoding` is as `shared.body.transfer_encoding` names it; unknown ones are taken for none."""
        undo: dict[str, Callable[[bytes, bool], tuple[bytes, bytes]]] = {
            "base64": self._base64,
            "quoted-printable": _quoted_printable,
        }
        self._undo = undo.get(encoding)
        self._held = bytearray()
        self._line = b""
        self._is_over = False
        self._sha256 = hashlib.sha256()
        self.size = 0
        self.beginning = bytearray()

    @property
    def sha256(self) -> str:
        """The digest of what was decoded, in hex; final after `end`."""
        return self._sha256.hexdigest()

    def feed(self, line: bytes) -> None:
        """The next line; it is not the last one, if another comes."""
        self._take(self._line)
        self._line = line

    def end(self, *, at_delimiter: bool) -> None:
        """The part has ended. The line break before a delimiter belongs to that (RFC 2046, 5.1.1)."""
        last, self._line = self._line, b""
        if at_delimiter:
            last = last.removesuffix(b"\n").removesuffix(b"\r")
        self._take(last)
        self._decode(is_last=True)

    def _take(self, piece: bytes) -> None:
        if self._undo is None:
            self._note(piece)
            return
        self._held += piece
        if len(self._held) >= _HELD:
            self._decode(is_last=False)

    def _decode(self, *, is_last: bool) -> None:
        if self._undo is not None:
            made, rest = self._undo(bytes(self._held), is_last)
            self._held = bytearray(rest)
            self._note(made)

    def _note(self, made: bytes) -> None:
        self._sha256.update(made)
        self.size += len(made)
        self.beginning += made[: BEGINNING - len(self.beginning)]

    def _base64(self, held: bytes, is_last: bool) -> tuple[bytes, bytes]:
        if self._is_over:
            return b"", b""
        digits, padding, _ = held.translate(None, _NOT_BASE64).partition(b"=")
        if padding or is_last:
            self._is_over = True
            return undone(digits, "base64"), b""
        whole = len(digits) // 4 * 4
        return binascii.a2b_base64(digits[:whole]), digits[whole:]


def _quoted_printable(held: bytes, is_last: bool) -> tuple[bytes, bytes]:
    """Cut where a line ends; a line that is too long, before what may be half a byte."""
    end = len(held)
    if not is_last:
        end = held.rfind(b"\n") + 1
        sign = held.rfind(b"=", len(held) - 2)
        end = end or (sign if sign >= 0 else len(held))
    return binascii.a2b_qp(held[:end]), held[end:]
