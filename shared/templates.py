"""Templates over a mail: Jinja2 in its sandbox. A mail is only ever data to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import re2
from jinja2 import ChainableUndefined, StrictUndefined, TemplateError, Undefined, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shared.mail import EXAMPLE, vocabulary

EXAMPLE_VOCABULARY = vocabulary(EXAMPLE, ("invoice.pdf",), "invoices", "invoices@example.com")
_QUIET = re2.Options()
_QUIET.log_errors = False
_NAMES = ", ".join(sorted(EXAMPLE_VOCABULARY))


class _Absent(ChainableUndefined):
    """What a mail lacks: empty, whatever is asked of it."""

    def __call__(self, *_: object, **__: object) -> _Absent:  # type: ignore[override]
        return self


def _empty_for_none(value: object) -> object:
    return "" if value is None else value


def _matching(value: object, pattern: str) -> bool:
    # Subjects are hostile: re2 runs in time linear in the text, whatever the expression.
    return re2.search(pattern, str(_empty_for_none(value)), _QUIET) is not None


def _environment(undefined: type[Undefined]) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
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
        except TemplateError as error:
            raise TemplateFault(f"not a template that works: {error}.") from error
        except (ArithmeticError, LookupError, TypeError, ValueError, re2.error) as error:
            if isinstance(error, TemplateFault):
                raise
            raise TemplateFault(f"not a template that works: {error}.") from error

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for a mail's `values`, as `shared.mail.vocabulary` gives them.

        Raises TemplateFault, without a word out of the mail, when the template cannot be worked out for it.
        """
        try:
            return self._template.render(values)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, re2.error) as error:
            raise TemplateFault(f"could not be worked out for this mail ({type(error).__name__}).") from None
