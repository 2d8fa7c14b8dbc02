"""What the message of a staged mail says, out of its MIME."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncGenerator

import pytest

from shared.mail_content import StagedContent
from shared.manifest import Manifest
from shared.memory_budget import LEAST, MemoryBudget
from shared.staging_area import Missing, file_name
from shared.testing.staging_area import InMemoryStagingArea
from tests.shared.made import manifest, staged

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
MIME = b"\r\n".join(
    [
        b"Subject: Offer",
        b'Content-Type: multipart/related; boundary="b"',
        b"",
        b"--b",
        b"Content-Type: text/html",
        b"",
        b'<p>Hello</p><img src="CID:logo%40x">',
        b"--b",
        b"Content-Type: image/png",
        b"Content-ID: <logo@x>",
        b"Content-Transfer-Encoding: base64",
        b"",
        b64encode(PNG),
        b"--b",
        b"Content-Type: image/png",
        b"Content-ID: <other@x>",
        b"Content-Transfer-Encoding: base64",
        b"",
        b64encode(PNG + b"!"),
        b"--b--",
        b"",
    ]
)


async def area_with(mime: bytes, memory: MemoryBudget | None = None) -> tuple[InMemoryStagingArea, Manifest]:
    area, of = InMemoryStagingArea(memory), manifest("invoices", staged("message.eml", mime))

    async def content() -> AsyncGenerator[bytes, None]:
        yield mime

    await area.write(file_name(of.source, of.key, of.run, "message.eml"), content())
    return area, of


async def test_the_text_is_that_of_the_html_where_there_is_none_other() -> None:
    content = StagedContent(*await area_with(MIME))

    assert (await content.text()).strip() == "Hello"
    html = await content.rendered("html")
    assert html is not None
    assert "<p>Hello</p>" in html.content
    await content.let_go()


async def test_a_picture_that_the_text_shows_is_known_by_what_it_is() -> None:
    content = StagedContent(*await area_with(MIME))

    assert await content.shown_pictures() == {hashlib.sha256(PNG).hexdigest()}
    await content.let_go()


@pytest.mark.parametrize(
    "mime",
    [
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIAG",
        b"Subject: nothing more\r\n\r\n",
        b"Content-Type: text/plain\r\n\r\n \r\n\t\r\n",
    ],
)
async def test_a_mail_may_show_no_text(mime: bytes) -> None:
    content = StagedContent(*await area_with(mime))

    assert await content.rendered("html") is None
    assert await content.text() == ""
    await content.let_go()


async def test_it_is_read_once_and_again_after_it_was_let_go() -> None:
    area, of = await area_with(MIME)
    content = StagedContent(area, of)
    await content.text()
    before = area.staged.reads
    await content.rendered("html")
    assert area.staged.reads == before

    await content.let_go()
    await content.text()

    assert area.staged.reads > before
    await content.let_go()


async def test_its_memory_is_reserved_until_it_is_let_go() -> None:
    memory = MemoryBudget(LEAST)
    content = StagedContent(*await area_with(MIME, memory))
    assert memory.held == 0

    await content.text()
    assert memory.held > len(MIME)
    await content.let_go()

    assert memory.held == 0


async def test_a_message_that_is_gone_is_missing_and_holds_nothing() -> None:
    memory = MemoryBudget(LEAST)
    area, of = await area_with(MIME, memory)
    area.staged.lose()
    content = StagedContent(area, of)

    with pytest.raises(Missing):
        await content.text()
    await content.let_go()

    assert memory.held == 0
