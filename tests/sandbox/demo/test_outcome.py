"""The demonstration judges by bytes: what is lost, changed or doubled is seen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.demo.export import export
from sandbox.demo.outcome import Outcome, difference, figures
from sandbox.demo.table import table
from sandbox.tenant.graph import Held, HeldFile
from sandbox.tenant.graph.store import StoredFile
from sandbox.vault import VaultFile, VaultObject, VaultProperty

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def stored(path: Path, content: bytes) -> StoredFile:
    path.write_bytes(content)
    return StoredFile(path, len(content), hashlib.sha256(content).hexdigest())


def in_vault(directory: Path, name: str, content: bytes) -> VaultFile:
    path = directory / f"vault-{name}"
    path.write_bytes(content)
    title, _, extension = name.rpartition(".")
    return VaultFile(title, extension, len(content), hashlib.sha256(content).hexdigest(), path)


@pytest.fixture
def held(tmp_path: Path) -> Held:
    """A mail with one file."""
    mime, file = stored(tmp_path / "m", b"mime"), stored(tmp_path / "f", b"file")
    return Held("AAA=", NOW, None, mime, (HeldFile("BBB=", "f.pdf", file),))


@pytest.fixture
def document(tmp_path: Path) -> VaultObject:
    """Its document, as it should be."""
    files = (in_vault(tmp_path, "m.eml", b"mime"), in_vault(tmp_path, "f.pdf", b"file"))
    properties = (VaultProperty(0, "Name or title", 1, "Hello"),)
    return VaultObject(0, 7, 1, "Mail", "Hello", NOW, deleted=False, properties=properties, files=files)


def test_equal_bytes_are_no_difference(held: Held, document: VaultObject) -> None:
    assert difference(held, [document]) == ""


def test_a_file_changed_on_the_vaults_disk_is_seen(held: Held, document: VaultObject) -> None:
    """The bytes are read, not the digest that the vault took on arrival."""
    document.files[1].path.write_bytes(b"fil3")

    assert "1 files are missing or changed" in difference(held, [document])


def test_a_missing_file_is_seen(held: Held, document: VaultObject) -> None:
    assert difference(held, [replace(document, files=document.files[:1])])


def test_a_file_too_many_is_seen(held: Held, document: VaultObject) -> None:
    assert difference(held, [replace(document, files=(*document.files, document.files[0]))])


@pytest.mark.parametrize("count", [0, 2])
def test_not_just_one_document_is_seen(held: Held, document: VaultObject, count: int) -> None:
    assert difference(held, [document] * count) == f"there are {count} documents of this mail"


def test_figures_and_table_tell_each_mail(document: VaultObject) -> None:
    good = Outcome("a.eml", "Hello", "filed", "", (document,), 1.25)
    bad = Outcome("b.eml", "", "failed", "gone", (), None)

    written = figures([good, bad])
    shown = table([good, bad])

    assert written["mails"][0] == {
        "path": "a.eml",
        "state": "filed",
        "reason": "",
        "objects": [{"type": 0, "id": 7}],
        "bytes": 8,
        "seconds": 1.25,
    }
    assert written["totals"] == {"mails": 2, "filed": 1, "skipped": 0, "failed": 1, "median_seconds": 1.25}
    assert "b.eml: gone" in shown
    assert (good.is_good, bad.is_good) == (True, False)


def test_filed_with_a_difference_is_not_good(document: VaultObject) -> None:
    assert not Outcome("a.eml", "", "filed", "1 files are missing", (document,), 1.0).is_good


def test_export_writes_each_object_with_its_files(document: VaultObject, tmp_path: Path) -> None:
    hostile = replace(document.files[1], title="../../etc/passwd", extension="pdf")
    target = tmp_path / "out"

    assert export([replace(document, files=(document.files[0], hostile))], target) == 1

    facts = json.loads((target / "0-7" / "object.json").read_text(encoding="utf-8"))
    assert facts["properties"] == [{"id": 0, "name": "Name or title", "value": "Hello"}]
    assert [(target / "0-7" / one["path"]).read_bytes() for one in facts["files"]] == [b"mime", b"file"]
    assert facts["files"][1]["title"] == "../../etc/passwd"
    assert {path.parent for path in target.rglob("*") if path.is_file()} == {target / "0-7"}
    with pytest.raises(FileExistsError):
        export([document], target)
