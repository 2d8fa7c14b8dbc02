"""`python -m bench.scale`: what bends first as mailboxes and mails grow, and what to do then.

With `--write` the tables of docs/scale.md are written anew; what stands between them is for people to keep.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.scale_tables import (
    alone_table,
    daily_table,
    limits_table,
    outage_table,
    remedies_table,
    uses_table,
    waits_table,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "scale.md"
TABLES = (
    daily_table,
    uses_table,
    alone_table,
    waits_table,
    outage_table,
    remedies_table,
    limits_table,
)


def updated(document: str) -> str:
    """The document with the tables as they are worked out now; one is known by its upper left cell."""
    anew = {_corner(lines[0]): lines for lines in (table() for table in TABLES)}
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


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables of docs/scale.md anew")
    if parser.parse_args().write:
        DOCUMENT.write_text(updated(DOCUMENT.read_text("utf-8")), "utf-8")
    else:
        print("\n\n".join("\n".join(table()) for table in TABLES))


if __name__ == "__main__":
    main()
