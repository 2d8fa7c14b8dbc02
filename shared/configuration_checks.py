"""Looks at what stands within one value, where its form alone does not say enough."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any

from shared.conditions import condition
from shared.configuration import folder_name
from shared.configuration_texts import by_shape, expression_shape, template_shape
from shared.templates import EXAMPLE_OF_ATTACHMENT, EXAMPLE_VOCABULARY, TemplateFault, TextTemplate

_NO_TARGETS = frozenset({"msgfolderroot", "outbox", "searchfolders", "drafts", "scheduled"})
"""Well-known folders that hold no mail which has arrived, or folders only."""


def _date(value: object) -> str:
    is_day = isinstance(value, dt.date)
    return "" if is_day else "must be a date, such as 2026-11-01, without quotation marks."


def _template(text: str, example: Mapping[str, Any] = EXAMPLE_VOCABULARY) -> str:
    try:
        TextTemplate(text, example)
    except TemplateFault as fault:
        return str(fault)
    return ""


def _expression(text: str) -> str:
    try:
        condition(text)
    except TemplateFault as fault:
        return str(fault)
    return ""


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f' Did you mean "{near[0]}"?' if near else " Write it as IANA does, such as Europe/Helsinki."
        return f"is not a known time zone.{hint}"
    return ""


def _target(folder: str) -> str:
    parts = folder.split("/")
    if any(part != part.strip() or not part for part in parts):
        return 'must be a folder: a well-known name, an id, or a path below one, such as "inbox/Filed".'
    if folder_name(folder) in _NO_TARGETS:
        return "is a folder that mail cannot be moved to."
    return ""


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "date": _date,
    "template": by_shape(_template, template_shape),
    "attachment-template": by_shape(partial(_template, example=EXAMPLE_OF_ATTACHMENT), template_shape),
    "expression": by_shape(_expression, expression_shape),
    "zone": _zone,
    "target": _target,
}
"""By the mark of a form (`shared.configuration_forms`): what is wrong with a value; empty if nothing is."""
