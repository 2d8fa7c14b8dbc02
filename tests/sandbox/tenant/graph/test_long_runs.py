"""Long files are taken out of a mail before it is parsed, and nothing of the mail changes by that."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sandbox.tenant.graph import Tenant, long_runs
from sandbox.tenant.graph.contents import from_base64
from sandbox.tenant.graph.long_runs import lightened
from sandbox.tenant.graph.mail import read_mail
from sandbox.tenant.graph.parts import attached_parts, parse

from .conftest import MAILBOX

FILE = bytes(range(256)) * 24


@pytest.fixture
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is long that has a few lines."""
    monkeypatch.setattr(long_runs, "BLOCK", 128)
    monkeypatch.setattr(long_runs, "LONG", 2)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("runs") / "mail"
    yield path
    path.unlink(missing_ok=True)


def encoded(content: bytes, line_end: bytes = b"\r\n") -> bytes:
    return base64.encodebytes(content).replace(b"\n", line_end)


def with_file(content: bytes, *, name: str = "large.pdf") -> bytes:
    head = f'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="{name}"\r\n'
    return head.encode() + b"Content-Transfer-Encoding: base64\r\n\r\n" + encoded(content)


def mixed(*parts: bytes, boundary: bytes = b"a") -> bytes:
    lines = b"".join(b"--" + boundary + b"\r\n" + part for part in parts)
    head = b"Subject: Large\r\nContent-Type: multipart/mixed; boundary=" + boundary + b"\r\n\r\n"
    return head + lines + b"--" + boundary + b"--\r\n"


def has_runs(raw: bytes, file: Path) -> bool:
    """Whether a mail has long runs; it must have the same parts without them."""
    file.write_bytes(raw)
    text, runs = lightened(file)
    assert b"".join(runs.restored(text)) == raw
    root, light = parse(raw), parse(text)
    assert read_mail(light, runs) == read_mail(root)
    plain = [(one.item, one.name, b"".join(one.pieces)) for one in attached_parts(root)]
    assert [(one.item, one.name, b"".join(one.pieces)) for one in attached_parts(light, runs)] == plain
    return len(runs.places) > 0


@pytest.mark.usefixtures("short_runs")
@pytest.mark.parametrize(
    "raw",
    [
        mixed(with_file(FILE)),
        mixed(with_file(FILE), with_file(FILE[::-1], name="other.pdf"), with_file(b"small")),
        mixed(b"Content-Type: message/rfc822\r\n\r\n" + mixed(with_file(FILE), boundary=b"b")),
        mixed(
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + encoded(mixed(with_file(FILE), boundary=b"b"))
        ),
        b"Subject: Text\r\n\r\n" + encoded(FILE),
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded(FILE)[:-2],
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n" + encoded(FILE),
        b"Content-Type: application/x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + encoded(FILE),
        b"Content-Type: application/x\n\n" + encoded(FILE, b"\n"),
    ],
)
def test_a_mail_with_long_runs_has_the_parts_that_it_had(raw: bytes, file: Path) -> None:
    assert has_runs(raw, file)


# Damaged base64 is not compared: of a long one what can be decoded is kept, of a short one at times nothing.
@given(
    some.lists(
        some.sampled_from(
            [
                b"Subject: x",
                b"Content-Type: multipart/mixed; boundary=a",
                b"Content-Type: message/rfc822",
                b"Content-Type: application/pdf",
                b"",
                b"",
                b"--a",
                b"--a--",
                b"AAAA",
                b"QUJD" * 19,
                b"\r\n".join([b"QUJD" * 19] * 9),
                b"\r\n".join([b"b64x" * 15] * 30),
                b"QUI=",
                b"\xff",
            ]
        ),
        max_size=14,
    )
)
@settings(max_examples=80, deadline=None, database=None)
def test_whatever_the_lines_are_the_parts_are_the_same(file: Path, lines: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_runs, "BLOCK", 64)
        patch.setattr(long_runs, "LONG", 2)
        has_runs(b"\r\n".join(lines), file)


@given(some.binary(max_size=200), some.integers(1, 9))
def test_base64_in_pieces_is_decoded_as_a_whole_is(content: bytes, size: int) -> None:
    text = encoded(content)
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    assert b"".join(from_base64(pieces)) == content


def test_a_large_mail_is_never_in_memory(tmp_path: Path) -> None:
    """The sandbox holds a few pieces of it at a time; its bytes are those that were delivered."""
    content, large = bytes(range(256)) * 32 * 1024, tmp_path / "large.eml"
    large.write_bytes(mixed(with_file(content)))
    tenant = Tenant(tmp_path / "mail", "tenant")
    tenant.add_mailbox(MAILBOX)
    tracemalloc.start()
    try:
        tenant.deliver(MAILBOX, large)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < large.stat().st_size / 4
    (held,) = tenant.messages(MAILBOX)
    assert held.mime.path.read_bytes() == large.read_bytes()
    assert held.files[0].file.path.read_bytes() == content


def test_an_open_file_is_delivered_as_its_bytes_are(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path / "mail", "tenant")
    tenant.add_mailbox(MAILBOX)
    (tmp_path / "one.eml").write_bytes(mixed(with_file(FILE)))

    with (tmp_path / "one.eml").open("rb") as source:
        tenant.deliver(MAILBOX, source)
    tenant.deliver(MAILBOX, mixed(with_file(FILE)))

    first, second = tenant.messages(MAILBOX)
    assert (first.mime.sha256, first.source) == (second.mime.sha256, None)
    assert first.files[0].file.sha256 == second.files[0].file.sha256
