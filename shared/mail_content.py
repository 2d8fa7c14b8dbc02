"""What the message of a staged mail says, read out of its MIME when it is first asked for."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, aclosing
from functools import partial
from typing import Literal, Protocol

from shared.body.reader import Body, BodyReader, Rendered
from shared.manifest import Manifest
from shared.staging_area import StagingArea, file_name

Format = Literal["text", "html"]


class Content(Protocol):
    """The text of one mail. Each method may raise Missing and Unavailable."""

    async def text(self) -> str:
        """The body as plain text; empty where the mail shows none."""

    async def rendered(self, kind: Format) -> Rendered | None:
        """The body as a file; None where the mail shows none, as one that is encrypted."""

    async def shown_pictures(self) -> frozenset[str]:
        """The SHA-256, in hex, of the pictures that the body shows within its text."""


class BodyContent(ABC):
    """The content of a mail whose body is read once, by `_read`, and what was made of it."""

    def __init__(self) -> None:
        self._body: Body | None = None
        self._rendered: dict[Format, Rendered] = {}

    @abstractmethod
    async def _read(self) -> Body:
        """The body, from its MIME."""

    async def text(self) -> str:
        """The body as plain text; empty where the mail shows none. Raises what reading raises."""
        rendered = await self.rendered("text")
        return rendered.content if rendered is not None else ""

    async def rendered(self, kind: Format) -> Rendered | None:
        """The body as a file; None where the mail shows none. Raises what reading raises."""
        body = await self._known()
        if not body.is_there:
            return None
        if kind not in self._rendered:
            self._rendered[kind] = await asyncio.to_thread(body.text if kind == "text" else body.html)
        return self._rendered[kind]

    async def shown_pictures(self) -> frozenset[str]:
        """The SHA-256 of the pictures that the body shows. Raises what reading raises."""
        return await asyncio.to_thread((await self._known()).shown_pictures)

    async def _known(self) -> Body:
        if self._body is None:
            self._body = await self._read()
        return self._body


class StagedContent(BodyContent):
    """The content of a mail in the staging area. What was made of it is held until it is let go.

    Reading raises Missing and Unavailable.
    """

    def __init__(self, area: StagingArea, manifest: Manifest) -> None:
        super().__init__()
        self._area = area
        self._manifest = manifest
        self._memory = AsyncExitStack()

    async def let_go(self) -> None:
        """Hold nothing any more; what is asked for later is read again."""
        self._body = None
        self._rendered.clear()
        await self._memory.aclose()

    async def _read(self) -> Body:
        manifest, message = self._manifest, self._manifest.files[0]
        await self._memory.enter_async_context(self._area.rendering(message.size))
        reader = BodyReader()
        name = file_name(manifest.source, manifest.key, manifest.run, message.path)
        async with aclosing(self._area.read(name, message.size, message.sha256)) as pieces:
            # A loop that scans has no time for anything else: claims are to be renewed meanwhile.
            async for piece in pieces:
                await asyncio.to_thread(partial(reader.feed, piece))
        return await asyncio.to_thread(reader.finish)
