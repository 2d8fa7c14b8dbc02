"""The commands' arguments. Standard library only: they are read before any package is known to be there."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for. Ends the interpreter with status 2, and says why, when that makes no sense."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ops.py", description="The operator's commands; see docs/operations.md.", allow_abbrev=False
    )
    parser.add_argument(
        "--function-app", metavar="NAME", help="read the settings of this app from Azure, with az"
    )
    parser.add_argument("--resource-group", metavar="GROUP", help="the one that the app is in")
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="a local.settings.json, or what az lists; wins over the app's and the environment's",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_status(commands.add_parser("status", help="how things stand", allow_abbrev=False))
    _add_doctor(commands.add_parser("doctor", help="what is wrong, and what to do", allow_abbrev=False))
    _add_subscriptions(commands.add_parser("subscriptions", help="those at Graph", allow_abbrev=False))
    _add_sweep(commands.add_parser("sweep", help="order a sweep of folders", allow_abbrev=False))
    _add_backfill(commands.add_parser("backfill", help="queue mail nobody knows", allow_abbrev=False))
    _add_replay(commands.add_parser("replay", help="send failed mail back to the start", allow_abbrev=False))
    _add_reconcile(
        commands.add_parser("reconcile", help="compare mailbox, journal and vault", allow_abbrev=False)
    )
    _add_rebuild(commands.add_parser("rebuild", help="the journal, from the vault", allow_abbrev=False))
    _add_explain(commands.add_parser("explain", help="what would be filed from a mail", allow_abbrev=False))
    _add_permissions(
        commands.add_parser("permissions", help="what the app needs in Exchange", allow_abbrev=False)
    )
    commands.add_parser("schema", help="the JSON Schema of mail-sources.toml", allow_abbrev=False)
    for name, meaning in (("pause", "stop a source or a service"), ("resume", "let it go on")):
        _add_switch(commands.add_parser(name, help=meaning, allow_abbrev=False), with_reason=name == "pause")
    return parser


def _add_status(status: argparse.ArgumentParser) -> None:
    status.add_argument("--source", metavar="NAME")
    status.add_argument(
        "--all", action="store_true", help="all failed mails and reasons to wait, not the first"
    )
    status.add_argument("--json", action="store_true")


def _add_doctor(doctor: argparse.ArgumentParser) -> None:
    doctor.add_argument(
        "--app", metavar="URL", help="where the app's functions are; else VAULTPOST_NOTIFICATION_URL"
    )
    doctor.add_argument(
        "--key", metavar="KEY", help="a function key; in VAULTPOST_FUNCTION_KEY no list of processes shows it"
    )
    doctor.add_argument("--here", action="store_true", help="look from this machine; do not ask the app")
    doctor.add_argument(
        "--write", action="store_true", help="also write a document to the vault, and mark it deleted"
    )
    doctor.add_argument("--json", action="store_true")


def _add_subscriptions(subscriptions: argparse.ArgumentParser) -> None:
    subscriptions.add_argument("--source", metavar="NAME")
    subscriptions.add_argument("--apply", action="store_true", help="do what is to be done, now")
    subscriptions.add_argument("--json", action="store_true")


def _add_sweep(sweep: argparse.ArgumentParser) -> None:
    _add_one_or_all(sweep)
    sweep.add_argument("--json", action="store_true")


def _add_backfill(backfill: argparse.ArgumentParser) -> None:
    backfill.add_argument("--source", metavar="NAME", required=True)
    backfill.add_argument(
        "--since", type=_since, metavar="DATE", required=True, help="received then or later; UTC"
    )
    backfill.add_argument("--dry-run", action="store_true", help="only tell what would be queued")
    backfill.add_argument("--json", action="store_true")


def _add_replay(replay: argparse.ArgumentParser) -> None:
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


def _add_reconcile(reconcile: argparse.ArgumentParser) -> None:
    reconcile.add_argument("--source", metavar="NAME", required=True)
    reconcile.add_argument(
        "--since", type=_since, metavar="DATE", required=True, help="received then or later; UTC"
    )
    reconcile.add_argument("--all", action="store_true", help="list also what is no difference")
    reconcile.add_argument("--json", action="store_true")


def _add_rebuild(rebuild: argparse.ArgumentParser) -> None:
    _add_one_or_all(rebuild)
    rebuild.add_argument("--dry-run", action="store_true", help="only tell what would be journalled")
    rebuild.add_argument("--json", action="store_true")


def _add_explain(explain: argparse.ArgumentParser) -> None:
    explain.add_argument("--mail", type=Path, metavar="FILE", required=True, help="a mail as MIME: an .eml")
    explain.add_argument("--source", metavar="NAME", required=True)
    explain.add_argument(
        "--received", type=_since, metavar="DATE", help="when it was received; UTC. Else as its headers say"
    )
    explain.add_argument("--json", action="store_true")


def _add_permissions(permissions: argparse.ArgumentParser) -> None:
    permissions.add_argument("--json", action="store_true")
    permissions.set_defaults(source=None)


def _add_switch(switch: argparse.ArgumentParser, *, with_reason: bool) -> None:
    which = switch.add_mutually_exclusive_group(required=True)
    which.add_argument("--source", metavar="NAME")
    which.add_argument("--service", choices=("graph", "vault", "keyvault"))
    if with_reason:
        switch.add_argument("--why", required=True, metavar="TEXT", help="for whoever looks at it next")


def _add_one_or_all(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--source", metavar="NAME")
    which.add_argument("--all", action="store_true", help="all sources")


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """What argparse cannot say: of `replay`, and of what goes together."""
    if (options.function_app is None) != (options.resource_group is None):
        parser.error("--function-app and --resource-group go together")
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
