"""What is wrong with one source beside another. Of values of a wrong form more was said already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.configuration import folder_name, is_path
from shared.configuration_places import Faults, Path, named

Tables = Sequence[tuple[Path, Mapping[str, Any]]]


def tables(items: object, at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Those of a list that are tables, each with its place."""
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield (*at, index), item


def note_between_sources(data: Mapping[str, Any], faults: Faults) -> None:
    """Note what is wrong between the sources of `data`, in which all is inherited."""
    sources = list(tables(data.get("source"), ("source",)))
    _note_names(data, sources, faults)
    _note_folders(data, sources, faults)


def _note_names(data: Mapping[str, Any], sources: Tables, faults: Faults) -> None:
    names: set[str] = set()
    for at, source in sources:
        name = source.get("name")
        if isinstance(name, str) and name in names:
            faults.add((*at, "name"), "another source has it. Names are unique.")
        names.add(str(name))
    _note_former_names(data, sources, faults)


def _note_former_names(data: Mapping[str, Any], sources: Tables, faults: Faults) -> None:
    """Of two sources with one name in their keys, each would take the other's mail for its own."""
    bearers = {source["name"]: at for at, source in sources if isinstance(source.get("name"), str)}
    former: dict[str, Path] = {}
    for at, source in sources:
        name = source.get("formerly")
        if not isinstance(name, str):
            continue
        if name == source.get("name"):
            faults.add((*at, "formerly"), "is the present name. Leave it out.")
        elif name in bearers:
            faults.add((*at, "formerly"), f"is the name of {named(bearers[name], data)}.")
        elif name in former:
            faults.add((*at, "formerly"), f"is the former name of {named(former[name], data)} already.")
        former.setdefault(name, at)


@dataclass(frozen=True)
class _Watched:
    """A folder that a source watches, by names that can be compared."""

    at: Path
    mailbox: str
    folder: str
    with_subfolders: bool

    @property
    def name(self) -> str:
        """Ids are case-sensitive, names in a path are not."""
        return self.folder.strip("/").casefold() if is_path(self.folder) else folder_name(self.folder)


def _note_folders(data: Mapping[str, Any], sources: Tables, faults: Faults) -> None:
    watched = [folder for at, source in sources for folder in _watched(source, at)]
    first: dict[tuple[str, str], Path] = {}
    tops = [folder for folder in watched if folder.with_subfolders]
    for one in watched:
        other = first.setdefault((one.mailbox, one.name), one.at)
        if other != one.at:
            faults.add(
                (*one.at, "folders"),
                f'"{one.folder}" of this mailbox is watched by {named(other, data)} already.',
            )
    for one in watched:
        for top in tops:
            if _is_below(one, top):
                faults.add(
                    (*one.at, "folders"),
                    f'"{one.folder}" is below "{top.folder}", '
                    f"which {named(top.at, data)} watches with its subfolders.",
                )


def _watched(source: Mapping[str, Any], at: Path) -> Iterator[_Watched]:
    mailbox, folders = source.get("mailbox"), source.get("folders", ["inbox"])
    if not isinstance(mailbox, str) or not isinstance(folders, list):
        return
    for folder in folders:
        if isinstance(folder, str):
            yield _Watched(at, mailbox.casefold(), folder, source.get("subfolders") is True)


def _is_below(one: _Watched, top: _Watched) -> bool:
    is_apart = one.at == top.at or one.mailbox != top.mailbox
    return not is_apart and one.name.casefold().startswith(f"{top.name.casefold()}/")
