"""Streams that are cut at random offsets: nothing that is short is ever filed, and no mail is lost."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import pytest

from sandbox.box import Sandbox
from sandbox.faults import Cut, Placed, Sever
from sandbox.tenant.graph import Manner
from shared import blob_container, storage_clients
from shared.errors import Unavailable
from shared.services import Services
from shared.settings import StorageSettings
from shared.staging_area import Missing
from shared.vault.protocol import NewFile, NewObject
from tests.mail.mime import attached, letter, within

from .clock import FakeClock
from .cutting import CuttingWay
from .whole_way import Delivery, WholeWay

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]
LARGE, VERY_LARGE = 60_000, 6_000_000
"""Bytes of a file, at most; in a long run it is the larger one."""
OF_A_PIECE, OF_A_LARGE_PIECE = 4096, 64 * 1024
"""Bytes of a blob that one request reads or writes here: cuts fall between pieces, too."""
OF_STORAGE = 8
"""How many cuts are on the way to Blob Storage: the SDK tries again by itself, and takes its time."""
BETWEEN = 20_000
"""Bytes on that way from one cut to the next, at most."""
CUTS, WITH_LONG = 30, 100
CLASS_MAIL = 207
ANY_BYTES, UPLOAD = r"GET /\$value$", r"POST /REST/files$"


class Cutting:
    """Mails of random sizes, and what cuts their streams, drawn from one seed."""

    def __init__(self, way: WholeWay, draw: random.Random, largest: int) -> None:
        self.way, self.draw, self.largest = way, draw, largest
        self.placed: list[Placed] = []
        self.deliveries: list[Delivery] = []

    def deliver(self, number: int) -> None:
        """Mails come, each with a file and, where it is not made anew at each call, a mail within."""
        for index in range(number):
            files = [attached("a.bin", self.content(), "application/octet-stream")]
            is_anew = self.draw.random() < 0.25
            if not is_anew:
                files.append(within(letter(f"Within {index}", attached("b.bin", self.content()))))
            mime = letter(f"Mail {index}", *files)
            self.deliveries.append(self.way.deliver(f"mail {index}", mime, Manner(regenerated=is_anew)))

    def content(self) -> bytes:
        """Bytes, mostly few."""
        return self.draw.randbytes(self.number_of_bytes())

    def number_of_bytes(self) -> int:
        """As probable from 1,000 to 2,000 as from 1,000,000 to 2,000,000."""
        return int(self.largest ** self.draw.random())

    def cut_graph(self, number: int) -> None:
        """Answers of Graph will be cut: MIME and attachments, of known length or in chunks."""
        held = self.way.held()
        for _ in range(number):
            mail = held[self.draw.choice(self.deliveries).message]
            path, size = rf"/messages/{re.escape(mail.immutable_id)}/\$value$", mail.mime.size
            if self.draw.random() < 0.6:
                one = self.draw.choice(mail.files)
                path, size = rf"/attachments/{re.escape(one.immutable_id)}/\$value$", one.file.size
            at = self.draw.randrange(-1, size // 2)  # what is made anew is shorter, at times
            cut = Cut(at, chunked=self.draw.random() < 0.5, route=f"GET {path}", times=1)
            self.placed.append(self.way.box.faults.graph.add(cut))

    def cut_uploads(self, number: int) -> None:
        """Files on their way to the vault will be cut, and the vault's answers to them."""
        for _ in range(number):
            after = self.draw.randrange(6)
            fault: Cut | Sever = Sever(self.number_of_bytes(), route=UPLOAD, times=1, after=after)
            if self.draw.random() < 0.2:
                fault = Cut(self.draw.randrange(-1, 20), route=UPLOAD, times=1, after=after)
            self.placed.append(self.way.box.faults.vault.add(fault))

    @property
    def struck(self) -> int:
        """How many of these cuts have been."""
        return sum(placed.struck for placed in self.placed)


@asynccontextmanager
async def over_cut_storage(
    box: Sandbox, base: Services, clock: FakeClock, draw: random.Random
) -> AsyncIterator[tuple[WholeWay, CuttingWay]]:
    """The same composition, with a way to Blob Storage on which connections break off."""
    text = base.settings.storage.connection_string
    assert text is not None
    found = re.search(r"BlobEndpoint=([^;]+)", text)
    assert found
    port = urlsplit(found[1]).port
    assert port
    async with CuttingWay(port, [draw.randrange(BETWEEN) for _ in range(OF_STORAGE)]) as cutting:
        storage = StorageSettings(text.replace(found[1], found[1].replace(f":{port}", f":{cutting.port}")))
        way = WholeWay(box, base, clock, replace(base.settings, storage=storage))
        try:
            yield way, cutting
        finally:
            box.faults.graph.clear()
            box.faults.vault.clear()
            await way.services.close()


