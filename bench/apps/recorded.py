"""The product's app, with a record of every request that it sends."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path

from bench.apps.recording import RECORD, SERVICES, Recorder, record
from sandbox.app import ROOT

record(
    Recorder(
        Path(os.environ[RECORD]).open("a", encoding="utf-8", buffering=1),  # noqa: SIM115 - open to the end
        json.loads(os.environ[SERVICES]),
    )
)
app = runpy.run_path(str(ROOT / "function_app.py"))["app"]
