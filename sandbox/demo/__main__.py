"""`python -m sandbox.demo`: from nothing to filed mail. The options are those of `dev.py demo`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.pki import Authority
from sandbox.storage.install import InstallFailed, default_directory, ensure

if TYPE_CHECKING:
    from sandbox.box import Sandbox


def main() -> int:
    """Run the demonstration. Answers the exit status: 0 if every mail was filed once, byte for byte."""
    options = _options(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="vaultpost-demo-", ignore_cleanup_errors=True) as directory:
        place = Path(directory)
        authority = Authority.create(place / "pki")
        # Read by the HTTP clients when they are imported, which is below.
        os.environ.update(authority.environment())
        try:
            node, azurite = ensure(default_directory(), sys.executable)
            return asyncio.run(_run(options, place, authority, node, azurite))
        except InstallFailed as error:
            _say(str(error))
            return 1
        except KeyboardInterrupt:
            return 130


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.py demo", description=__doc__)
    parser.add_argument("--mail", type=Path, metavar="DIR", help="deliver the .eml files below DIR")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write what the vault holds to DIR")
    options = parser.parse_args(arguments)
    if options.mail is not None and not options.mail.is_dir():
        parser.error(f"--mail: {options.mail} is not a directory")
    if options.json is not None and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: {options.json.parent} is not a directory")
    if options.export is not None and options.export.exists() and any(options.export.iterdir()):
        parser.error(f"--export: {options.export} is not empty")
    return options


async def _run(
    options: argparse.Namespace, place: Path, authority: Authority, node: Path, azurite: Path
) -> int:
    from sandbox.app import AppFailed
    from sandbox.demo.export import export
    from sandbox.demo.outcome import figures
    from sandbox.demo.run import SubscriptionMissing, file_all, running
    from sandbox.demo.samples import write_samples
    from sandbox.demo.table import table
    from sandbox.storage.azurite import StorageFailed

    root = options.mail or place / "samples"
    files = sorted(root.rglob("*.eml")) if options.mail else write_samples(root)
    if not files:
        _say(f"--mail: there is no .eml file below {root}")
        return 2
    try:
        async with running(place, authority, node, azurite) as run:
            _say(f"Delivering {len(files)} mails, one at a time ...")
            outcomes = await file_all(run, files, root)
            print(table(outcomes), flush=True)  # noqa: T201
            if options.json is not None:
                options.json.write_text(json.dumps(figures(outcomes), indent=2), encoding="utf-8")
            if options.export is not None:
                _say(f"{export(run.box.vault.objects(), options.export)} objects written to {options.export}")
            if options.keep:
                await _keep(run.box, run.app.address)
            return 0 if all(one.is_good for one in outcomes) else 1
    except (AppFailed, StorageFailed, SubscriptionMissing) as error:
        _say(f"{type(error).__name__}: {error}")
        return 1


async def _keep(box: Sandbox, app: str) -> None:
    from sandbox import control
    from sandbox.example_sources import MAILBOX
    from sandbox.serving import serve

    served = await serve(control.application(box.tenant, box.vault, box.faults), context=None)
    _say(
        f"The app: {app}. Control: {served.origin}. Deliver a mail by\n"
        f"  curl --data-binary @FILE.eml {served.origin}/mailboxes/{MAILBOX}/messages\n"
        "Ctrl-C ends it."
    )
    try:
        await asyncio.Event().wait()
    finally:
        await served.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
