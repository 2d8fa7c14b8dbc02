"""Routes of HTTP functions: templates such as `mails/{source}/{number:int?}`, matched as in ASP.NET."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

# learn.microsoft.com/aspnet/core/fundamentals/routing, route constraints
_CONSTRAINTS = {
    "int": re.compile(r"[+-]?\d{1,10}"),
    "long": re.compile(r"[+-]?\d{1,19}"),
    "alpha": re.compile(r"[A-Za-z]+"),
    "bool": re.compile(r"true|false", re.IGNORECASE),
    "guid": re.compile(r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?"),
}
_PARAMETER = re.compile(r"\{(\*?)([A-Za-z_]\w*)((?::\w+)*)(\??)\}")
_SLASH = re.compile("%2f", re.IGNORECASE)


class RouteRefused(ValueError):
    """A route template that this host cannot serve."""


@dataclass(frozen=True)
class Segment:
    """One part between slashes: a literal, or a parameter when `constraints` is not None."""

    text: str
    constraints: tuple[str, ...] | None = None
    optional: bool = False
    rest: bool = False

    @property
    def rank(self) -> int:
        """The lower, the earlier it is tried: literal, constrained, free, rest of the path."""
        if self.constraints is None:
            return 1
        return 2 + 2 * (not self.constraints) + 2 * self.rest

    def takes(self, part: str) -> bool:
        """Whether `part` fits; literals in any case."""
        if self.constraints is None:
            return part.lower() == self.text.lower()
        return bool(part) and all(_CONSTRAINTS[name].fullmatch(part) for name in self.constraints)


@dataclass(frozen=True)
class Route:
    """A parsed template."""

    template: str
    segments: tuple[Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        """Sort key: the more specific template first, wherever the functions stand in the app."""
        return tuple(segment.rank for segment in self.segments)

    @property
    def shape(self) -> tuple[tuple[str, ...], ...]:
        """Equal for templates that take the same paths."""
        return tuple(
            (segment.text.lower(),) if segment.constraints is None else ("", *segment.constraints)
            for segment in self.segments
        )

    def match(self, raw_path: str) -> dict[str, str] | None:
        """Route parameters when the still encoded path fits, else None; absent optional ones are left out."""
        parts = _parts(raw_path)
        values: dict[str, str] = {}
        for number, segment in enumerate(self.segments):
            if segment.rest:
                if number < len(parts):
                    values[segment.text] = "/".join(parts[number:])
                return values
            if number >= len(parts):
                return values if segment.optional else None
            if not segment.takes(parts[number]):
                return None
            if segment.constraints is not None:
                values[segment.text] = parts[number]
        return values if len(parts) <= len(self.segments) else None


def parse_route(template: str) -> Route:
    """Parse a template without leading slash; RouteRefused where it asks for more than this host matches."""
    segments = tuple(_segment(part) for part in template.split("/")) if template else ()
    for segment in segments[:-1]:
        if segment.rest or segment.optional:
            raise RouteRefused(f"route {template!r}: only the last part may be optional or take the rest")
    names = [segment.text.lower() for segment in segments if segment.constraints is not None]
    if len(names) != len(set(names)):
        raise RouteRefused(f"route {template!r}: a parameter is named twice")
    return Route(template, segments)


def _segment(part: str) -> Segment:
    if "{" not in part and "}" not in part:
        if not part:
            raise RouteRefused("a route must not have an empty part")
        return Segment(part)
    found = _PARAMETER.fullmatch(part)
    if found is None:
        raise RouteRefused(f"route part {part!r} is not supported by this host")
    star, name, constraints, optional = found.groups()
    wanted = tuple(constraint for constraint in constraints.split(":") if constraint)
    if unknown := [constraint for constraint in wanted if constraint not in _CONSTRAINTS]:
        raise RouteRefused(f"route constraint {unknown[0]!r} is not supported by this host")
    return Segment(name, wanted, optional=bool(optional), rest=bool(star))


def _parts(raw_path: str) -> Sequence[str]:
    """Decoded parts of a path; an encoded slash stays encoded, and one slash at the end does not count."""
    path = raw_path.removeprefix("/").removesuffix("/")
    return [unquote(_SLASH.sub("%252F", part)) for part in path.split("/")] if path else []
