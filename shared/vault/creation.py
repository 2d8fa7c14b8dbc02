"""The body of a creation (ObjectCreationInfo), and what a refusal of one means.

developer.m-files.com/APIs/REST-API/Creating-Objects
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from http import HTTPStatus
from typing import Any, Protocol

from shared.errors import ConfigurationFault, MailFault, Permanent
from shared.vault.protocol import (
    CLASS,
    DOCUMENT,
    SINGLE_FILE,
    DataType,
    NewFile,
    NewObject,
    PropertyValue,
    Structure,
)
from shared.vault.refusals import RequestRefused, TooLarge

_LATEST = -1
_MEGABYTE = 1024 * 1024
_LAST_BUILT_IN = 1000
"""Properties up to this id are M-Files' own."""


class NamedStructure(Structure, Protocol):
    """A structure that knows what all its parts are called."""

    def names(self) -> set[str]:
        """What properties, classes and object types are called."""


def creation_info(
    new: NewObject, uploads: Sequence[dict[str, Any]], *, can_have_files: bool
) -> dict[str, Any]:
    """What is sent for `new` with these uploads."""
    of_class = PropertyValue(CLASS, DataType.LOOKUP, new.class_id)
    values = [of_class, *new.properties]
    if can_have_files:
        # Always told: without it, some servers refuse a type that can have files.
        is_single = new.object_type == DOCUMENT and len(uploads) == 1
        values.insert(1, PropertyValue(SINGLE_FILE, DataType.BOOLEAN, is_single))
    return {"PropertyValues": [_wire(value) for value in values], "Files": list(uploads)}


def _wire(value: PropertyValue) -> dict[str, Any]:
    typed: dict[str, Any] = {"DataType": int(value.data_type)}
    if value.data_type is DataType.LOOKUP:
        typed["Lookup"] = {"Item": value.value, "Version": _LATEST}
    elif value.data_type is DataType.MULTI_SELECT_LOOKUP and isinstance(value.value, tuple):
        typed["Lookups"] = [{"Item": item, "Version": _LATEST} for item in value.value]
    else:
        typed["Value"] = value.value
    return {"PropertyDef": value.id, "TypedValue": typed}


def too_large(error: TooLarge) -> MailFault:
    """The fault of a mail whose file, or whose values, the web server in front of M-Files does not take."""
    size = f"{max(error.size / _MEGABYTE, 0.1):.1f} MB"
    if error.in_chunks:
        return MailFault(
            f"M-Files takes a file of this mail ({size}) neither at once, for its size, nor in parts.",
            "Raise the limits of its web server (maxAllowedContentLength, maxRequestLength), "
            "take vault.chunked-upload out, then replay the mail.",
        )
    return MailFault(
        f"The web server in front of M-Files refuses a file of this mail for its size ({size}).",
        "Raise maxAllowedContentLength and maxRequestLength in the web.config of M-Files' web site, and the "
        "limit of a proxy before it, or set vault.chunked-upload = true; then replay the mail.",
    )


async def why_refused(
    error: RequestRefused, new: NewObject, words: Sequence[str], fresh: NamedStructure
) -> Permanent:
    """The fault that a refused create is: of the configuration, where the vault's structure tells so.

    None of `words` is repeated. Raises Unavailable.
    """
    said = error.told(words, fresh.names())
    if error.status == HTTPStatus.UNAUTHORIZED:
        return ConfigurationFault(
            f"{said}: the vault sets a value of this document itself, its title or state.",
            "Take that value out of mail-sources.toml.",
        )
    if error.status == HTTPStatus.FORBIDDEN:
        return ConfigurationFault(
            f"{said}: the account may not create this document.",
            "Let the account of mfiles-username create documents of this class.",
        )
    lacking = await _lacking(new, fresh)
    if lacking or error.status == HTTPStatus.NOT_FOUND:
        return ConfigurationFault(
            f"{said}: {lacking or 'the vault lacks something that this document needs'}.",
            "Look whether class and properties of the source are still in the vault, and have their values.",
        )
    return MailFault(f"{said}: the vault refuses this document.", "Look at the mail, then replay it.")


def texts(new: NewObject, files: Iterable[NewFile]) -> list[str]:
    """What of an object can be out of a mail."""
    values = [value.value for value in new.properties if isinstance(value.value, str)]
    return values + [name for file in files for name in (file.title, file.extension)]


async def _lacking(new: NewObject, fresh: Structure) -> str:
    """What the structure says against the object; empty where nothing does. Raises Unavailable."""
    sent = {value.id for value in new.properties}
    try:
        kind = await fresh.class_(new.class_id, new.object_type)
        for number in sorted(_own(sent)):
            fresh.property(number)
        required = [fresh.property(number) for number in sorted(_own(kind.required - sent))]
    except ConfigurationFault as fault:
        return fault.reason.rstrip(".")
    names = ", ".join(f'"{one.name}"' for one in required if not one.is_automatic)
    return f'class "{kind.name}" requires {names}, which this document does not have' if names else ""


def _own(properties: Set[int]) -> set[int]:
    """Those that are not M-Files' own, which not every vault lists."""
    return {number for number in properties if number > _LAST_BUILT_IN}
