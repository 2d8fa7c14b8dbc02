"""What is wrong within one source: its documents, its rules, what it does in the mailbox afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.configuration import folder_name
from shared.configuration_between import tables
from shared.configuration_inheritance import where
from shared.configuration_places import Faults, Path
from shared.vault.protocol import DOCUMENT

OWN_RULES = frozenset(
    {"passed-over", "duplicate", "restored", "draft", "without-attachments", "max-age", "observed"}
)
"""What the app itself calls the reason for which it has skipped a mail."""
_OF_CONTENT = {"without-attachments": "attachments", "attachment": "linked-attachments"}
_FILES = ("document", "attachments", "after", "on-failure")


@dataclass(frozen=True)
class _Document:
    """How some mail of a source is filed: that which a `rule` takes, or what no rule takes."""

    at: Path
    table: Mapping[str, Any]
    rule: Path | None = None

    @property
    def content(self) -> object:
        return self.table.get("content", "message-and-attachments")


def note_within_sources(data: Mapping[str, Any], faults: Faults) -> None:
    """Note what is wrong within each source of `data`, in which all is inherited."""
    may_delete = data.get("allow-delete") is True
    for at, source in tables(data.get("source"), ("source",)):
        documents = list(_documents(source, at))
        _note_states(documents, faults)
        _note_content(documents, at, faults)
        _note_classes(documents, faults)
        _note_lookups(documents, faults)
        _note_rules(source, at, faults)
        for table, table_at in [(source, at), *((rule, rule_at) for rule_at, rule in _rules(source, at))]:
            _note_afterwards(table, table_at, source, faults, may_delete=may_delete)


def _rules(source: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    return tables(source.get("rule"), where(source, "rule", at))


def _documents(source: Mapping[str, Any], at: Path) -> Iterator[_Document]:
    if isinstance(source.get("document"), dict):
        yield _Document(where(source, "document", at), source["document"])
    for rule_at, rule in _rules(source, at):
        if isinstance(rule.get("document"), dict) and rule.get("skip") is not True:
            yield _Document(where(rule, "document", rule_at), rule["document"], rule_at)


def _note_states(documents: list[_Document], faults: Faults) -> None:
    for one in documents:
        if "state" in one.table and "workflow" not in one.table:
            faults.add(where(one.table, "state", one.at), "needs a workflow beside it.")


def _note_content(documents: list[_Document], at: Path, faults: Faults) -> None:
    """A key that serves one content only; of a source also that of its rules, of [defaults] that of any."""
    contents = {str(one.content) for one in documents}
    for one in documents:
        for key, content in _OF_CONTENT.items():
            place = where(one.table, key, one.at)
            is_own = one.rule is not None and place[: len(one.rule)] == one.rule
            serves = one.content == content if is_own else content in contents
            if key in one.table and not serves and place[: len(at)] == at:
                faults.add(place, f'goes with content = "{content}" alone.')


def _note_classes(documents: list[_Document], faults: Faults) -> None:
    """A class is of one object type; that of a name is known to the vault alone."""
    for one in documents:
        kind, attachment = one.table.get("object-type"), one.table.get("attachment")
        has_class = isinstance(attachment, dict) and "class" in attachment
        is_other = isinstance(kind, int) and not isinstance(kind, bool) and kind != DOCUMENT
        if one.content == "linked-attachments" and is_other and not has_class:
            faults.add(
                where(one.table, "object-type", one.at),
                "attachments are filed as documents: needs attachment.class, of object type Document.",
            )


def _note_lookups(documents: list[_Document], faults: Faults) -> None:
    for one in documents:
        _note_lookups_in(one.table, one.at, faults)
        attachment = one.table.get("attachment")
        if isinstance(attachment, dict):
            _note_lookups_in(attachment, where(one.table, "attachment", one.at), faults)


def _note_lookups_in(table: Mapping[str, Any], at: Path, faults: Faults) -> None:
    properties = table.get("properties")
    if not isinstance(properties, dict):
        return
    properties_at = where(table, "properties", at)
    for name, value in properties.items():
        if isinstance(value, dict):
            _note_lookup(value, where(properties, name, properties_at), faults)


def _note_lookup(value: Mapping[str, Any], at: Path, faults: Faults) -> None:
    adds, by = value.get("add-missing") is True, value.get("by", "name-or-id")
    if adds and by in ("id", "external-id"):
        faults.add(where(value, "add-missing", at), f'needs names: it does not go with by = "{by}".')
    if "match" in value and ("by" in value or "owner" in value or adds):
        faults.add(where(value, "match", at), "does not go with by, owner or add-missing.")


def _note_rules(source: Mapping[str, Any], at: Path, faults: Faults) -> None:
    names: set[str] = set()
    rules = list(_rules(source, at))
    for rule_at, rule in rules:
        name = rule.get("name")
        if isinstance(name, str) and name in names:
            faults.add((*rule_at, "name"), "another rule of this source has it. Names are unique.")
        if isinstance(name, str) and name in OWN_RULES:
            faults.add((*rule_at, "name"), "is a rule of the app itself. Choose another name.")
        names.add(str(name))
        if "when" not in rule and rule_at != rules[-1][0]:
            faults.add(
                rule_at, "takes everything: no rule below it comes to it. Put it last, or give it a when."
            )
        _note_rule(rule, rule_at, faults)


def _note_rule(rule: Mapping[str, Any], at: Path, faults: Faults) -> None:
    """What a rule has inherited is none of its own."""
    own = [key for key in _FILES if key in rule and where(rule, key, at) == (*at, key)]
    if rule.get("skip") is True and own:
        faults.add((*at, "skip"), f"does not go with {' and '.join(own)}: what is skipped is not filed.")
    if rule.get("skip") is not True and "document" not in rule:
        faults.add((*at, "document"), "is missing: its source has none.")


def _note_afterwards(
    table: Mapping[str, Any], at: Path, source: Mapping[str, Any], faults: Faults, *, may_delete: bool
) -> None:
    for key in ("after", "on-failure"):
        done, done_at = table.get(key), where(table, key, at)
        if not isinstance(done, dict):
            continue
        if key == "after" and done.get("delete") is True and not may_delete:
            faults.add(where(done, "delete", done_at), "needs allow-delete = true above all tables.")
        target = done.get("move-to")
        if isinstance(target, str) and folder_name(target).casefold() in _watched(source):
            faults.add(where(done, "move-to", done_at), "is a folder that this source itself watches.")


def _watched(source: Mapping[str, Any]) -> set[str]:
    folders = source.get("folders", ["inbox"])
    every = folders if isinstance(folders, list) else []
    return {folder_name(folder).casefold() for folder in every if isinstance(folder, str)}
