"""The operator's commands: `python3 ops.py [--settings FILE] status | replay | pause | resume`.

They work on the app's storage, with the app's settings and the operator's own login: docs/operations.md.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.breaker import Kind
    from shared.services import Services

ROOT = Path(__file__).resolve().parent
WELL, NOT_WELL, WRONG, NO_STORAGE = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python is told so
        return _complain(WRONG, "ops.py needs Python 3.11 or newer.")
    # A terminal without UTF-8 gets escapes.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _start(options)
    except ModuleNotFoundError as error:
        return _complain(
            WRONG,
            f"ops.py: {error.name} is not installed for {sys.executable}. Use the interpreter of an "
            "environment that `python3 dev.py test` made below .dev, or run: pip install -r requirements.txt",
        )


def _start(options: argparse.Namespace) -> int:
    from shared.errors import StartRefused
    from shared.operations.local_settings import read_values

    try:
        if options.settings is not None:
            # Before the clients are imported: they read SSL_CERT_FILE then.
            os.environ.update(read_values(options.settings))
        from shared.services import Services

        services = Services.from_environment(os.environ, ROOT)
    except StartRefused as refused:
        return _complain(WRONG, "ops.py: settings or configuration are wrong:", *refused.faults)
    return asyncio.run(_run(services, options))


async def _run(services: Services, options: argparse.Namespace) -> int:
    from shared.errors import VaultpostError

    try:
        if options.command == "status":
            return await _status(services, options)
        if options.command != "resume" and options.source not in (None, *services.sources):
            return _unknown(services, options.source)
        if options.command == "replay":
            return await _replay(services, options)
        return await _switch(services, options)
    except VaultpostError as fault:
        return _complain(
            NO_STORAGE,
            f"ops.py: {fault}",
            "Can this machine reach the storage account, and may you use it? (az login)",
        )
    finally:
        await services.close()


async def _status(services: Services, options: argparse.Namespace) -> int:
    from shared.operations import status, text

    found = await status.read_status(
        services.journal,
        services.breakers,
        services.clock,
        services.sources,
        options.source,
        None if options.all else status.SHOWN,
    )
    if options.source not in (None, *services.sources) and not any(found.counts[options.source].values()):
        return _unknown(services, options.source)
    _say(text.as_json(text.status_json(found)) if options.json else "\n".join(text.status_lines(found)))
    return WELL if found.well else NOT_WELL


async def _replay(services: Services, options: argparse.Namespace) -> int:
    from shared.operations import replay, text

    chosen: list[replay.Chosen]
    if options.key:
        one = await replay.select_one(services.journal, options.source, options.key, again=options.again)
        if isinstance(one, str):
            return _complain(NOT_WELL, f"ops.py: nothing is replayed: {one}.")
        chosen = [one]
    else:
        sources = [options.source] if options.source else list(services.sources)
        wanted = replay.Selection(sources, options.since, options.reason, options.again)
        chosen = await replay.select(services.journal, wanted)
    if not options.dry_run:
        if not options.json:
            _say(f"Replaying {len(chosen)} of the journal's mails ...")
        worker = replay.Replay(services.journal, services.queues, services.clock)
        chosen = await worker.replay(chosen, again=options.again)
    shape = text.replay_json(chosen, dry_run=options.dry_run)
    _say(text.as_json(shape) if options.json else "\n".join(text.replay_lines(chosen)))
    outcomes = {mail.outcome for mail in chosen}
    if outcomes & {"untouched", "not-queued"}:
        return NO_STORAGE
    return NOT_WELL if "changed" in outcomes else WELL


async def _switch(services: Services, options: argparse.Namespace) -> int:
    from shared.operations import switching

    kind: Kind = "service" if options.service else "source"
    name = options.service or options.source
    if options.command == "pause":
        said = await switching.pause(services.breakers, kind, name, options.why)
    else:
        said = await switching.resume(services.breakers, kind, name)
    _say("\n".join(said))
    return WELL


def _unknown(services: Services, source: str) -> int:
    known = ", ".join(services.sources)
    return _complain(WRONG, f'ops.py: source "{source}" is not configured. Configured: {known}.')


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ops.py", description="The operator's commands; see docs/operations.md.", allow_abbrev=False
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="a local.settings.json; without it the environment"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    status = commands.add_parser("status", help="how things stand", allow_abbrev=False)
    status.add_argument("--source", metavar="NAME")
    status.add_argument(
        "--all", action="store_true", help="all failed mails and reasons to wait, not the first"
    )
    status.add_argument("--json", action="store_true")

    replay = commands.add_parser("replay", help="send failed mail back to the start", allow_abbrev=False)
    replay.add_argument("--source", metavar="NAME")
    replay.add_argument("--key", metavar="KEY", help="one mail, by its filing key; with --source")
    replay.add_argument("--all", action="store_true", help="of all sources")
    replay.add_argument("--since", type=_since, metavar="DATE", help="failed then or later; UTC")
    replay.add_argument(
        "--reason", default="", metavar="TEXT", help="failed for a reason with this text in it"
    )
    replay.add_argument("--dry-run", action="store_true", help="only tell what would be replayed")
    replay.add_argument(
        "--again", action="store_true", help="also mail whose document was deleted: file it once more"
    )
    replay.add_argument("--json", action="store_true")

    for name, meaning in (("pause", "stop a source or a service"), ("resume", "let it go on")):
        switch = commands.add_parser(name, help=meaning, allow_abbrev=False)
        which = switch.add_mutually_exclusive_group(required=True)
        which.add_argument("--source", metavar="NAME")
        which.add_argument("--service", choices=("graph", "vault", "keyvault"))
        if name == "pause":
            switch.add_argument("--why", required=True, metavar="TEXT", help="for whoever looks at it next")
    return parser


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """What argparse cannot say of `replay`."""
    if options.command != "replay":
        return
    if bool(options.source) == options.all:
        parser.error("replay: give --source NAME or --all")
    if (options.key or options.all) and (options.since or options.reason):
        parser.error("replay: --since and --reason go with --source alone")
    if options.key and options.all:
        parser.error("replay: --key goes with --source")


def _since(text: str) -> dt.datetime:
    """A date, or a time; without a zone it is UTC."""
    try:
        given = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, such as 2026-11-01") from None
    return given if given.tzinfo else given.replace(tzinfo=dt.UTC)


def _say(text: str) -> None:
    print(text)


def _complain(status: int, head: str, *faults: str) -> int:
    print("\n- ".join([head, *faults]), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
