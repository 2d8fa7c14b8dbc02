"""The bytes of the parts of a mail, of which the long ones are on disk."""

from __future__ import annotations

import base64
import binascii
import quopri
from collections.abc import Iterable, Iterator
from copy import copy
from email.generator import BytesGenerator
from email.message import Message as MimePart
from email.policy import Compat32
from io import BytesIO

from sandbox.tenant.graph.long_runs import ENCODED, NONE, LongRuns
from sandbox.tenant.graph.text import guarded

NOT_BASE64 = bytes(set(range(256)) - set(ENCODED)) + b"\r\n"


class _AsTheyStand(Compat32):
    """Headers go out as they came in, however damaged or long they are."""

    def fold_binary(self, name: str, value: str) -> bytes:
        lines = f"{name}: {value}".replace("\r\n", "\n") + "\n"
        return lines.encode("ascii", "surrogateescape")


AS_THEY_STAND = _AsTheyStand()


def part_bytes(part: MimePart, runs: LongRuns = NONE) -> bytes:
    """The decoded bytes of a leaf; for a report (`message/delivery-status`) its text as it stands."""
    return b"".join(part_pieces(part, runs))


def part_pieces(part: MimePart, runs: LongRuns = NONE) -> Iterator[bytes]:
    """The decoded bytes of a leaf in pieces."""
    content = part.get_payload()
    if isinstance(content, list):
        yield from runs.restored(_flat(content))
        return
    raw = guarded(lambda: _undecoded(part), b"") if runs.places else b""
    if runs.within(raw):
        yield from _decoded(runs.restored(raw), _encoding(part))
        return
    decoded = guarded(lambda: part.get_payload(decode=True), None)
    yield decoded if isinstance(decoded, bytes) else b""


def encapsulated(part: MimePart, runs: LongRuns = NONE) -> Iterator[bytes]:
    """The mail within a mail, in pieces."""
    content = part.get_payload()
    if not isinstance(content, list):
        yield from part_pieces(part, runs)
        return
    flat = _flat(content)
    # RFC 2046 forbids to encode a mail within a mail; it is done all the same.
    if _encoding(part) != "base64":
        yield from runs.restored(flat)
        return
    try:
        yield base64.b64decode(b"".join(b"".join(runs.restored(flat)).split()), validate=True)
    except (binascii.Error, ValueError):
        yield from runs.restored(flat)


def flattened(part: MimePart) -> bytes:
    """A part with its headers, as it stands in the mail; its lines end with a line feed."""
    return guarded(lambda: _generated(part), b"")


def _flat(parts: Iterable[object]) -> bytes:
    return b"".join(flattened(part) for part in parts if isinstance(part, MimePart))


def _generated(part: MimePart) -> bytes:
    target = BytesIO()
    BytesGenerator(target, mangle_from_=False, maxheaderlen=0, policy=AS_THEY_STAND).flatten(part)
    return target.getvalue()


def _undecoded(part: MimePart) -> bytes:
    alone = copy(part)
    del alone["Content-Transfer-Encoding"]
    content = alone.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def _encoding(part: MimePart) -> str:
    return str(part.get("Content-Transfer-Encoding", "")).strip().lower()


def _decoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding == "base64":
        yield from from_base64(pieces)
    elif encoding == "quoted-printable":
        yield quopri.decodestring(b"".join(pieces))
    else:
        yield from pieces


def from_base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes that base64 stands for; what is none is passed over, and padding ends it.

    Where too little is left for a byte it is dropped: the library would give the whole undecoded.
    """
    rest = b""
    for piece in pieces:
        rest += piece.translate(None, NOT_BASE64)
        if b"=" in rest:
            break
        whole = len(rest) // 4 * 4
        yield binascii.a2b_base64(rest[:whole])
        rest = rest[whole:]
    last = rest.partition(b"=")[0]
    if len(last) % 4 == 1:
        last = last[:-1]
    yield binascii.a2b_base64(last + b"=" * (-len(last) % 4))
