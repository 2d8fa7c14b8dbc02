"""A mail as one HTML document, as it would be printed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from shared.body.headers import shown

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


def document(headers: Mapping[str, bytes], fragments: Iterable[str], notes: Iterable[str]) -> str:
    """A whole document, in UTF-8 as it declares; `fragments` are safe HTML, `notes` plain text."""
    values = {name: shown(headers.get(name.lower(), b"")) for name in _ROWS}
    rows = "\n".join(
        f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in values.items() if value
    )
    header = f'<table class="mail-header">\n{rows}\n</table>\n' if rows else ""
    body = "\n".join(f'<div class="mail-body">{fragment}</div>' for fragment in fragments)
    remarks = "".join(f'\n<p class="mail-note">{escape(note)}</p>' for note in notes)
    return (
        f'<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f'<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(values['Subject'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{header}{body}{remarks}\n</body>\n</html>\n"
    )


def preformatted(text: str) -> str:
    """Plain text as a fragment that keeps its lines."""
    return f'<div class="mail-text">{escape(text)}</div>'
