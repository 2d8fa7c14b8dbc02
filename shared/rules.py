"""Which rule of a source a mail falls under (design, section 7): the first whose condition holds."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any

from shared.conditions import condition
from shared.configuration import After, Attachments, Document, OnFailure, Rule, Source
from shared.errors import MailFault
from shared.templates import TemplateFault


class Undecided(Exception):
    """What a condition asks for is not known yet."""


@dataclass(frozen=True)
class Way:
    """What becomes of a mail. `rule` is empty where none of the source's rules has taken it."""

    rule: str
    skip: bool
    document: Document
    attachments: Attachments
    after: After
    on_failure: OnFailure


def way_of(source: Source, values: Mapping[str, Any], unknown: Set[str] = frozenset()) -> Way:
    """The way of a mail with these `values`, as templates see them.

    Raises Undecided where a condition uses a name that is `unknown` as yet, before any rule has taken the
    mail, and MailFault where a condition cannot be worked out for it.
    """
    for rule in source.rule:
        if _takes(source, rule, values, unknown):
            return _way(source, rule)
    return _own_way(source)


def way_named(source: Source, rule: str) -> Way:
    """The way of the rule with that name, as it stands now; the source's own for an empty one.

    Of a rule that the source has no more nobody can say what was to follow: nothing does, in the mailbox.
    """
    for one in source.rule:
        if one.name == rule:
            return _way(source, one)
    own = _own_way(source)
    return own if not rule else replace(own, rule=rule, after=After(), on_failure=OnFailure())


def names_used(source: Source) -> frozenset[str]:
    """The names that the conditions of a source use."""
    used = [condition(rule.when).names for rule in source.rule if rule.when is not None]
    return frozenset().union(*used)


def _way(source: Source, rule: Rule) -> Way:
    document = rule.document or source.document
    return Way(rule.name, rule.skip, document, rule.attachments, rule.after, rule.on_failure)


def _own_way(source: Source) -> Way:
    return Way("", False, source.document, source.attachments, source.after, source.on_failure)


def _takes(source: Source, rule: Rule, values: Mapping[str, Any], unknown: Set[str]) -> bool:
    if rule.when is None:
        return True
    try:
        wanted = condition(rule.when)
        if wanted.names & unknown:
            raise Undecided
        return wanted.holds(values)
    except TemplateFault as fault:
        raise MailFault(
            f'source "{source.name}", rule "{rule.name}": the condition {fault}',
            "Correct the condition, then replay the mail.",
        ) from None