@pytest.fixture(autouse=True)
def in_pieces_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the pieces of blobs so large, before there are clients; small ones at first."""

    def become(size: int) -> None:
        monkeypatch.setattr(storage_clients, "PIECE", size)
        monkeypatch.setattr(blob_container, "PIECE", size)
        monkeypatch.setattr(blob_container, "_SMALL_PIECE", size)

    become(OF_A_PIECE)
    return become


@pytest.fixture
def cuts(pytestconfig: pytest.Config) -> int:
    return WITH_LONG if pytestconfig.getoption("--long") else CUTS


@pytest.fixture
async def way(box: Sandbox, services: Services, clock: FakeClock) -> AsyncIterator[WholeWay]:
    """A mailbox and its source."""
    made = WholeWay(box, services, clock)
    yield made
    box.faults.graph.clear()
    box.faults.vault.clear()
    await made.services.close()


async def test_whatever_of_a_stream_from_graph_is_cut_nothing_of_it_is_staged(
    way: WholeWay, cuts: int
) -> None:
    """Many cuts of one mail's MIME and file, of known length or in chunks."""
    draw, reader, area = seeded(), way.services.mailboxes, way.services.area
    message = way.deliver("cut", letter("Cut", attached("a.bin", draw.randbytes(3 * OF_A_PIECE)))).message
    held = way.held()[message]
    (file,) = held.files
    for number in range(cuts):
        is_mime, name = draw.random() < 0.5, f"{way.name}/{number}"
        size = (held.mime if is_mime else file.file).size
        at, is_chunked = draw.randrange(-1, size), draw.random() < 0.5
        way.box.faults.graph.add(Cut(at, chunked=is_chunked, route=ANY_BYTES, times=1))
        content = (
            reader.mime(way.mailbox, message)
            if is_mime
            else reader.attachment_bytes(way.mailbox, message, file.immutable_id)
        )
        what = f"{'MIME' if is_mime else 'file'} at {at} of {size}, chunked: {is_chunked}"

        assert await is_unavailable(area.write(name, content)), what
        assert await collected(area.read(name, size)) is None, what
    whole = await area.write(f"{way.name}/whole", reader.mime(way.mailbox, message))
    assert whole.sha256 == held.mime.sha256
    pieces = [piece async for piece in area.read(f"{way.name}/whole", whole.size, whole.sha256)]
    assert [len(piece) for piece in pieces[:-1]] == [OF_A_PIECE] * (whole.size // OF_A_PIECE)


async def test_whatever_of_an_upload_is_cut_no_document_is_created(way: WholeWay, cuts: int) -> None:
    """Many cuts of two files on their way from the staging area."""
    draw, area, vault = seeded(), way.services.area, way.services.vault
    sizes = [draw.randrange(1, 4 * OF_A_PIECE) for _ in range(2)]
    for number, size in enumerate(sizes):
        await area.write(f"{way.name}/{number}", once(draw.randbytes(size)))
    files = [
        NewFile(str(number), "bin", size, read=partial(area.read, f"{way.name}/{number}", size))
        for number, size in enumerate(sizes)
    ]
    before = len(way.box.vault.objects())
    for _ in range(cuts):
        which = draw.randrange(2)
        at = draw.randrange(sizes[which] + 1)
        way.box.faults.vault.add(Sever(at, route=UPLOAD, times=1, after=which))

        created = vault.create(NewObject(CLASS_MAIL, ()), files, never)
        assert await is_unavailable(created), f"file {which} of {sizes} at {at}"

    assert len(way.box.vault.objects()) == before


@pytest.mark.parametrize("size", [5, OF_A_PIECE, 3 * OF_A_PIECE + 1])
async def test_of_other_bytes_of_the_same_size_no_document_is_created(way: WholeWay, size: int) -> None:
    area, name, content = way.services.area, f"{way.name}/other", bytes(size)
    written = await area.write(name, once(b"x" + content[1:]))
    assert written.size == size
    digest = hashlib.sha256(content).hexdigest()
    file = NewFile("other", "bin", size, read=partial(area.read, name, size, digest))
    before = len(way.box.vault.objects())

    with pytest.raises(Missing):
        await way.services.vault.create(NewObject(CLASS_MAIL, ()), [file], never)

    assert len(way.box.vault.objects()) == before


async def test_after_cuts_at_random_offsets_every_mail_is_filed_whole(
    box: Sandbox,
    services: Services,
    clock: FakeClock,
    pytestconfig: pytest.Config,
    in_pieces_of: Callable[[int], None],
) -> None:
    draw, is_long = seeded(), pytestconfig.getoption("--long")
    in_pieces_of(OF_A_LARGE_PIECE if is_long else OF_A_PIECE)
    times = 12 if is_long else 1
    async with over_cut_storage(box, services, clock, draw) as (way, storage):
        cutting = Cutting(way, draw, VERY_LARGE if is_long else LARGE)
        cutting.deliver(8 * times)
        cutting.cut_graph(20 * times)
        cutting.cut_uploads(10 * times)
        await way.announce(cutting.deliveries)

        await way.settle()

        assert await way.faults(cutting.deliveries) == []
        assert await way.open_mails() == 0
        assert cutting.struck == len(cutting.placed)
        assert storage.cuts == OF_STORAGE


def seeded() -> random.Random:
    """Chance; its seed is printed, and shown where a test fails."""
    seed = secrets.randbelow(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


async def is_unavailable(work: Awaitable[object]) -> bool:
    """Whether it ends in that fault."""
    try:
        await work
    except Unavailable:
        return True
    return False


async def collected(content: AsyncIterator[bytes]) -> bytes | None:
    """All of it; None where it is not there, or not of its size."""
    try:
        return b"".join([piece async for piece in content])
    except Missing:
        return None


async def once(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


async def never() -> None:
    raise AssertionError("nothing is created")
