"""The body of a mail that is made to cost much memory takes no more than what is reserved for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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

def rendered(mail):
    reader = BodyReader()
    for start in range(0, len(mail), 1 << 16):
        reader.feed(mail[start : start + (1 << 16)])
    reader.finish().html().content.encode()

rendered(b"Content-Type: text/html\\n\\n<p>x</p>")
for name, (_, _, size) in COSTLY.items():
    mail = of_size(name)
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmHWM")
    rendered(mail)
    print(memory("VmHWM") - before, held_by_rendering(len(mail)), name)
"""
"""Peaks of one process, each from where it stood before: what nh3 holds is not seen from within Python."""
COSTLY = {
    "links": (b"text/html", b"<a href='http://a'>x</a>", 1_500_000),
    "ampersands with an emoji": (b"text/html", b"&", 3_000_000),
    "paragraphs": (b"text/html", b"<p>", 50_000),
    "quotations that flow": (b"text/plain; format=flowed", b">\n", 1_000_000),
}


def of_size(name: str) -> bytes:
    """A costly mail."""
    kind, piece, size = COSTLY[name]
    start = b"Content-Type: %s; charset=utf-8\n\n\xf0\x9f\x98\x80" % kind
    return start + piece * (size // len(piece))


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
