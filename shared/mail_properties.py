"""M-Files' own properties of e-mail: what tells a mail, and what it is an answer to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from shared.vault.protocol import (
    CONVERSATION_ID,
    IN_REPLY_TO,
    IN_REPLY_TO_REFERENCE,
    MESSAGE_ID,
    Choice,
    DataType,
    PropertyValue,
    Structure,
)
from shared.vault.typed_values import NoFit, typed

_IDS = {MESSAGE_ID: "message_id", IN_REPLY_TO: "in_reply_to", CONVERSATION_ID: "conversation_id"}
_TEXTS = (DataType.TEXT, DataType.MULTI_LINE_TEXT)


async def mail_properties(
    structure: Structure, values: Mapping[str, Any], wanted: Collection[int], warn: Callable[[str], None]
) -> list[PropertyValue]:
    """Those of the `wanted` ones that the vault has and the mail of `values` has a value for.

    An id that is longer than its property is left out with a warning: half an id is none
    (developer.m-files.com, MFBuiltInPropertyDef). Raises ConfigurationFault, Unavailable.
    """
    made = []
    for number, name in _IDS.items():
        definition = structure.built_in(number) if number in wanted else None
        text = str(values.get(name) or "")
        if definition is None or definition.data_type not in _TEXTS or not text:
            continue
        kept = typed(text, definition.data_type)
        if definition.data_type == DataType.MULTI_LINE_TEXT or kept == text:
            made.append(PropertyValue(number, DataType(definition.data_type), kept))
        else:
            warn(f'property "{definition.name}" is left out: a Text property does not hold the id')
    if IN_REPLY_TO_REFERENCE in wanted:
        made += await _answered(structure, str(values.get("in_reply_to") or ""))
    return made


async def _answered(structure: Structure, message_id: str) -> list[PropertyValue]:
    """The one object that has the Message-ID to which a mail is a reply; where none has, nothing is told."""
    reference, searched = structure.built_in(IN_REPLY_TO_REFERENCE), structure.built_in(MESSAGE_ID)
    if not message_id or reference is None or reference.object_type is None:
        return []
    if searched is None or searched.data_type != DataType.TEXT:
        return []
    try:
        found = await structure.choose(reference, message_id, Choice(match=MESSAGE_ID))
    except NoFit:
        return []
    if reference.data_type == DataType.LOOKUP:
        return [PropertyValue(reference.id, DataType.LOOKUP, found)]
    return [PropertyValue(reference.id, DataType.MULTI_SELECT_LOOKUP, (found,))]
