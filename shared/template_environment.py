"""Jinja2 in its sandbox, with what filing needs: what a mail lacks is empty, and mail is only ever data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import re2
from jinja2 import ChainableUndefined, TemplateError, Undefined, pass_context
from jinja2.filters import FILTERS, do_float, do_int
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS

from shared.mail import Address, Addresses, Moment
from shared.near_names import near
from shared.vault.typed_values import cut

TIME_ZONE = "time_zone"
"""The name under which a template has the time zone of the configuration."""
CANNOT_BE_WORKED_OUT = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    re2.error,
)
"""What a template or an expression can raise over a mail."""
TEXT = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\"""", re.DOTALL)
"""A text in an expression."""
_BLOCK = re.compile(rf"\{{[{{%](?:[^'\"}}%]++|{TEXT.pattern}|[}}%](?!\}}))*+", re.DOTALL)
_NONE_NAMED = re.compile(r"No (filter|test) named '([^']*)'")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KEPT = "'\"\\"
_QUIET = re2.Options()
_QUIET.log_errors = False


class Absent(ChainableUndefined):
    """What a mail lacks: empty, whatever is asked of it, and compared as empty text is."""

    def __call__(self, *_: object, **__: object) -> Absent:  # type: ignore[override]
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or other is None or other == ""

    def __hash__(self) -> int:
        return hash("")

    def __lt__(self, other: object) -> bool:  # type: ignore[override]
        return isinstance(other, str) and other != ""

    def __le__(self, other: object) -> bool:  # type: ignore[override]
        return isinstance(other, str) or self == other

    def __gt__(self, other: object) -> bool:  # type: ignore[override]
        return False

    def __ge__(self, other: object) -> bool:  # type: ignore[override]
        return self == other


class _Sandbox(ImmutableSandboxedEnvironment):
    """Knows that every mail lacks a second recipient, or a third word of its subject, at times."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        found = super().getitem(obj, argument)
        return Absent() if isinstance(argument, int) and isinstance(found, Undefined) else found


def environment(undefined: type[Undefined]) -> _Sandbox:
    """An environment in which what is undefined is of that type."""
    made = _Sandbox(
        undefined=undefined, finalize=_empty_for_none, autoescape=False, keep_trailing_newline=True
    )
    made.tests["matching"] = _matching
    made.filters.update(
        addresses=_addresses,
        cut=_cut,
        date=_date,
        default=_default,
        domain=_domain,
        float=_float,
        group=_group,
        int=_int,
        local=_local,
    )
    return made


def with_plain_texts(template: str) -> str:
    """`template` with the texts in its blocks as they are meant: in a regular expression, `\\d` is a digit.

    Jinja2 reads the escapes of Python in a text, of which `\\b` would be a backspace. Here a backslash is
    one, but before a quotation mark or another backslash.
    """
    return _BLOCK.sub(lambda block: TEXT.sub(lambda text: _ESCAPE.sub(_doubled, text[0]), block[0]), template)


def plain_text(text: str) -> str:
    """What a text in an expression says, without its quotation marks."""
    return _ESCAPE.sub(lambda pair: pair[1] if pair[1] in _KEPT else pair[0], text[1:-1])


def _doubled(pair: re.Match[str]) -> str:
    return pair[0] if pair[1] in _KEPT else f"\\{pair[0]}"


def absent_for_none(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a mail: else `received ~ ""` were "None", and a method of it none at all."""
    return {name: Absent() if value is None else value for name, value in values.items()}


def said(error: Exception) -> str:
    """What an exception says, on one line."""
    told = getattr(error, "message", None) or (error.args[0] if error.args else "")
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    lines = text.splitlines() or [type(error).__name__]
    return lines[0].rstrip(" .:") + _meant(lines[0])


