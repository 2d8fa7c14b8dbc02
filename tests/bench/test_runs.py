"""Several benches in one run, each with services of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from sandbox.app import ROOT

# In an interpreter of its own: HTTP clients read what they trust when they are imported.
_RUN = """
import sys

import bench.__main__ as program

async def bench(name, place):
    from azure.data.tables.aio import TableServiceClient
    from bench.failure import BenchFailed
    from bench.figures import figure
    from bench.world import sandbox
    if name == "file":
        raise BenchFailed("no document was made")
    async with sandbox(place) as box:
        async with TableServiceClient.from_connection_string(box.storage.connection_string) as tables:
            await tables.create_table("filings")
    return [figure("tables", [1.0], "")]

program._bench = bench
sys.exit(program.main())
"""


def test_each_bench_reaches_its_services_and_one_that_fails_is_told_beside_the_others(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    names = ("acknowledge", "file", "memory")
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, *names, "--json", str(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "file has failed: no document was made" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(json.loads(written.read_text(encoding="utf-8"))) == ["acknowledge", "memory"]
    assert ran.stdout.count("tables") == 2
