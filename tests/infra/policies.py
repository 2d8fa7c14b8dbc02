"""checkov over Bicep and Terraform: what it finds, and what it has not looked at.

checkov passes over a file that it cannot parse, a resource that it leaves out, and a check of its own that
breaks. So it is held to what stands in the files: each resource is seen, each skip skips something and has a
reason.
As a program, with the Python of an environment that has checkov: `python -m tests.infra.policies PYTHON`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[2] / "infra"
SECONDS = 300
ARGUMENTS = (
    "--directory=.",
    "--framework",
    "bicep",
    "terraform",
    "--skip-download",
    "--compact",
    "--output=json",
    "--output=cyclonedx_json",
    "--output-file-path=../report.json,../materials.json",
)

_KINDS = (".bicep", ".tf")
_NOT_FOR_CHECKOV = {
    # Its parser of Bicep knows neither extensions nor this function.
    ".bicep": ((re.compile(r"^(?=extension )", re.MULTILINE), "// "), (re.compile(r"\bfail\("), "string(")),
    # It leaves out a resource that there is none of by default.
    ".tf": ((re.compile(r"^(?= *count +=)", re.MULTILINE), "# "),),
}
_RESOURCES = {
    ".bicep": re.compile(r"^ *resource (?P<name>\w+) '(?P<type>[^'@]+)@[^']+' = ", re.MULTILINE),
    ".tf": re.compile(r'^ *resource "(?P<type>\w+)" "(?P<name>\w+)"', re.MULTILINE),
}
_SKIP = re.compile(r"checkov:skip=(\w+)")
_NO_REASON = "No comment provided"
_PLACE = re.compile(r"pkg:\w+/cli_repo/[^/]+/(?P<file>.+\.(?:bicep|tf))/")
_BROKEN = re.compile(r"Failed to run check (?P<check>\w+) on (?P<file>[^\s:]+):(?P<resource>\S+)")
_CHANGES_CHECKOV = ("BC_", "CHECKOV_", "CKV_", "PRISMA_")


@dataclass(frozen=True, order=True)
class Resource:
    """One that is declared: `Microsoft.Web/sites.app` in `bicep/modules/app.bicep`."""

    file: str
    name: str


@dataclass(frozen=True, order=True)
class Verdict:
    """What one check says of one resource; `text` is the name of the check, or the reason of a skip."""

    check: str
    resource: Resource
    text: str = ""

    def __str__(self) -> str:
        return f"{self.resource.file}: {self.resource.name}: {self.check}: {self.text}"


@dataclass(frozen=True)
class Said:
    """All that checkov has said."""

    failed: frozenset[Verdict]
    skipped: frozenset[Verdict]
    unparsed: frozenset[str]
    seen: frozenset[Resource]
    errors: tuple[str, ...]


def declared(files: Mapping[str, str]) -> frozenset[Resource]:
    """The resources that files make, given by name and text; what Bicep calls existing is not made."""
    return frozenset(
        Resource(name, f"{found['type']}.{found['name']}")
        for name, text in files.items()
        for found in _RESOURCES[Path(name).suffix].finditer(text)
    )


def skips(files: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """How often a check is skipped in a file: once for each resource."""
    return Counter((name, check) for name, text in files.items() for check in _SKIP.findall(text))


def for_checkov(name: str, text: str) -> str:
    """The text without what hides a file or a resource from checkov; its lines keep their numbers."""
    for pattern, instead in _NOT_FOR_CHECKOV[Path(name).suffix]:
        text = pattern.sub(instead, text)
    return text


def said(reports: Any, materials: Any, log: str, root: Path) -> Said:
    """What stands in checkov's report, bill of materials (CycloneDX) and log, about files below `root`.

    With one kind of file, the report is one object; with several, a list of them.
    """
    results = [
        one["results"] for one in (reports if isinstance(reports, list) else [reports]) if "results" in one
    ]
    return Said(
        frozenset(_verdict(one, one["check_name"]) for each in results for one in each["failed_checks"]),
        frozenset(
            _verdict(one, one["check_result"]["suppress_comment"].strip())
            for each in results
            for one in each["skipped_checks"]
        ),
        frozenset(
            Path(path).relative_to(root).as_posix() for each in results for path in each["parsing_errors"]
        ),
        frozenset(_seen(materials)),
        tuple(line for line in log.splitlines() if "[ERROR]" in line),
    )


def _verdict(record: Mapping[str, Any], text: str) -> Verdict:
    return Verdict(
        record["check_id"], Resource(record["file_path"].lstrip("/"), _plain(record["resource"])), text
    )


def _plain(name: str) -> str:
    """Without the key of `count` or `for_each`."""
    return name.partition("[")[0]


def _seen(materials: Any) -> Iterator[Resource]:
    for component in materials.get("components", ()):
        place = _PLACE.match(component["purl"])
        if place:
            yield Resource(place["file"], _plain(component["name"]))


def faults(found: Said, files: Mapping[str, str]) -> list[str]:
    """What is wrong, in lines for a person. None: all that the files declare was looked at, and is well."""
    unseen = declared(files) - found.seen
    used = Counter((one.resource.file, one.check) for one in found.skipped)
    return [
        *(f"{path}: checkov cannot parse it" for path in sorted(found.unparsed)),
        *(f"{one.file}: {one.name}: checkov has not seen it" for one in sorted(unseen)),
        *map(str, sorted(found.failed)),
        *(f"{one}, a skip without a reason" for one in sorted(found.skipped) if one.text in ("", _NO_REASON)),
        *(
            f"{file}: {check}: a skip that skips nothing"
            for file, check in sorted((skips(files) - used).elements())
        ),
        *(line for line in found.errors if not _of_a_skipped_check(line, found.skipped)),
    ]


def _of_a_skipped_check(error: str, skipped: frozenset[Verdict]) -> bool:
    broken = _BROKEN.search(error)
    if broken is None:
        return False
    resource = Resource(broken["file"], _plain(broken["resource"]))
    return any((one.check, one.resource) == (broken["check"], resource) for one in skipped)


def read(root: Path) -> dict[str, str]:
    """The files of Bicep and Terraform below `root` by their path in it, without what Terraform downloads."""
    paths = [path.relative_to(root) for path in root.rglob("*") if path.suffix in _KINDS]
    return {
        path.as_posix(): (root / path).read_text("utf-8")
        for path in sorted(paths)
        if not any(part.startswith(".") for part in path.parts)
    }


def check(python: Path, root: Path) -> list[str]:
    """The faults of all templates below `root`. Raises subprocess.TimeoutExpired."""
    files = read(root)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "infra").mkdir()
        for file, text in files.items():
            copied = folder / "infra" / file
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(for_checkov(file, text), "utf-8")
        log = _run(python, folder)
        written = [folder / "report.json", folder / "materials.json"]
        if not all(one.exists() for one in written):
            return [f"checkov ended without a report:\n{log}"]
        reports, materials = (json.loads(one.read_text("utf-8")) for one in written)
    return faults(said(reports, materials, log, folder / "infra"), files)


def _run(python: Path, folder: Path) -> str:
    """Let checkov write its reports into `folder`, about what stands in `infra` there; its log.

    Its exit status says no more than the report. It looks for settings in the home directory, and asks the
    network for newer versions of itself, unless told otherwise.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CHANGES_CHECKOV)}
    own = {"LOG_LEVEL": "WARNING", "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true"}
    home = {"HOME": str(folder), "USERPROFILE": str(folder)}
    done = subprocess.run(
        [python, "-m", "checkov.main", *ARGUMENTS],
        cwd=folder / "infra",
        env={**kept, **home, **own},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    return done.stderr


def main(python: str) -> int:
    """Print the faults; 1 if there are any."""
    found = check(Path(python).absolute(), INFRA)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
