"""`python -m sandbox`: the services alone. Prints their addresses and a local.settings.json for the app."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from sandbox.pki import Authority
from sandbox.storage.install import InstallFailed, default_directory, ensure

DEFAULT_APP_PORT = 7071


def main() -> int:
    """Run until Ctrl-C. Answers the exit status."""
    parser = argparse.ArgumentParser(prog="dev.py sandbox", description=__doc__)
    parser.add_argument("--app-port", type=int, default=DEFAULT_APP_PORT, help="where the app will listen")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vaultpost-sandbox-") as directory:
        place = Path(directory)
        authority = Authority.create(place / "pki")
        # The services' own clients are made below, when they are imported: they trust the authority, too.
        os.environ.update(authority.environment())
        try:
            node, azurite = ensure(default_directory(), sys.executable)
            asyncio.run(_serve(place, authority, node, azurite, options.app_port))
        except InstallFailed as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


async def _serve(place: Path, authority: Authority, node: Path, azurite: Path, app_port: int) -> None:
    from sandbox import control
    from sandbox.app import write_settings
    from sandbox.box import Sandbox
    from sandbox.example_sources import MAILBOX, example_sources
    from sandbox.serving import serve

    async with Sandbox(place, authority, node, azurite) as box:
        box.tenant.add_mailbox(MAILBOX)
        controlled = await serve(control.application(box.tenant, box.vault, box.faults), context=None)
        sources = place / "mail-sources.toml"
        sources.write_text(example_sources(box.addresses.vault, box.vault.guid), encoding="utf-8")
        settings = place / "local.settings.json"
        values = box.settings(f"http://127.0.0.1:{app_port}/api", sources)
        write_settings(settings, values)
        facts = {
            **asdict(box.addresses),
            "control": controlled.origin,
            "mailbox": MAILBOX,
            "settings": str(settings),
            "local.settings.json": {"IsEncrypted": False, "Values": values},
        }
        print(json.dumps(facts, indent=2), flush=True)  # noqa: T201
        try:
            await asyncio.Event().wait()
        finally:
            await controlled.close()


if __name__ == "__main__":
    sys.exit(main())
