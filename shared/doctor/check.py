"""One check of the doctor, and what must hold before it makes sense."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.doctor.finding import Finding


@dataclass(frozen=True)
class Check:
    """A check called `name`; `run` gives its findings, in their order, and raises nothing of ours.

    It is not run where one that it `needs` has failed, or was not run. One that `is_light` only reads, in a
    few requests: the answer of `health` is made of these.
    """

    name: str
    run: Callable[[], Awaitable[Sequence[Finding]]]
    needs: tuple[str, ...] = ()
    is_light: bool = False
