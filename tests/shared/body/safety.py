"""What must hold of every document, whatever the mail, read by a parser other than the one that cleaned."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from shared.body.html_clean import ATTRIBUTES, TAGS

_OF_THE_DOCUMENT = {"html", "head", "meta", "title", "style", "body"}
_ATTRIBUTES_OF_THE_DOCUMENT = {"charset", "http-equiv", "content", "name", "class", "rel"}
_ADDRESS = re.compile(r"data:image/(png|jpeg|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)


class _Faults(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS | _OF_THE_DOCUMENT:
            self.found.append(tag)
        for name, value in attrs:
            self._look_at(name, value or "")
        if tag == "a" and dict(attrs).get("rel") != "noopener noreferrer":
            self.found.append("a without rel")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def _look_at(self, name: str, value: str) -> None:
        if name.startswith("on") or name not in ATTRIBUTES | _ATTRIBUTES_OF_THE_DOCUMENT:
            self.found.append(name)
        if name == "src" and not _ADDRESS.fullmatch(value):
            self.found.append(f"src={value}")
        if name == "href" and not re.match(r"\s*(https?|ftp|mailto|tel):", value, re.IGNORECASE):
            self.found.append(f"href={value}")
        if name == "style" and re.search(r"url|expression|import|\\|/\*|position|behavior|@", value):
            self.found.append(f"style={value}")


def faults_of(document: str) -> list[str]:
    """What is unsafe in it; it is valid UTF-8 and stays what it is when read again."""
    document.encode("utf-8")
    faults = _Faults()
    faults.feed(document)
    faults.close()
    if re.search(r"<\s*script|<\s*form|<\s*iframe", document, re.IGNORECASE):
        faults.found.append("script, form or iframe")
    if "\0" in document:
        faults.found.append("NUL")
    return faults.found