def _meant(fault: str) -> str:
    """What may have been meant by a filter or test that there is not; where none is like it, our own."""
    found = _NONE_NAMED.match(fault)
    if found is None:
        return ""
    made = environment(Absent)
    known, theirs = (made.tests, TESTS) if found[1] == "test" else (made.filters, FILTERS)
    if like := near(found[2], known):
        return f' (did you mean "{like}"?)'
    own = ", ".join(sorted(name for name in known if known[name] is not theirs.get(name)))
    return f" (beside Jinja2's own {found[1]}s there are: {own})"


def _empty_for_none(value: object) -> object:
    return "" if value is None else value


def _searched(value: object, pattern: object) -> Any:
    if not isinstance(pattern, str):
        raise TypeError("a regular expression must be a text")
    # Half of a surrogate pair is no text that re2 takes.
    text = str(_empty_for_none(value)).encode(errors="replace").decode()
    # Subjects are hostile: re2 runs in time linear in the text, whatever the expression.
    return re2.search(pattern, text, _QUIET)


def _matching(value: object, pattern: str) -> bool:
    return _searched(value, pattern) is not None


def _group(value: object, pattern: str, number: int | str = 1) -> object:
    """What a group of a regular expression has found, by number or name."""
    found = _searched(value, pattern)
    if found is None:
        # A group that the expression does not have is a fault of the template, whatever the mail.
        compiled = re2.compile(pattern, _QUIET)
        if not (number in compiled.groupindex if isinstance(number, str) else 0 <= number <= compiled.groups):
            raise IndexError("the regular expression has no such group")
        return Absent()
    return found.group(number) or Absent()


def _domain(value: object) -> str:
    """What stands after the last @, in lower case."""
    if isinstance(value, Address):
        return value.domain
    text = str(_empty_for_none(value)).strip().rstrip(">")
    return Address(address=text).domain


def _addresses(value: object) -> str:
    """The addresses alone, without names."""
    found: Iterable[Address] = value if isinstance(value, Addresses) else ()
    if isinstance(value, Address):
        found = (value,)
    elif not isinstance(value, Addresses | Undefined):
        raise TypeError("addresses is for from, to, cc and the like")
    return "; ".join(one.address for one in found if one.address)


def _cut(value: object, length: int) -> str:
    """At most `length` characters on one line, cut at a word, with an ellipsis."""
    if length < 1:
        raise ValueError("cut takes a number of characters")
    return cut(str(_empty_for_none(value)), length)


def _default(value: object, otherwise: object = "") -> object:
    """What a mail lacks is empty, so an empty value takes the default, too; false and 0 are values."""
    is_empty = isinstance(value, Undefined) or value is None or not str(value).strip()
    return otherwise if is_empty else value


def _int(value: object, default: int | None = None, base: int = 10) -> object:
    """As Jinja2's own, but of what a mail lacks nothing, or the default that is given: not 0."""
    if _is_empty(value):
        return Absent() if default is None else default
    return do_int(value, default or 0, base)


def _float(value: object, default: float | None = None) -> object:
    """The same for numbers with a fraction."""
    if _is_empty(value):
        return Absent() if default is None else default
    return do_float(value, default or 0.0)


def _is_empty(value: object) -> bool:
    """Whether a mail lacks it. Raises UndefinedError for what no mail has."""
    return value is None or not str(value).strip()


@pass_context
def _local(context: Context, value: object, zone: str = "") -> object:
    """A time in the time zone of the configuration, or another one."""
    if isinstance(value, Undefined) or value is None or value == "":
        return Absent()
    moment = value if isinstance(value, datetime) else Moment.read(str(value))
    if moment is None:
        raise ValueError("local and date are for times, such as received")
    there = ZoneInfo(zone or str(context.get(TIME_ZONE) or "UTC"))
    try:
        # A plain datetime: the text of a Moment is always that in UTC.
        return datetime.fromisoformat(moment.astimezone(UTC).isoformat()).astimezone(there)
    except OverflowError:
        return Absent()


@pass_context
def _date(context: Context, value: object, form: str = "%Y-%m-%d", zone: str = "") -> object:
    """A time as text, in the time zone of the configuration; its date in ISO 8601 without a `form`."""
    local = _local(context, value, zone)
    return local.strftime(form) if isinstance(local, datetime) else local
