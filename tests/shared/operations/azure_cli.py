"""An Azure CLI that answers what a test says, and notes what it was asked."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PROGRAM = """import json, pathlib, sys
here = pathlib.Path(__file__).parent
asked = sys.argv[1:]
with (here / "asked").open("a", encoding="utf-8") as log:
    log.write(json.dumps(asked) + "\\n")
answers = json.loads((here / "answers.json").read_text(encoding="utf-8"))
words = " ".join(asked[: asked.index("--name")])
if words not in answers:
    sys.exit("ERROR: (ResourceNotFound) The Resource was not found.")
sys.stdout.write(answers[words])
"""


class AzureCli:
    """`directory` is to be on the PATH."""

    def __init__(self, directory: Path, answers: Mapping[str, Any]) -> None:
        """`answers` are JSON, or a text as it is, by the words before the first option."""
        directory.mkdir()
        self.directory = directory
        texts = {
            words: value if isinstance(value, str) else json.dumps(value) for words, value in answers.items()
        }
        (directory / "answers.json").write_text(json.dumps(texts), encoding="utf-8")
        program = directory / "az.py"
        program.write_text(_PROGRAM, encoding="utf-8")
        if os.name == "nt":
            (directory / "az.cmd").write_text(f'@"{sys.executable}" -S "{program}" %*\n', encoding="utf-8")
        else:
            started = directory / "az"
            started.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{program}" "$@"\n', encoding="utf-8")
            started.chmod(0o755)

    @property
    def path(self) -> str:
        """The PATH that begins with it."""
        return os.pathsep.join([str(self.directory), os.environ["PATH"]])

    @property
    def asked(self) -> list[list[str]]:
        """The arguments of each call."""
        log = self.directory / "asked"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def settings_of(values: Mapping[str, str]) -> list[dict[str, object]]:
    """As `az functionapp config appsettings list` writes them."""
    return [{"name": name, "slotSetting": False, "value": value} for name, value in values.items()]
