"""What became of each mail: the tenant's bytes beside the vault's."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.tenant.graph import Held
from sandbox.vault import VaultObject

_PIECE = 1024 * 1024


@dataclass(frozen=True)
class Outcome:
    """One mail: how it ended, its objects, and the seconds from its notification to its document."""

    path: str
    title: str
    state: str
    reason: str
    objects: tuple[VaultObject, ...]
    seconds: float | None

    @property
    def bytes(self) -> int:
        """What the vault holds of it."""
        return sum(file.size for found in self.objects for file in found.files)

    @property
    def is_good(self) -> bool:
        """Filed once with all its bytes, or skipped by a rule."""
        return self.state == "skipped" or (self.state == "filed" and not self.reason)


def difference(held: Held, objects: Sequence[VaultObject]) -> str:
    """What is wrong between a mail as the tenant holds it and its documents; empty where all is well."""
    if len(objects) != 1:
        return f"there are {len(objects)} documents of this mail"
    expected = Counter((file.size, file.sha256) for file in (held.mime, *(one.file for one in held.files)))
    found = Counter((file.size, digest(file.path)) for file in objects[0].files)
    if expected == found:
        return ""
    missing, extra = (expected - found).total(), (found - expected).total()
    return f"{missing} files are missing or changed, {extra} are too many"


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex, read piece by piece."""
    taken = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            taken.update(piece)
    return taken.hexdigest()


def figures(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """All outcomes and their totals, as `--json` writes them."""
    mails = list(outcomes)
    states = Counter(one.state for one in mails)
    times = [one.seconds for one in mails if one.seconds is not None]
    return {
        "mails": [
            {
                "path": one.path,
                "state": one.state,
                "reason": one.reason,
                "objects": [{"type": found.type, "id": found.id} for found in one.objects],
                "bytes": one.bytes,
                "seconds": one.seconds,
            }
            for one in mails
        ],
        "totals": {
            "mails": len(mails),
            "filed": states["filed"],
            "skipped": states["skipped"],
            "failed": states["failed"],
            "median_seconds": round(statistics.median(times), 3) if times else None,
        },
    }
