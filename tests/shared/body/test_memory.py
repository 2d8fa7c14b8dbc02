"""The body of a mail that is made to cost much memory takes no more than what is reserved for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.body.reader import MOST_HELD, held_by_rendering

ROOT = Path(__file__).parents[3]
_MEASURED = """\
import ctypes, re, sys
from pathlib import Path
from shared.body.reader import BodyReader, held_by_rendering
from tests.shared.body.test_memory import COSTLY, of_size

def memory(what):
    return int(re.search(what + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

def rendered(mail, method):
    reader = BodyReader()
    for start in range(0, len(mail), 1 << 16):
        reader.feed(mail[start : start + (1 << 16)])
    made = getattr(reader.finish(), method)()
    if method != "shown_pictures":
        made.content.encode()

rendered(b"Content-Type: text/html\\n\\n<p>x</p>", "html")
for name, costly in COSTLY.items():
    mail = of_size(name)
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmHWM")
    rendered(mail, costly.method)
    print(memory("VmHWM") - before, held_by_rendering(len(mail)), name)
"""
"""Peaks of one process, each from where it stood before: what nh3 holds is not seen from within Python."""


class Costly(NamedTuple):
    """What of the body is asked for, and the mail: its beginning, and a piece that comes again and again."""

    method: str
    start: bytes
    piece: bytes
    size: int


def _text(kind: bytes) -> bytes:
    return b"Content-Type: %s; charset=utf-8\n\n" % kind


def _picture(encoding: bytes) -> bytes:
    html = b"Content-Type: text/html\n\n<img src=cid:a>"
    headers = b"Content-Type: image/png\nContent-ID: <a>\nContent-Transfer-Encoding: " + encoding
    return b"Content-Type: multipart/related; boundary=b\n\n--b\n" + html + b"\n--b\n" + headers + b"\n\n"


EMOJI = b"\xf0\x9f\x98\x80"
HTML, FLOWED = _text(b"text/html") + EMOJI, _text(b"text/plain; format=flowed") + EMOJI
COSTLY = {
    "links": Costly("html", HTML, b"<a href='http://a'>x</a>", 1_200_000),
    "ampersands with an emoji": Costly("html", HTML, b"&", 3_000_000),
    "paragraphs": Costly("html", HTML, b"<p>", 50_000),
    "quotations that flow": Costly("html", FLOWED, b">\n", 500_000),
    "damaged UTF-8": Costly("html", HTML, b"\xc4\x80\xff", 2_000_000),
    "lines within quotations": Costly("text", HTML + b"<blockquote>" * 20 + b"<pre>", b"\n", 2_000_000),
    "a picture of paddings": Costly("shown_pictures", _picture(b"base64"), b"AA=", 3_000_000),
    "a picture of short lines": Costly("html", _picture(b"x-uuencode") + b"begin 644 a\n", b"\n", 6_000_000),
}


def of_size(name: str) -> bytes:
    """A costly mail."""
    costly = COSTLY[name]
    return costly.start + costly.piece * (costly.size // len(costly.piece))


def test_a_costly_body_keeps_to_what_is_reserved_for_it() -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("the peak of a process's memory is read from /proc: only on Linux")
    measured = subprocess.run(
        [sys.executable, "-c", _MEASURED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = measured.stdout.splitlines()

    assert len(lines) == len(COSTLY)
    for line in lines:
        held, reserved = map(int, line.split()[:2])
        assert 0 < held <= reserved, line


def test_what_is_reserved_grows_with_a_mail_up_to_a_limit() -> None:
    assert held_by_rendering(0) < held_by_rendering(100_000) < MOST_HELD
    assert held_by_rendering(150_000_000) == MOST_HELD
