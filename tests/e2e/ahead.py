"""The app with its clock put forward: what a dead worker has claimed has run out, and nobody waits for it.

Only for hosts without another one beside them, whose claims would seem to have run out as well.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox.app import ROOT

_FUNCTION_APP = """\
import runpy
from datetime import timedelta

from tests.e2e.ahead import put_forward

_app = runpy.run_path({function_app!r})
put_forward(_app["services"], timedelta(seconds={seconds}))
app = _app["app"]
"""


class Ahead:
    """The machine's clock, put forward. Seconds pass as they do."""

    def __init__(self, by: timedelta, clock: Any) -> None:
        self._by = by
        self.monotonic = clock.monotonic

    def now(self) -> datetime:
        """The time of day, in UTC, as it will be."""
        return datetime.now(UTC) + self._by


def put_forward(services: Any, by: timedelta) -> None:
    """Give an app that has not begun to work another clock."""
    services.clock = Ahead(by, services.clock)


def function_app(place: Path, by: timedelta) -> Path:
    """Write an app for the host's `--app`, which is the app itself but for its clock; answers its folder."""
    folder = place / f"ahead-{by.total_seconds():.0f}"
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "host.json", folder)
    text = _FUNCTION_APP.format(function_app=str(ROOT / "function_app.py"), seconds=by.total_seconds())
    (folder / "function_app.py").write_text(text, encoding="utf-8")
    return folder
