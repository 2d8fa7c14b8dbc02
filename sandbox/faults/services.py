"""The faults of all services of the box."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from sandbox.faults.faults import Faults


@dataclass(frozen=True)
class ServiceFaults:
    """One set of faults for each service."""

    entra: Faults = field(default_factory=Faults)
    graph: Faults = field(default_factory=Faults)
    identity: Faults = field(default_factory=Faults)
    keyvault: Faults = field(default_factory=Faults)
    vault: Faults = field(default_factory=Faults)

    def by_name(self) -> dict[str, Faults]:
        """Each service with its faults."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def clear(self) -> None:
        """Take all faults of all services away."""
        for faults in self.by_name().values():
            faults.clear()
