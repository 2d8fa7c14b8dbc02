"""`schema`: the JSON Schema of mail-sources.toml, for editors."""

from __future__ import annotations

import json

from shared.configuration_schema import schema
from shared.operations.terminal import WELL, say


def run() -> int:
    """Write it to standard output. It needs no settings and no service."""
    say(json.dumps(schema(), indent=2, ensure_ascii=False))
    return WELL
