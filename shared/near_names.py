"""Which of the known names was meant by one that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, in any case of letters; None where none is."""
    names = {one.casefold(): one for one in known}
    found = get_close_matches(name.casefold(), names, n=1)
    return names[found[0]] if found else None
