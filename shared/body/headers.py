"""What a header says: text with encoded words, and values with parameters."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from shared.body.charsets import decoded
from shared.body.transfer_encoding import undone

LONGEST_SHOWN = 20_000
"""Characters of a header that are shown: some 500 recipients."""
_MOST_PARAMETERS = 64
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(r';\s*([^\s=;"]{1,60})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
_KIND = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")


class Value(NamedTuple):
    """A value with parameters, such as a Content-Type; it and their names in lower case."""

    main: str
    parameters: Mapping[str, str]


def value_of(header: bytes) -> Value:
    """The value and parameters of a header (RFC 2045, 5.1; parameters in pieces: RFC 2231, 3 and 4)."""
    text = _one_line(decoded(header))
    main = text.partition(";")[0].strip().lower()
    found: dict[str, str] = {}
    for number, match in enumerate(_PARAMETER.finditer(text)):
        if number == _MOST_PARAMETERS:
            break
        name = match[1].lower()
        quoted = match[2]
        found.setdefault(name, re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else match[3].strip())
    return Value(main, _joined(found))


def content_type(value: Value, default: str = "text/plain") -> str:
    """The type that a Content-Type names; what cannot be read is text/plain (RFC 2045, 5.2)."""
    kind = value.main.partition("(")[0].strip()
    if _KIND.fullmatch(kind):
        return kind
    return "text/plain" if kind else default


def identifier(header: bytes) -> str:
    """The id in a Content-ID, or in the parameter `start` of multipart/related, without its brackets."""
    return _one_line(decoded(header)).strip().removeprefix("<").removesuffix(">").strip()


def shown(header: bytes) -> str:
    """A header as a reader sees it, in one line, encoded words decoded (RFC 2047)."""
    text = _one_line(decoded(header))
    out: list[str] = []
    word: tuple[str, bytearray] | None = None
    at = 0
    for match in _ENCODED_WORD.finditer(text):
        between = text[at : match.start()]
        charset = match[1].partition("*")[0].lower()
        if word and not between.strip() and word[0] == charset:
            word[1].extend(_word(match))
        else:
            out += [_read(word), "" if word and not between.strip() else between]
            word = charset, bytearray(_word(match))
        at = match.end()
    seen = "".join([*out, _read(word), text[at:]])
    whole = " ".join(seen.split())
    return whole if len(whole) <= LONGEST_SHOWN else f"{whole[:LONGEST_SHOWN]}…"


def _read(word: tuple[str, bytearray] | None) -> str:
    """Adjacent words of one character set are read as one: software cuts within a character."""
    return decoded(bytes(word[1]), word[0]) if word else ""


def _word(match: re.Match[str]) -> bytes:
    encoded = match[3].encode("utf-8")
    if match[2] in "bB":
        return undone(encoded, "base64")
    return binascii.a2b_qp(encoded.replace(b" ", b"_"), header=True)


def _one_line(text: str) -> str:
    return re.sub(r"\n[ \t]*", " ", text).strip()


def _joined(parameters: Mapping[str, str]) -> dict[str, str]:
    """`name*0`, `name*1*` and so on as `name`; a plain `name` wins."""
    out = {name: value for name, value in parameters.items() if "*" not in name}
    for name in parameters:
        bare, star, rest = name.partition("*")
        if star and bare not in out and rest in ("", "0", "0*"):
            out[bare] = _extended(bare, parameters)
    return out


def _extended(name: str, parameters: Mapping[str, str]) -> str:
    """Its pieces joined; those with a star at the end are percent-encoded, the first names the charset."""
    charset, value = "", bytearray()
    keys = [f"{name}*"] if f"{name}*" in parameters else [f"{name}*{n}" for n in range(_MOST_PARAMETERS)]
    for number, key in enumerate(keys):
        encoded = key if key.endswith("*") else f"{key}*"
        if encoded in parameters:
            piece = parameters[encoded]
            if number == 0 and piece.count("'") >= 2:
                charset, _, piece = piece.split("'", 2)
            value += unquote_to_bytes(piece)
        elif key in parameters:
            value += parameters[key].encode("utf-8")
        else:
            break
    return decoded(bytes(value), charset)
