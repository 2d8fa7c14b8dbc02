"""What is deployed: the files that `.funcignore` leaves, and what the platform installs beside them.

`func azure functionapp publish` and `azd deploy` take the patterns of `.funcignore` as Git does those of
`.gitignore` (learn.microsoft.com/azure/azure-functions/functions-core-tools-reference).
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parent.parent
_LISTED = 8
_MB = 1024 * 1024
_BLOCK = 4096
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Installed:
    """One package that the platform installs: bytes in its files, and on a disk of blocks of 4 KiB."""

    name: str
    size: int
    on_disk: int


def deployed_files(root: Path) -> list[Path]:
    """The files below `root` that are deployed, relative to it, in the order of their names."""
    patterns = GitIgnoreSpec.from_lines((root / ".funcignore").read_text("utf-8").splitlines())
    return sorted(path.relative_to(root) for path in _files(root, root, patterns))


def _files(root: Path, folder: Path, patterns: GitIgnoreSpec) -> Iterator[Path]:
    for path in folder.iterdir():
        name = path.relative_to(root).as_posix()
        if path.is_dir():
            if not patterns.match_file(f"{name}/"):
                yield from _files(root, path, patterns)
        elif not patterns.match_file(name):
            yield path


def _packed(root: Path, archive: Path) -> list[Path]:
    """What is deployed, but for the archive itself, which may stand there from the last time."""
    return [name for name in deployed_files(root) if (root / name).resolve() != archive.resolve()]


def write_archive(root: Path, archive: Path) -> None:
    """Write what is deployed as a ZIP file: the same bytes for the same files."""
    names = _packed(root, archive)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            entry = zipfile.ZipInfo(name.as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, (root / name).read_bytes())


def requirements(root: Path) -> list[str]:
    """The names of the packages that requirements.txt pins for this Python."""
    lines = (root / "requirements.txt").read_text("utf-8").splitlines()
    pinned = [line.partition("==")[0].strip() for line in lines if "==" in line and not line.startswith("#")]
    return sorted(set(pinned), key=str.casefold)


def installed(names: list[str]) -> list[Installed]:
    """How large these packages are in this environment, without bytecode; the largest first.

    Raises importlib.metadata.PackageNotFoundError.
    """
    return sorted((_installed(name, distribution(name)) for name in names), key=_size, reverse=True)


def _size(one: Installed) -> int:
    return one.size


def _installed(name: str, one: Distribution) -> Installed:
    paths = [Path(str(one.locate_file(file))) for file in one.files or () if file.suffix != ".pyc"]
    sizes = [path.stat().st_size for path in paths if path.is_file()]
    return Installed(name, sum(sizes), sum(-(-size // _BLOCK) * _BLOCK for size in sizes))


def lines(root: Path, archive: Path) -> list[str]:
    """What is deployed, for a person."""
    packages = installed(requirements(root))
    total, on_disk = sum(one.size for one in packages), sum(one.on_disk for one in packages)
    files = _packed(root, archive)
    source = sum((root / name).stat().st_size for name in files)
    return [
        f"{archive.name}: {len(files)} files, {_mb(source)}; as ZIP {_mb(archive.stat().st_size)}",
        f"beside it the platform installs {len(packages)} packages: {_mb(total)}, {_mb(on_disk)} on disk",
        *(f"  {one.name:<28} {_mb(one.size):>9} {_mb(one.on_disk):>9}" for one in packages[:_LISTED]),
    ]


def _mb(size: int) -> str:
    return f"{size / _MB:.1f} MB"


def main(arguments: list[str]) -> int:
    """Write the archive, and tell its size and that of what is installed."""
    parser = argparse.ArgumentParser(prog="dev.py package", allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=ROOT / ".dev/vaultpost.zip", metavar="FILE")
    archive = parser.parse_args(arguments).out
    archive.parent.mkdir(parents=True, exist_ok=True)
    write_archive(ROOT, archive)
    sys.stdout.write("\n".join([*lines(ROOT, archive), ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
