"""`python -m bench`: ratios within one run. The options are those of `dev.py bench`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.failure import BenchFailed
from sandbox.pki import Authority
from sandbox.storage.install import InstallFailed, default_directory, ensure

if TYPE_CHECKING:
    from bench.figures import Figure
    from bench.world import Place

NAMES = ("acknowledge", "file", "memory", "start", "latency", "growth")
"""The benches, in the order in which they run."""


def main() -> int:
    """Run the benches that are named, or all. 0 also where a target is missed: the table says so.

    1 where one has failed, which does not keep the others from being run.
    """
    options = options_of(sys.argv[1:])
    names = list(dict.fromkeys(options.names or NAMES))
    # As Ctrl-C: the processes of a bench end with it, and its folders go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="vaultpost-bench-", ignore_cleanup_errors=True) as directory:
            found = _run(names, Path(directory), long=options.long, json_file=options.json)
    except InstallFailed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0 if found.keys() == set(names) else 1


def _run(
    names: Sequence[str], directory: Path, *, long: bool, json_file: Path | None
) -> dict[str, list[Figure]]:
    """Run the benches one after the other, each in a place of its own, and show what they have found.

    What a failed one would have found is left out. The file is written after each, for who ends the rest.
    """
    # One for all: the HTTP clients read it once, when they are imported, which is below.
    authority = Authority.create(directory / "pki")
    os.environ.update(authority.environment())
    node, azurite = ensure(default_directory(), sys.executable)
    from bench.figures import table
    from bench.world import Place
    from sandbox.app import AppFailed

    found: dict[str, list[Figure]] = {}
    for name in names:
        place = Place(directory / name, authority, node, azurite, long)
        place.directory.mkdir(exist_ok=True)
        began = time.monotonic()
        try:
            found[name] = asyncio.run(_bench(name, place))
        except (BenchFailed, AppFailed) as error:
            print(f"{name} has failed: {error}", file=sys.stderr)
        else:
            print(table(f"{name} ({time.monotonic() - began:.0f} s)", found[name]), flush=True)
            if json_file is not None:
                _write(found, json_file)
    return found


def _write(found: dict[str, list[Figure]], file: Path) -> None:
    written = {name: [one.as_json() for one in figures] for name, figures in found.items()}
    file.write_text(json.dumps(written, indent=2), encoding="utf-8")


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
