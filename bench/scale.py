"""`python -m bench.scale`: what bends first as mailboxes and mails grow, and what to do then.

With `--write` the tables of docs/scale.md are written anew; what stands between them is for people to keep.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.scale_model import VaultLimit
from bench.scale_tables import VAULT, tables

DOCUMENT = Path(__file__).parents[1] / "docs" / "scale.md"


def updated(document: str) -> str:
    """The document with the tables as they are worked out now; one is known by its upper left cell."""
    anew = {_corner(lines[0]): lines for lines in tables()}
    written: list[str] = []
    is_in_table = False
    for line in document.splitlines():
        if not line.startswith("|"):
            written.append(line)
        elif not is_in_table:
            written += anew.get(_corner(line), [line])
        is_in_table = line.startswith("|")
    return "\n".join(written) + "\n"


def _corner(line: str) -> str:
    return line.split("|")[1].strip()


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """What the command was asked for. Ends it with a line where that makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--write", action="store_true", help="write the tables of docs/scale.md anew")
    one.add_argument(
        "--vault-requests",
        type=_rate,
        default=VAULT.requests_a_second,
        metavar="N",
        help="requests a second that the M-Files server takes (%(default)g, which docs/scale.md assumes)",
    )
    return parser.parse_args(arguments)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not 0.001 <= rate <= 1e6:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of requests a second, from 0.001 to 1,000,000"
        )
    return rate


def main(arguments: Sequence[str]) -> None:
    """Print the tables, or write them."""
    options = options_of(arguments)
    if options.write:
        DOCUMENT.write_text(updated(DOCUMENT.read_text("utf-8")), "utf-8")
    else:
        print("\n\n".join("\n".join(table) for table in tables(VaultLimit(options.vault_requests))))


if __name__ == "__main__":
    main(sys.argv[1:])
