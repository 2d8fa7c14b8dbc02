"""`python -m bench`: ratios within one run. The options are those of `dev.py bench`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.pki import Authority
from sandbox.storage.install import InstallFailed, default_directory, ensure

if TYPE_CHECKING:
    from bench.figures import Figure
    from bench.world import Place

NAMES = ("acknowledge", "file", "memory", "start", "latency", "growth")
"""The benches, in the order in which they run."""


def main() -> int:
    """Run the benches that are named, or all. 0 also where a target is missed: the table says so."""
    options = options_of(sys.argv[1:])
    found: dict[str, list[Figure]] = {}
    try:
        for name in options.names or NAMES:
            found[name] = _figures(name, long=options.long)
    except InstallFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json is not None:
        written = {name: [one.as_json() for one in figures] for name, figures in found.items()}
        options.json.write_text(json.dumps(written, indent=2), encoding="utf-8")
    return 0


def _figures(name: str, *, long: bool) -> list[Figure]:
    """Run one bench, in a place of its own, and show what it has found."""
    with tempfile.TemporaryDirectory(prefix="vaultpost-bench-", ignore_cleanup_errors=True) as directory:
        place = Path(directory)
        authority = Authority.create(place / "pki")
        # Read by the HTTP clients when they are imported, which is below.
        os.environ.update(authority.environment())
        node, azurite = ensure(default_directory(), sys.executable)
        from bench.figures import table
        from bench.world import Place

        began = time.monotonic()
        figures = asyncio.run(_bench(name, Place(place, authority, node, azurite, long)))
        print(table(f"{name} ({time.monotonic() - began:.0f} s)", figures), flush=True)
        return figures


async def _bench(name: str, place: Place) -> list[Figure]:
    from bench.acknowledge import acknowledge
    from bench.filing import file
    from bench.growth import growth
    from bench.latency import latency
    from bench.memory import memory
    from bench.starting import start

    benches = {
        "acknowledge": acknowledge,
        "file": file,
        "memory": memory,
        "start": start,
        "latency": latency,
        "growth": growth,
    }
    return await benches[name](place)


def _name(text: str) -> str:
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(NAMES)}")
    return text


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """`names`, `long` and `json`. Bad ones: a line that says so, and SystemExit."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    # Not `choices`: before Python 3.12 argparse holds that none at all is a wrong one.
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--long", action="store_true", help="memory: 5,000 small mails, ten minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args(arguments)
    if options.json is not None and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: {options.json.parent} is not a directory")
    return options


if __name__ == "__main__":
    sys.exit(main())
