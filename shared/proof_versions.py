"""Which version of its secret the app signs in with: decisions over values.

docs/decisions/credentials.md says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from shared.credential_faults import ProofRefused
from shared.secret_reading import SecretVersion

REST = 15 * 60.0
"""Seconds for which a version that was refused is not tried again while another one serves."""
MOST_FORMER = 2
"""So many former versions are tried, at most."""
_REMEMBERED = 8
"""Refused versions that are remembered: secrets do not change often."""


def in_turn(
    newest: SecretVersion,
    former: Sequence[SecretVersion],
    resting: Collection[str],
    tried: Collection[str] = (),
) -> tuple[SecretVersion, ...]:
    """What to try, one after the other. `former` are versions, the newest first; the others hold ids.

    The newest one is the first, or, while it rests, the last: then nothing else is left. Nothing that was
    `tried` just now is tried again.
    """
    others = [one for one in former if one.value != newest.value][:MOST_FORMER]
    others = [one for one in others if one.id not in resting and one.id not in tried]
    itself = [] if newest.id in tried else [newest]
    return (*others, *itself) if newest.id in resting else (*itself, *others)


@dataclass(frozen=True)
class Refusal:
    """Why a version was refused, what to do about it, and until when it rests."""

    reason: str
    remedy: str
    until: float


@dataclass
class Refusals:
    """The versions that were refused since they last worked, by id; `clock` gives seconds."""

    clock: Callable[[], float]
    _of: dict[str, Refusal] = field(default_factory=dict)

    def of(self, version: str) -> Refusal | None:
        """How that version was refused last."""
        return self._of.get(version)

    def refuse(self, version: str, fault: ProofRefused) -> None:
        """It rests from now on."""
        self._rest(version, fault.reason, fault.remedy)

    def forgive(self, version: str) -> None:
        """It has worked."""
        self._of.pop(version, None)

    def resting(self) -> frozenset[str]:
        """Those that rest now."""
        return frozenset(one for one in self._of if self.rests(one))

    def rests(self, version: str) -> bool:
        """Whether that version was refused a short while ago."""
        refusal = self._of.get(version)
        return refusal is not None and self.clock() < refusal.until

    def begin(self, version: str) -> None:
        """It is tried. If it was refused before, it rests meanwhile: the others who ask do without."""
        refusal = self._of.get(version)
        if refusal is not None:
            self._rest(version, refusal.reason, refusal.remedy)

    def _rest(self, version: str, reason: str, remedy: str) -> None:
        self._of.pop(version, None)
        self._of = dict(list(self._of.items())[1 - _REMEMBERED :])
        self._of[version] = Refusal(reason, remedy, self.clock() + REST)
