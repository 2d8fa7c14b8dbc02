"""Writing what the vault holds into folders."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from sandbox.demo.outcome import digest
from sandbox.vault import VaultFile, VaultObject

_UNSAFE = re.compile(r"[^\w .()@+-]")


def export(objects: Iterable[VaultObject], directory: Path) -> int:
    """A folder for each object, with its files and `object.json`. Answers how many.

    Raises FileExistsError when an object's folder is there already: what is old would mix with what is new.
    """
    count = 0
    for found in objects:
        folder = directory / f"{found.type}-{found.id}"
        folder.mkdir(parents=True)
        facts = {
            "type": found.type,
            "id": found.id,
            "version": found.version,
            "class": found.class_name,
            "title": found.title,
            "properties": [{"id": one.id, "name": one.name, "value": one.value} for one in found.properties],
            "files": [_export_file(file, number, folder) for number, file in enumerate(found.files, 1)],
        }
        text = json.dumps(facts, indent=2, ensure_ascii=False)
        (folder / "object.json").write_text(text, encoding="utf-8")
        count += 1
    return count


def _export_file(file: VaultFile, number: int, folder: Path) -> dict[str, str | int]:
    # The number keeps names apart that differ only in what a file system cannot hold.
    name = _UNSAFE.sub("_", f"{number:04d} {file.title[:60]}.{file.extension}")
    shutil.copyfile(file.path, folder / name)
    return {
        "path": name,
        "title": file.title,
        "extension": file.extension,
        "size": (folder / name).stat().st_size,
        "sha256": digest(folder / name),
    }
