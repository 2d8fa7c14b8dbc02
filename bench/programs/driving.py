"""A program of this package in a process of its own, driven from the bench."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.failure import BenchFailed
from sandbox.app import ROOT

_LONGEST = 110.0
"""Seconds for all the mails of one order."""


class ProgramFailed(BenchFailed):
    """The program has ended; the message is what it said."""


class Program:
    """Files mail when it is told to."""

    def __init__(self, process: Process, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    async def file(self, messages: Sequence[str]) -> float:
        """File the messages with these ids; the seconds of processor time that it took.

        Raises ProgramFailed.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{json.dumps(list(messages))}\n".encode())
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _LONGEST)
        except TimeoutError:
            raise ProgramFailed(f"no answer within {_LONGEST:.0f} s: {self._said()}") from None
        if not line:
            await process.wait()
            raise ProgramFailed(self._said())
        return float(line)

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]


@asynccontextmanager
async def program(module: str, settings: Mapping[str, str], log: Path) -> AsyncIterator[Program]:
    """Start it with the app's settings in its environment, as the app has them."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", module),
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=PIPE,
            stdout=PIPE,
            stderr=out,
        )
    try:
        yield Program(process, log)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()
