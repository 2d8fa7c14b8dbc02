"""Running the checks, one after the other: what one needs, how long it may take, what they make together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from shared.doctor.check import Check
from shared.doctor.finding import Finding, failed, not_run
from shared.errors import VaultpostError
from shared.log import Events

WITHIN = 20.0
"""Seconds that one check may take."""
ALTOGETHER = 150.0
"""Seconds for all of them: Azure cuts an answer off that takes 230 s
(learn.microsoft.com/azure/azure-functions/functions-scale, timeout)."""

Outcome = Literal["passed", "failed", "not-run"]


async def examine(
    checks: Sequence[Check], *, within: float = WITHIN, altogether: float = ALTOGETHER
) -> list[Finding]:
    """The findings of `checks`, in their order. Each has a word to say, also one that was not run.

    A check may need another one that is not among `checks`: then that does not stop it.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + altogether
    outcomes: dict[str, Outcome] = {}
    findings: list[Finding] = []
    for check in checks:
        found = _refusal(check, outcomes) or await _run(check, within, end - loop.time())
        outcomes[check.name] = outcome_of(found)
        findings += found
    return findings


def outcome_of(findings: Iterable[Finding]) -> Outcome:
    """What a check has come to: one that looked at several and could not at some has passed."""
    statuses = {one.status for one in findings}
    if "failed" in statuses:
        return "failed"
    return "not-run" if statuses == {"not-run"} else "passed"


def _refusal(check: Check, outcomes: Mapping[str, Outcome]) -> list[Finding]:
    """The finding that `check` is not run, by what it needs; empty where nothing is in its way."""
    for name in check.needs:
        if outcomes.get(name, "passed") != "passed":
            said = "has failed" if outcomes[name] == "failed" else "was not run"
            return [not_run(check.name, f"not looked at: {name} {said}")]
    return []


async def _run(check: Check, within: float, left: float) -> list[Finding]:
    if left <= 0:
        return [not_run(check.name, "not looked at: the checks before it took all the time there is")]
    limit = min(within, left)
    try:
        async with asyncio.timeout(limit):
            found = list(await check.run())
    except TimeoutError:
        return [
            failed(
                check.name,
                f"took longer than {limit:.0f} s",
                "Run the doctor again. If it stays so, what this check asks hardly answers: look at its own "
                "health, and at the network between it and the app.",
            )
        ]
    except VaultpostError as fault:
        return [failed(check.name, str(fault), "Run the doctor again.")]
    except Exception as error:  # noqa: BLE001 - one broken check must not keep the others from being seen
        # The type alone: the text of a stranger's exception may hold anything.
        Events("doctor").failure("check-broke", check=check.name, error=type(error).__name__)
        return [
            failed(
                check.name,
                f"the check itself broke ({type(error).__name__})",
                "This is a fault of Vaultpost: report it with the app's version.",
            )
        ]
    return found
