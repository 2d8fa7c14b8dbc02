"""Conditions of rules: expressions of Jinja2 over a mail, in its sandbox."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from jinja2.sandbox import SandboxedEnvironment

from shared.template_environment import (
    CANNOT_BE_WORKED_OUT,
    TEXT,
    absent_for_none,
    plain_text,
    said,
    with_plain_texts,
)
from shared.templates import EXAMPLE_VOCABULARY, LENIENT, STRICT, TemplateFault, known_names

_Evaluate = Callable[[Mapping[str, Any]], Any]


class Condition:
    """A compiled condition."""

    def __init__(self, text: str) -> None:
        """Compile `text` and try it on a mail that has everything.

        Raises TemplateFault.
        """
        self._form, self._texts = _form_of(text)
        self.names = self._form.names
        try:
            bool(self._form.strict({**EXAMPLE_VOCABULARY, **self._texts}))
        except CANNOT_BE_WORKED_OUT as error:
            raise TemplateFault(f"not a condition that works: {said(error)}.") from error

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds of the mail that has these values.

        Raises TemplateFault, without a word out of the mail, when it cannot be worked out for it.
        """
        try:
            return bool(self._form.lenient({**absent_for_none(dict(values)), **self._texts}))
        except CANNOT_BE_WORKED_OUT as error:
            raise TemplateFault(f"could not be worked out for this mail ({type(error).__name__}).") from None


@dataclass(frozen=True)
class _Form:
    """An expression, perhaps with names in place of its texts."""

    text: str

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(name for name in self._all_names if not name.startswith("_text"))

    @cached_property
    def _all_names(self) -> frozenset[str]:
        texts = dict.fromkeys(re.findall(r"_text[0-9]+", self.text), "")
        return known_names(f"{{% if {self.text} %}}{{% endif %}}", {**EXAMPLE_VOCABULARY, **texts})

    @cached_property
    def strict(self) -> _Evaluate:
        return _evaluator(STRICT, self.text)

    @cached_property
    def lenient(self) -> _Evaluate:
        return _evaluator(LENIENT, self.text)


def _evaluator(environment: SandboxedEnvironment, text: str) -> _Evaluate:
    return environment.compile_expression(text, undefined_to_none=False)


def _form_of(text: str) -> tuple[_Form, dict[str, str]]:
    """The form of a condition, and its texts by the names that stand for them.

    Rules differ by their texts, mostly, and compiling takes a millisecond: of thousands, a few are compiled.
    Raises TemplateFault.
    """
    texts: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        name = f"_text{len(texts)}"
        texts[name] = plain_text(found[0])
        return f" {name} "

    shape = TEXT.sub(named, text)
    if "_text" not in text:
        try:
            return _checked(shape), texts
        except CANNOT_BE_WORKED_OUT:
            pass  # what is said of it is to be about the text as it was written
    whole = with_plain_texts(f"{{{{{text}}}}}")[2:-2]
    try:
        return _checked(whole), {}
    except CANNOT_BE_WORKED_OUT as error:
        if isinstance(error, TemplateFault):
            raise
        raise TemplateFault(f"not a condition that works: {said(error)}.") from error


@lru_cache(maxsize=4096)
def _checked(text: str) -> _Form:
    form = _Form(text)
    # An expression and nothing more, before it is looked at within a statement.
    _ = form.strict, form.names
    return form


@lru_cache(maxsize=8192)
def condition(text: str) -> Condition:
    """The condition of a configuration, compiled once for a worker. Raises TemplateFault."""
    return Condition(text)
