"""A mail as one HTML document, as it would be printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from shared.body.headers import shown
from shared.body.html_balance import LONGEST_ESCAPE, MOST_CHARACTERS, escaped_length

_LONG = 256 * 1024
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_ROWS = ("From", "To", "Cc", "Date", "Subject")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Even if something had been overlooked: a browser loads nothing and runs nothing."""
_STYLE = (
    "body{font-family:sans-serif;margin:1em}"
    "table.mail-header{border-bottom:1px solid #888;margin-bottom:1em;width:100%}"
    "table.mail-header th{text-align:left;vertical-align:top;white-space:nowrap;width:1%;padding-right:1em}"
    "div.mail-body{overflow:auto;contain:paint}"
    "div.mail-text{white-space:pre-wrap;overflow-wrap:anywhere;font-family:monospace}"
    "p.mail-note{color:#555;font-style:italic}"
)
"""What a body draws stays in its own box: it cannot cover the header."""


def document(headers: Mapping[str, bytes], fragments: Iterable[Iterable[str]], notes: Iterable[str]) -> str:
    """A whole document, in UTF-8 as it declares. `fragments` are safe HTML in pieces, `notes` plain text."""
    values = {name: shown(headers.get(name.lower(), b"")) for name in _ROWS}
    rows = "\n".join(
        f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in values.items() if value
    )
    header = f'<table class="mail-header">\n{rows}\n</table>\n' if rows else ""
    body = [piece for fragment in fragments for piece in ('<div class="mail-body">', *fragment, "</div>\n")]
    remarks = "".join(f'<p class="mail-note">{escape(note)}</p>\n' for note in notes)
    beginning = (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(values['Subject'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{header}"
    )
    # Put together once: each step more would hold another copy of it all.
    return "".join((beginning, *body, f"{remarks}</body>\n</html>\n"))


def preformatted(text: str, most: int = MOST_CHARACTERS) -> tuple[str, bool]:
    """Plain text as a fragment that keeps its lines, of about `most` characters; and whether it was cut."""
    is_cut = escaped_length(text) > most
    if is_cut:
        text = text[: most // LONGEST_ESCAPE]
    return f'<div class="mail-text">{escape(text)}</div>', is_cut


def narrow(fragment: str) -> str:
    """A fragment without characters beyond U+FFFF: references are in their place.

    One such character alone makes each one of a text take four bytes of memory.
    """
    if len(fragment) < _LONG or max(fragment) <= "\uffff":
        return fragment
    return _BEYOND.sub(lambda found: f"&#{ord(found[0])};", fragment)
