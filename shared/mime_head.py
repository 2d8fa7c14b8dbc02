"""The headers of a mail, from Graph or the head of its MIME: hostile text, read in linear time. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.mail import Header

HEAD_SIZE = 64 * 1024
"""Bytes of the MIME that are looked at, at most."""
_LONGEST_VALUE = 8192
"""Characters of a header's value that are looked at."""


@dataclass(frozen=True)
class ContentType:
    """A content type with its parameters, all in lower case."""

    name: str
    parameters: dict[str, str]

    @property
    def smime(self) -> str:
        """What an opaque S/MIME body is (RFC 8551, 3.2.2); empty where it does not say."""
        return self.parameters.get("smime-type", "")


class HeadersByName:
    """Headers by name in any case, each value on one line."""

    def __init__(self, headers: Iterable[Header]) -> None:
        self._values: dict[str, list[str]] = {}
        for header in headers:
            self._values.setdefault(header.name.strip().lower(), []).append(header.value[:_LONGEST_VALUE])

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def words(self, name: str) -> set[str]:
        """The first word of each value, in lower case: comments and parameters follow it."""
        values = (value.replace(";", " ").replace("(", " ").split() for value in self._values.get(name, ()))
        return {words[0].lower() for words in values if words}

    def content_types(self) -> list[ContentType]:
        return [content_type(value) for value in self._values.get("content-type", ())]


def headers_of(head: bytes) -> tuple[Header, ...]:
    """The headers in the beginning of a MIME message, unfolded; what is no header is passed over.

    Bytes that are not ASCII stand for themselves: no value that is looked at has any.
    """
    text = head[:HEAD_SIZE].decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    found: list[tuple[str, list[str]]] = []
    for line in text.split("\n"):
        if not line:
            break
        if line[:1] in (" ", "\t"):
            if found:
                found[-1][1].append(line)
            continue
        name, colon, value = line.partition(":")
        if colon:
            found.append((name.strip(), [value]))
    return tuple(Header(name, "".join(lines).strip()) for name, lines in found)


def content_type(value: str) -> ContentType:
    """A content type, whatever stands there. Of a parameter that comes twice the first counts."""
    name, *rest = _parts(value[:_LONGEST_VALUE])
    parameters: dict[str, str] = {}
    for part in rest:
        key, equals, text = part.partition("=")
        if equals:
            parameters.setdefault(key.strip().lower(), _unquoted(text.strip()).lower())
    words = name.split()
    return ContentType(words[0].lower() if words else "", parameters)


def _parts(value: str) -> list[str]:
    """What stands between semicolons, those within quotation marks left alone (RFC 2045, 5.1)."""
    parts, piece = [], list[str]()
    is_quoted = is_escaped = False
    for character in value:
        if character == ";" and not is_quoted:
            parts.append("".join(piece))
            piece.clear()
            continue
        if character == '"' and not is_escaped:
            is_quoted = not is_quoted
        is_escaped = is_quoted and character == "\\" and not is_escaped
        piece.append(character)
    return [*parts, "".join(piece)]


def _unquoted(text: str) -> str:
    """A parameter's value: within its quotation marks, else its first word: a comment may follow."""
    if text.startswith('"'):
        return text[1:].partition('"')[0].strip()
    words = text.split()
    return words[0] if words else ""
