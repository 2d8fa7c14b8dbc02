"""How a step ended that met no fault."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What the steps' own outcomes are kinds of."""

    @property
    def used_service(self) -> bool:
        """Whether this run has proved that the step's service and the source work."""
        raise NotImplementedError
