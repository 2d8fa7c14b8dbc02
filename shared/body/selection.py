"""Which parts of a mail are its body."""

from __future__ import annotations

from collections.abc import Iterator

from shared.body.headers import identifier
from shared.body.scanner import Part

HTML = "text/html"


def body_parts(part: Part, *, as_html: bool) -> list[Part]:
    """The text parts that make up the body, in their order; HTML where there is a choice, or plain text.

    Of alternatives the last that suits (RFC 2046, 5.1.4); of a compound its root (RFC 2387, 3.2); of a signed
    mail what is signed (RFC 1847, 2.1), which comes first; of all else every text that is not a file.
    """
    if not part.is_multipart:
        return [part] if part.kind.startswith("text/") else []
    if not part.children:
        return [part] if part.content.strip() and not part.was_divided else []
    if part.kind == "multipart/alternative":
        return _best([body_parts(child, as_html=as_html) for child in part.children], as_html)
    if part.kind == "multipart/related":
        found = body_parts(_compound_root(part), as_html=as_html)
        if found:
            return found
    return _all(part.children, as_html)


def pictures(part: Part) -> Iterator[Part]:
    """The pictures that are whole."""
    if part.is_picture and not part.is_cut:
        yield part
    for child in part.children:
        yield from pictures(child)


def _best(offers: list[list[Part]], as_html: bool) -> list[Part]:
    suitable = [offer for offer in offers if any((part.kind == HTML) == as_html for part in offer)]
    return next((offer for offer in reversed(suitable or offers) if offer), [])


def _compound_root(part: Part) -> Part:
    start = identifier(part.parameters.get("start", "").encode("utf-8"))
    named = (child for child in part.children if start and child.content_id == start)
    return next(named, part.children[0])


def _all(children: list[Part], as_html: bool) -> list[Part]:
    """A text with a name is a file, except when it comes first."""
    found: list[Part] = []
    for child in children:
        if not (found and child.has_name):
            found += body_parts(child, as_html=as_html)
    return found
