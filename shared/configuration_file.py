"""Reading `mail-sources.toml`: every fault of it at once, each with its place in the file."""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.configuration import Configuration, Fixed, PropertyValue, folder_name, is_path
from shared.errors import StartRefused
from shared.templates import TemplateFault, TextTemplate

_T = TypeVar("_T")
_MISSING = object()
_LATER = {"rule", "after", "on-failure", "formerly", "enabled", "defaults"}


def read_configuration(file: Path) -> Configuration:
    """The configuration in `file`.

    Raises StartRefused with every fault there is.
    """
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartRefused(
            [f"{file}: cannot be read ({reason}). VAULTPOST_SOURCES names this file."]
        ) from None
    except UnicodeDecodeError:
        raise StartRefused([f"{file}: is not UTF-8. Save it with that encoding."]) from None
    except tomllib.TOMLDecodeError as error:
        raise StartRefused([f"{file}: is not TOML: {error}."]) from None
    return configuration_of(data, file.name)


def configuration_of(data: Mapping[str, Any], file: str) -> Configuration:
    """The configuration that the parsed TOML `data` of `file` says.

    Raises StartRefused with every fault there is.
    """
    faults: list[str] = []
    configuration = _struct(data, Configuration, "", faults)
    faults += _faults_between(data.get("source"))
    if faults or configuration is None:
        raise StartRefused([f"{file}: {fault}" for fault in faults])
    return configuration


def _struct(data: object, kind: type[_T], place: str, faults: list[str]) -> _T | None:
    """`data` as a `kind`; None, and more `faults`, where it is not one."""
    if not isinstance(data, Mapping):
        faults.append(_at(place, "must be a table."))
        return None
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind, include_extras=True)
    before = len(faults)
    faults += [_at(_below(place, key), _unknown(key, fields)) for key in data if key not in fields]
    values = {}
    for key, field in fields.items():
        value = data.get(key, _MISSING)
        if value is not _MISSING:
            values[field.name] = _value(value, hints[field.name], _below(place, key), faults)
        elif field.required:
            faults.append(_at(_below(place, key), "is missing."))
    return kind(**values) if len(faults) == before else None


def _value(value: object, hint: Any, place: str, faults: list[str]) -> object:
    kind, arguments, meta = _plain(hint)
    if _is_struct(kind):
        return _struct(value, kind, place, faults)
    if get_origin(kind) is tuple and _is_struct(arguments[0]) and isinstance(value, list) and value:
        return tuple(
            _struct(item, arguments[0], _numbered(place, number, item), faults)
            for number, item in enumerate(value, 1)
        )
    if get_origin(kind) is dict and isinstance(value, Mapping):
        return {key: _property(item, f'{place}."{key}"', faults) for key, item in value.items()}
    if get_origin(kind) is Literal and (value not in arguments or type(value) is not type(arguments[0])):
        faults.append(_at(place, f"must be {' or '.join(map(_toml, arguments))} in this version."))
        return None
    return _leaf(value, hint, meta, place, faults)


def _property(value: object, place: str, faults: list[str]) -> object:
    if isinstance(value, Mapping):
        return _struct(value, PropertyValue, place, faults)
    return _value(value, Fixed, place, faults)


def _leaf(value: object, hint: Any, meta: msgspec.Meta | None, place: str, faults: list[str]) -> object:
    wrong = _wrong_form(value, hint, meta) or _wrong_template(value, hint)
    if wrong:
        faults.append(_at(place, wrong))
        return None
    return tuple(value) if isinstance(value, list) else value


def _wrong_form(value: object, hint: Any, meta: msgspec.Meta | None) -> str:
    try:
        msgspec.convert(value, hint, builtin_types=(dt.datetime, dt.date, dt.time))
    except msgspec.ValidationError as error:
        said = str(error).partition(" - at ")[0].replace("`", "'")
        return f"{meta.description if meta and meta.description else said}."
    if meta and meta.extra and "date" in meta.extra and not isinstance(value, dt.date):
        return f"{meta.description}."
    return ""


def _wrong_template(value: object, hint: Any) -> str:
    if not isinstance(value, str) or "template" not in _extras(hint):
        return ""
    try:
        TextTemplate(value)
    except TemplateFault as fault:
        return str(fault)
    return ""


def _extras(hint: Any) -> set[str]:
    """The marks that `shared.configuration` puts on a type or on a member of a union."""
    marks: set[str] = set()
    for kind in (hint, *get_args(hint)):
        _, _, meta = _plain(kind)
        marks.update((meta.extra or {}) if meta else ())
    return marks


def _plain(hint: Any) -> tuple[Any, tuple[Any, ...], msgspec.Meta | None]:
    """The type without its annotation, its arguments, and the annotation."""
    meta = None
    if get_origin(hint) is Annotated:
        hint, meta = get_args(hint)[0], get_args(hint)[1]
    if get_origin(hint) in (Union, types.UnionType):
        return object, get_args(hint), meta
    return hint, get_args(hint), meta


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _at(place: str, wrong: str) -> str:
    return f"{place}: {wrong}" if place else wrong


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _numbered(place: str, number: int, item: object) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return f'{place} {number} "{name}"' if isinstance(name, str) else f"{place} {number}"


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"'


def _unknown(key: str, known: Mapping[str, object]) -> str:
    if key in _LATER:
        return "is not built yet. Leave it out."
    near = difflib.get_close_matches(key, known, n=1)
    return f'is unknown. Did you mean "{near[0]}"?' if near else f"is unknown. Known: {', '.join(known)}."


def _faults_between(sources: object) -> list[str]:
    """What is wrong with one source beside another; of values of a wrong form more was said already."""
    faults: list[str] = []
    names: set[str] = set()
    watched: dict[tuple[str, str], str] = {}
    for number, source in enumerate(sources if isinstance(sources, list) else [], 1):
        if not isinstance(source, Mapping):
            continue
        place, name, mailbox = _numbered("source", number, source), source.get("name"), source.get("mailbox")
        if isinstance(name, str) and name in names:
            faults.append(f"{place}.name: another source has it. Names are unique.")
        names.add(str(name))
        for folder in _folders(source):
            other = watched.setdefault((str(mailbox).casefold(), _comparable(folder)), place)
            if other != place and isinstance(mailbox, str):
                faults.append(f'{place}.folders: "{folder}" of this mailbox is watched by {other} already.')
    return faults + _faults_below(sources)


def _faults_below(sources: object) -> list[str]:
    """Folders that stand, by their path, below one that another source watches with its subfolders."""
    every = sources if isinstance(sources, list) else []
    watched = [
        (_numbered("source", number, source), str(source.get("mailbox")).casefold(), folder, source)
        for number, source in enumerate(every, 1)
        if isinstance(source, Mapping)
        for folder in _folders(source)
    ]
    return [
        f'{place}.folders: "{folder}" is below "{top}", which {above} watches with its subfolders.'
        for place, mailbox, folder, _ in watched
        for above, other_mailbox, top, other in watched
        if above != place and mailbox == other_mailbox and other.get("subfolders") is True
        if _comparable(folder).casefold().startswith(f"{_comparable(top).casefold()}/")
    ]


def _folders(source: Mapping[str, object]) -> list[str]:
    folders = source.get("folders", ["inbox"])
    return [folder for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []


def _comparable(folder: str) -> str:
    """A folder as it is told apart from others: ids are case-sensitive, names in a path are not."""
    return folder.strip("/").casefold() if is_path(folder) else folder_name(folder)
