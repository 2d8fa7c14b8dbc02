"""Templates over a mail: Jinja2 in its sandbox. A mail is only ever data to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import re2
from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, Undefined, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.mail import EXAMPLE, vocabulary

EXAMPLE_VOCABULARY = vocabulary(EXAMPLE, ("invoice.pdf",), "invoices", "invoices@example.com")
_QUIET = re2.Options()
_QUIET.log_errors = False
_NAMES = ", ".join(sorted(EXAMPLE_VOCABULARY))
_CANNOT_BE_WORKED_OUT = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    re2.error,
)


class _Absent(ChainableUndefined):
    """What a mail lacks: empty, whatever is asked of it."""

    def __call__(self, *_: object, **__: object) -> _Absent:  # type: ignore[override]
        return self


class _Sandbox(ImmutableSandboxedEnvironment):
    """Knows that every mail lacks a second recipient, or a third word of its subject, at times."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        found = super().getitem(obj, argument)
        return _Absent() if isinstance(argument, int) and isinstance(found, Undefined) else found


def _absent_for_none(value: object) -> object:
    # Else `received ~ ""` were "None", and a method of it none at all.
    return _Absent() if value is None else value


def _empty_for_none(value: object) -> object:
    return "" if value is None else value


def _said(error: Exception) -> str:
    """What an exception says, on one line."""
    lines = (getattr(error, "message", None) or str(error)).splitlines() or [type(error).__name__]
    return str(lines[0]).rstrip(" .:")


def _matching(value: object, pattern: str) -> bool:
    if not isinstance(pattern, str):
        raise TypeError("matching() takes a regular expression, as a text")
    # Subjects are hostile: re2 runs in time linear in the text, whatever the expression.
    return re2.search(pattern, str(_empty_for_none(value)), _QUIET) is not None


def _environment(undefined: type[Undefined]) -> _Sandbox:
    environment = _Sandbox(
        undefined=undefined, finalize=_empty_for_none, autoescape=False, keep_trailing_newline=True
    )
    environment.tests["matching"] = _matching
    return environment


_LENIENT = _environment(_Absent)
_STRICT = _environment(StrictUndefined)


class TemplateFault(ValueError):
    """A template is not one, or uses a name that no mail has."""


class TextTemplate:
    """A compiled template that gives text."""

    def __init__(self, text: str) -> None:
        """Compile `text` and try it on a mail that has everything.

        Raises TemplateFault.
        """
        self.text = text
        try:
            unknown = meta.find_undeclared_variables(_STRICT.parse(text)) - EXAMPLE_VOCABULARY.keys()
            if unknown:
                raise TemplateFault(f"no mail has {', '.join(sorted(unknown))}. Known names: {_NAMES}.")
            _STRICT.from_string(text).render(EXAMPLE_VOCABULARY)
            self._template = _LENIENT.from_string(text)
        except TemplateFault:
            raise
        except (TemplateError, *_CANNOT_BE_WORKED_OUT) as error:
            raise TemplateFault(f"not a template that works: {_said(error)}.") from error

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for a mail's `values`, as `shared.mail.vocabulary` gives them.

        Raises TemplateFault, without a word out of the mail, when the template cannot be worked out for it.
        """
        try:
            return self._template.render({name: _absent_for_none(value) for name, value in values.items()})
        except (TemplateError, *_CANNOT_BE_WORKED_OUT) as error:
            raise TemplateFault(f"could not be worked out for this mail ({type(error).__name__}).") from None


@lru_cache(maxsize=1024)
def compiled(text: str) -> TextTemplate:
    """The template of a configuration, compiled once for a worker: that takes milliseconds.

    Raises TemplateFault.
    """
    return TextTemplate(text)
