"""Bodies: none, of odd types, hostile."""

from __future__ import annotations

from collections.abc import Iterator

from .mime import ALTERNATIVE, TEXT, Case, entity, head, multipart, text

BODIES: dict[str, tuple[str, str]] = {
    "empty": (TEXT, ""),
    "an empty line": (TEXT, "\r\n"),
    "blanks": (TEXT, " \t\r\n \r\n"),
    "enriched": (
        "text/enriched",
        "<bold>Hello</bold> <<all>\r\n\r\n<fontfamily><param>Courier</param>x</fontfamily>",
    ),
    "rich": ("text/richtext", "<bold>Hello</bold><nl>"),
    "flowed": ("text/plain; format=flowed; delsp=yes", "> one \r\n> two \r\nthree \r\n-- \r\n"),
    "HTML": ("text/html", "<html><body><p>Hello"),
    "HTML that is hostile": (
        "text/html",
        "<script>alert(1)</script><img src=x onerror=alert(1)><svg/onload=x>",
    ),
    "HTML with pictures from elsewhere": ("text/html", "<img src='https://contoso.com/pixel.gif'>"),
    "HTML that is not": ("text/html", "<<<>>><!-- <!DOCTYPE [ ]]> \0 </p></p>"),
    "XML": ("text/xml", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
    "Markdown": ("text/markdown", "# Hello"),
    "RTF": ("text/rtf", "{\\rtf1 Hello}"),
    "CSV": ("text/csv", "=1+1;2"),
    "of no known type": ("text/x-nobody-knows", "Hello"),
    "a line per character": (TEXT, "x\r\n" * 5000),
}


def cases() -> Iterator[Case]:
    """Each a mail."""
    for name, (kind, content) in BODIES.items():
        yield Case(f"body: {name}", head(f"Body: {name}") + entity(kind, content))
    yield Case("body: no content type", head("No content type") + b"\r\nHello\r\n")
    yield Case("body: content type is empty", head("Empty content type", "Content-Type:") + b"\r\nHello\r\n")
    yield Case("body: nothing at all", head("Nothing at all"))
    hidden = entity("text/plain", "Hello", 'Content-Disposition: attachment; filename="body.txt"')
    yield Case("body: it is an attachment", head("An attachment") + hidden)
    chosen = multipart(ALTERNATIVE, [text(), text("<p>x", "text/html"), text("x", "text/x-amp-html")])
    yield Case("body: three to choose from", head("Three") + chosen)
    of_none = multipart(ALTERNATIVE, [entity("application/pdf", "x"), entity("image/png", "y")])
    yield Case("body: none to choose from", head("None") + of_none)
