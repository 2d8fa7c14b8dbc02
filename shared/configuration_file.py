"""Reading `mail-sources.toml`: every fault of it at once, each with its place in the file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.configuration import Configuration, Document, Source
from shared.configuration_between import note_between_sources, tables
from shared.configuration_built import NOT_BUILT, note_what_is_not_built
from shared.configuration_inheritance import OF_ONE_SOURCE, inherited
from shared.configuration_lines import lines_of
from shared.configuration_places import Faults
from shared.configuration_reader import Reader
from shared.configuration_within import note_within_sources
from shared.errors import StartRefused

_PLACE_IN_TOML = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def read_configuration(file: Path) -> Configuration:
    """The configuration in `file`.

    Raises StartRefused with every fault there is.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartRefused(
            [f"{file}: cannot be read ({reason}). VAULTPOST_SOURCES names this file."]
        ) from None
    return configuration_in(content, file.name)


def configuration_in(content: bytes, file: str) -> Configuration:
    """The configuration that the bytes of `file` hold.

    Raises StartRefused with every fault there is.
    """
    try:
        text = content.decode("utf-8")
        return configuration_of(tomllib.loads(text), file, text)
    except UnicodeDecodeError:
        raise StartRefused([f"{file}: is not UTF-8. Save it with that encoding."]) from None
    except tomllib.TOMLDecodeError as error:
        raise StartRefused([_not_toml(file, str(error))]) from None
    except RecursionError:
        raise StartRefused([f"{file}: is nested too deeply."]) from None


def configuration_of(
    data: Mapping[str, Any],
    file: str,
    text: str = "",
    not_built: Mapping[str, tuple[object, ...]] = NOT_BUILT,
) -> Configuration:
    """The configuration that the parsed TOML `data` of `file` says; from its `text` faults have their lines.

    Raises StartRefused with every fault there is.
    """
    faults = Faults(data)
    configuration = _read(data, faults)
    note_what_is_not_built(data, not_built, faults)
    if faults or configuration is None:
        raise StartRefused(faults.texts(file, lines_of(text) if text else {}))
    return configuration


def _read(data: Mapping[str, Any], faults: Faults) -> Configuration | None:
    values, reader = inherited(data), Reader(faults)
    configuration = reader.table(values, Configuration, ())
    if "defaults" in data:
        _read_defaults(data["defaults"], reader, faults)
    for at, source in tables(data.get("source"), ("source",)):
        # What each rule has replaced is looked at here.
        if "document" in source:
            reader.table(source["document"], Document, (*at, "document"), partly=True)
    note_between_sources(values, faults)
    note_within_sources(values, faults)
    return configuration


def _read_defaults(defaults: object, reader: Reader, faults: Faults) -> None:
    """Each source has inherited them; what every one has replaced is looked at here."""
    if isinstance(defaults, dict):
        for key in OF_ONE_SOURCE & defaults.keys():
            faults.add(("defaults", key), "is a matter of each [[source]].")
        defaults = {key: value for key, value in defaults.items() if key not in OF_ONE_SOURCE}
    reader.table(defaults, Source, ("defaults",), partly=True)


def _not_toml(file: str, said: str) -> str:
    """The parser tells the line at the end of what it says."""
    found = _PLACE_IN_TOML.search(said)
    line = f":{found[1]}" if found and found[1] else ""
    return f"{file}{line}: is not TOML: {said}."
