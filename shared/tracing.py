"""W3C Trace Context: one trace from the notification to the document (w3.org/TR/trace-context)."""

from __future__ import annotations

import re
import secrets

_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traceparent(received: str | None = None) -> str:
    """A `traceparent` that goes on with the one `received`, or begins a trace."""
    if received is not None and _FORM.fullmatch(received):
        version, trace, _, flags = received.split("-")
        return f"{version}-{trace}-{secrets.token_hex(8)}-{flags}"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
