"""Templates over a mail: Jinja2 in its sandbox. A mail is only ever data to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateAssertionError, meta, nodes

from shared.mail import EXAMPLE, vocabulary
from shared.near_names import near
from shared.template_environment import (
    CANNOT_BE_WORKED_OUT,
    TIME_ZONE,
    Absent,
    absent_for_none,
    environment,
    said,
    with_plain_texts,
)

BODY = "body"
"""The name of the text of a mail: read from its MIME, and only where a template or a rule asks for it."""
EXAMPLE_VOCABULARY: Mapping[str, Any] = {
    **vocabulary(EXAMPLE, ("invoice.pdf",), "invoices", "invoices@example.com", size=53_211),
    BODY: "Please find our invoice attached.",
    TIME_ZONE: "Europe/Helsinki",
}
LENIENT = environment(Absent)
STRICT = environment(StrictUndefined)


class AttachmentExample:
    """An attachment as the templates of its own document see it."""

    name = "invoice"
    extension = "pdf"
    type = "application/pdf"
    size = 48_128
    number = 1


EXAMPLE_OF_ATTACHMENT: Mapping[str, Any] = {**EXAMPLE_VOCABULARY, "attachment": AttachmentExample()}


class TemplateFault(ValueError):
    """A template or a condition is not one, or uses a name that no mail has."""


class TextTemplate:
    """A compiled template that gives text."""

    def __init__(self, text: str, example: Mapping[str, Any] = EXAMPLE_VOCABULARY) -> None:
        """Compile `text` and try it on a mail that has everything.

        Raises TemplateFault.
        """
        self.text = text
        self._text = with_plain_texts(text)
        try:
            self.names = known_names(self._text, example)
            STRICT.from_string(self._text).render(example)
        except CANNOT_BE_WORKED_OUT as error:
            if isinstance(error, TemplateFault):
                raise
            raise TemplateFault(f"not a template that works: {said(error)}.") from error

    @cached_property
    def _template(self) -> Template:
        return LENIENT.from_string(self._text)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for a mail's `values`, as `shared.mail.vocabulary` gives them.

        Raises TemplateFault, without a word out of the mail, when the template cannot be worked out for it.
        """
        try:
            return self._template.render(absent_for_none(dict(values)))
        except CANNOT_BE_WORKED_OUT as error:
            raise TemplateFault(f"could not be worked out for this mail ({type(error).__name__}).") from None


def known_names(template: str, example: Mapping[str, Any]) -> frozenset[str]:
    """The names that a template uses. Raises TemplateFault where no mail has them, and TemplateError."""
    tree = STRICT.parse(template)
    used = frozenset(meta.find_undeclared_variables(tree))
    if unknown := sorted(used - example.keys()):
        raise TemplateFault(f"no mail has {', '.join(unknown)}. {_meant(unknown, example)}")
    _check_filters_and_tests(tree)
    return used


def _check_filters_and_tests(tree: nodes.Template) -> None:
    """Jinja2 looks for those in a branch only when a mail takes it. Raises TemplateAssertionError."""
    for one in tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = ("test", STRICT.tests) if isinstance(one, nodes.Test) else ("filter", STRICT.filters)
        if one.name not in known:
            raise TemplateAssertionError(f"No {kind} named {one.name!r}.", one.lineno)


def _meant(unknown: Iterable[str], example: Mapping[str, Any]) -> str:
    """What may have been meant by names that no mail has; all that there are, where one is like none."""
    found = [near(name, example) for name in unknown]
    if None in found:
        return f"Known names: {', '.join(sorted(example))}."
    return "Did you mean " + ", ".join(f'"{name}"' for name in found) + "?"


@lru_cache(maxsize=1024)
def compiled(text: str) -> TextTemplate:
    """The template of a configuration, compiled once for a worker: that takes milliseconds.

    Raises TemplateFault.
    """
    return TextTemplate(text)


@lru_cache(maxsize=1024)
def compiled_of_attachment(text: str) -> TextTemplate:
    """The same for a template of an attachment's own document."""
    return TextTemplate(text, EXAMPLE_OF_ATTACHMENT)
