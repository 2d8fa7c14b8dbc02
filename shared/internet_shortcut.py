"""A link as a file: the `.url` that Windows opens in the browser."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

CONTENT_TYPE = "application/internet-shortcut"
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_LONGEST = 8192


def internet_shortcut(address: str | None) -> bytes | None:
    """The content of a `.url` that leads to `address`; None where that is no web address.

    The address comes with a mail: it can neither add a line, such as one that has Windows fetch an icon from
    elsewhere, nor lead to anything but the web.
    """
    text = (address or "").strip()
    try:
        parts = urlsplit(text)
        is_web = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return None
    if not is_web or len(text) > _LONGEST:
        return None
    # Windows reads the file in the code page of the machine: ASCII is the same in all.
    quoted = quote(text.encode("utf-8", "replace"), safe=_SAFE)
    return f"[InternetShortcut]\r\nURL={quoted}\r\n".encode("ascii")
