"""Sweep states kept in memory."""

from __future__ import annotations

from shared.sweep_state import SweepStates
from shared.testing.staging_area import InMemoryBlobContainer


class InMemorySweepStates(SweepStates):
    """The states themselves, in a container in memory."""

    def __init__(self) -> None:
        self.container = InMemoryBlobContainer("state")
        super().__init__(self.container)
