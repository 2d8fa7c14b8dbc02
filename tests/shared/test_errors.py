"""The tree of errors: what the caller can do is its shape."""

from __future__ import annotations

import re

import pytest

from shared import errors
from shared.errors import (
    ConfigurationFault,
    MailFault,
    NotYet,
    Permanent,
    Stale,
    StartRefused,
    Transient,
    Unavailable,
    VaultpostError,
)


@pytest.mark.parametrize("kind", [Unavailable, NotYet, Stale])
def test_what_may_work_later_says_when(kind: type[Transient]) -> None:
    assert kind("vault: down").after is None
    assert kind("vault: down", after=2.5).after == 2.5
    assert str(kind("vault: down", after=2.5)) == "vault: down"


@pytest.mark.parametrize("kind", [ConfigurationFault, MailFault])
def test_what_never_works_by_itself_says_why_and_what_to_do(kind: type[Permanent]) -> None:
    fault = kind("The class is unknown.", "Correct mail-sources.toml.")

    assert (fault.reason, fault.remedy) == ("The class is unknown.", "Correct mail-sources.toml.")
    assert str(fault) == "The class is unknown. Correct mail-sources.toml."


def test_a_refused_start_lists_each_fault_on_a_line_of_its_own() -> None:
    refused = StartRefused(["setting A: is not set.", "setting B: is not set."])

    assert refused.faults == ("setting A: is not set.", "setting B: is not set.")
    assert str(refused) == "Vaultpost cannot start:\n- setting A: is not set.\n- setting B: is not set."


def test_the_tree_at_the_top_of_the_file_is_the_tree() -> None:
    drawn: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)([A-Z][A-Za-z]+)(?:  |$)", line)
        if found:
            drawn.append((len(found[1]) // 4, found[2]))

    def tree(kind: type[Exception], depth: int = 0) -> list[tuple[int, str]]:
        below = [
            line
            for child in kind.__subclasses__()
            if child.__module__ == errors.__name__
            for line in tree(child, depth + 1)
        ]
        return [(depth, kind.__name__), *below]

    assert drawn == tree(VaultpostError)
    assert len(drawn) == 9
