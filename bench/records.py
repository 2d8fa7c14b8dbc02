"""What the record of an app's requests says: operations by service, and where the time of a mail goes."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from bench.apps.recording import RECORD, SERVICES
from sandbox.box import Sandbox
from sandbox.storage.azurite import Storage

_EXECUTED = re.compile(
    r"^(?P<end>\S+)Z INFO sandbox\.host\.invocation: Executed (?P<name>\w+) in (?P<ms>\d+) ms", re.MULTILINE
)
QUEUE_WAIT, OWN = "queues and Graph's push", "our own work"
"""Where time goes that no service takes: outside of functions, and within them."""


@dataclass(frozen=True)
class Span:
    """Something that lasted, in seconds since 1970."""

    what: str
    began: float
    ended: float


@dataclass(frozen=True)
class Request:
    """A request of the app's process; `path` is without the account, with the query."""

    service: str
    verb: str
    path: str
    status: int
    began: float
    ended: float

    @property
    def span(self) -> Span:
        """When it was under way."""
        return Span(self.service, self.began, self.ended)


def settings(box: Sandbox, file: Path, storage: Storage | None = None) -> dict[str, str]:
    """What `bench.apps.recorded` needs to know; `storage` is another one than the sandbox's."""
    storage, addresses = storage or box.storage, box.addresses
    places = {
        "blob": storage.blob_url,
        "queue": storage.queue_url,
        "table": storage.table_url,
        "graph": addresses.graph,
        "vault": addresses.vault,
        "key vault": addresses.keyvault,
        "entra": addresses.entra,
        "identity": addresses.identity,
    }
    services = {urlsplit(address).netloc: service for service, address in places.items()}
    return {RECORD: str(file), SERVICES: json.dumps(services)}


def requests(file: Path) -> list[Request]:
    """All that is on record, in the order in which it ended."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [Request(*json.loads(line)) for line in lines]


def invocations(log: Path) -> list[Span]:
    """When functions ran, as the host's log says to a few milliseconds."""
    found = []
    for one in _EXECUTED.finditer(log.read_text(encoding="utf-8", errors="replace")):
        ended = datetime.fromisoformat(one["end"]).replace(tzinfo=UTC).timestamp()
        found.append(Span(one["name"], ended - int(one["ms"]) / 1000, ended))
    return found


def operations(found: Iterable[Request], account: str) -> Counter[str]:
    """The operations of mail: by service and kind, without the host's looks at queues that were empty.

    Each message that was got was deleted, so the gets are counted as the deletes.
    """
    counted: Counter[str] = Counter()
    for one in found:
        path = urlsplit(one.path).path.removeprefix(f"/{account}")
        if one.service == "queue":
            if one.verb == "POST":
                counted["queue put"] += 1
            elif one.verb == "DELETE":
                counted["queue delete"] += 1
                counted["queue get"] += 1
        elif one.service == "table":
            counted[f"table {one.verb} {re.split('[(/]', path.lstrip('/'), maxsplit=1)[0]}"] += 1
        elif one.service == "blob":
            counted[f"blob {'write' if one.verb == 'PUT' else one.verb}{_missed(one)}"] += 1
        else:
            counted[f"{one.service} {one.verb}"] += 1
    return counted


def _missed(one: Request) -> str:
    return " of nothing" if one.status == 404 else ""


def shares(began: float, ended: float, ran: Sequence[Span], asked: Sequence[Span]) -> dict[str, float]:
    """Where the seconds of a mail went that was alone.

    What is waited for together counts in equal parts.
    """
    edges = sorted({began, ended, *_edges(began, ended, ran), *_edges(began, ended, asked)})
    found: defaultdict[str, float] = defaultdict(float)
    for start, end in pairwise(edges):
        middle = (start + end) / 2
        waited = [one.what for one in asked if one.began <= middle < one.ended]
        is_running = any(one.began <= middle < one.ended for one in ran)
        if not is_running:
            waited = [QUEUE_WAIT]
        for what in waited or [OWN]:
            found[what] += (end - start) / max(1, len(waited))
    return dict(found)


def mean_parts(seconds: Sequence[float], ran: Sequence[Span], asked: Sequence[Span]) -> dict[str, float]:
    """Seconds for each mail, of `seconds` from delivery to document: what each service took, and the rest.

    Requests that are under way at once each count in full, so that with many the parts can be more than
    the whole: what is our own work cannot be told from them.
    """
    within = sum(one.ended - one.began for one in ran)
    services: defaultdict[str, float] = defaultdict(float)
    for one in asked:
        services[one.what] += one.ended - one.began
    parts = {"functions": within, QUEUE_WAIT: sum(seconds) - within, **dict(sorted(services.items()))}
    return {name: total / len(seconds) for name, total in parts.items()}


def _edges(began: float, ended: float, spans: Iterable[Span]) -> list[float]:
    return [edge for one in spans for edge in (one.began, one.ended) if began < edge < ended]
