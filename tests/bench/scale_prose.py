"""What docs/scale.md says between its tables, and the shares that it speaks of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bench.scale import DOCUMENT as FILE
from bench.scale_tables import FLEETS, all_uses

SHARES = {fleet: {use.name: use.share for use in all_uses(fleet)} for fleet in FLEETS}
CERTAIN = {fleet: {use.name: use.share for use in all_uses(fleet) if use.is_certain} for fleet in FLEETS}
ACCOUNT, QUEUE = "operations of one storage account", "messages of one queue"


def prose(text: str) -> str:
    """Without tables, numbers of a list and emphasis, on one line."""
    lines = (line for line in text.splitlines() if not line.startswith("|"))
    return " ".join(re.sub(r"^\d\. ", "", line).replace("*", "") for line in lines)


def sections() -> Mapping[str, str]:
    """The prose of each, by its heading; each remedy by its number."""
    first, *others = re.split(r"^## ", FILE.read_text("utf-8"), flags=re.MULTILINE)
    found = {"": first, **dict(other.split("\n", 1) for other in others)}
    remedies, _, after = found.pop("What to do").partition("\n\n")
    numbered = re.split(r"^(?=\d\. )", remedies, flags=re.MULTILINE)[1:]
    parts = {**found, **{one[0]: one for one in numbered}, "What to do": after}
    return {heading: " ".join(prose(text).split()) for heading, text in parts.items()}


def bullets() -> list[str]:
    """What is said of each fleet."""
    section = FILE.read_text("utf-8").partition("## What bends first\n")[2].partition("\n\n")[0]
    return [" ".join(one.split()) for one in section.removeprefix("- ").split("\n- ")]


TEXTS = sections()
