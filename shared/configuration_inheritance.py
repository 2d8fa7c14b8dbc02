"""What sources and rules inherit: tables merged key by key, each value remembering where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.configuration_places import Path

OF_ONE_SOURCE = frozenset({"name", "mailbox", "formerly", "rule"})
"""Keys that [defaults] cannot have."""
_REPLACED = ("attachments", "after", "on-failure")


class Merged(dict[str, Any]):
    """A table with what it inherits; `written` says of inherited keys where they stand in the file."""

    def __init__(self, data: Mapping[str, Any], written: dict[str, Path]) -> None:
        super().__init__(data)
        self.written = written


def where(table: Mapping[str, Any], key: str, at: Path) -> Path:
    """Where the value of `key` was written, of a `table` that stands `at` that place."""
    return table.written.get(key, (*at, key)) if isinstance(table, Merged) else (*at, key)


def merged(base: Mapping[str, Any], base_at: Path, own: Mapping[str, Any], own_at: Path) -> Merged:
    """The table `own`, as it was written, over `base`: what both have as tables is merged, at every depth."""
    values = {**base, **own}
    written = {key: where(base, key, base_at) for key in base if key not in own}
    for key in base.keys() & own.keys():
        below, value = base[key], own[key]
        if isinstance(below, dict) and isinstance(value, dict):
            values[key] = merged(below, where(base, key, base_at), value, (*own_at, key))
    return Merged(values, written)


def inherited(data: Mapping[str, Any]) -> dict[str, Any]:
    """The file's `data` without [defaults]: each source has inherited them, each rule what its source has."""
    sources, defaults = data.get("source"), data.get("defaults")
    values = {key: value for key, value in data.items() if key != "defaults"}
    if isinstance(sources, list):
        base = defaults if isinstance(defaults, dict) else {}
        common = {key: value for key, value in base.items() if key not in OF_ONE_SOURCE}
        values["source"] = [
            _source(common, source, ("source", index)) if isinstance(source, dict) else source
            for index, source in enumerate(sources)
        ]
    return values


def _source(defaults: Mapping[str, Any], source: Mapping[str, Any], at: Path) -> Merged:
    whole = merged(defaults, ("defaults",), source, at)
    rules = whole.get("rule")
    if isinstance(rules, list):
        whole["rule"] = [
            _rule(whole, at, rule, (*at, "rule", index)) if isinstance(rule, dict) else rule
            for index, rule in enumerate(rules)
        ]
        if takes_all(rules) and not _has_class(whole):
            _take_document(whole, at)
    return whole


def takes_all(rules: object) -> bool:
    """Whether the last of the rules takes whatever comes to it, so that nothing falls through."""
    last = rules[-1] if isinstance(rules, list) and rules else None
    return isinstance(last, dict) and "when" not in last


def _has_class(table: Mapping[str, Any]) -> bool:
    document = table.get("document")
    return isinstance(document, dict) and "class" in document


def _take_document(source: Merged, at: Path) -> None:
    """No mail needs a document of the source itself: it is that of the last rule that has one."""
    for index, rule in reversed(list(enumerate(source["rule"]))):
        if isinstance(rule, dict) and rule.get("skip") is not True and _has_class(rule):
            source["document"] = rule["document"]
            source.written["document"] = where(rule, "document", (*at, "rule", index))
            return


def _rule(source: Merged, source_at: Path, rule: Mapping[str, Any], at: Path) -> Mapping[str, Any]:
    """Its document is merged; all else that it says itself replaces that of its source."""
    taken = [key for key in _REPLACED if key not in rule]
    if rule.get("skip") is not True or "document" in rule:
        taken.append("document")
    base = {key: source[key] for key in taken if key in source}
    written = {key: where(source, key, source_at) for key in base}
    return merged(Merged(base, written), source_at, rule, at)
