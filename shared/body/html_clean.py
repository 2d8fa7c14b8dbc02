"""HTML of a mail made safe to show: no scripts, no forms, nothing from elsewhere."""

from __future__ import annotations

import re

import nh3

from shared.body.html_balance import BLOCKS, MOST_CHARACTERS, VOID, balanced
from shared.body.pictures import Pictures

_CELL = {"colspan", "rowspan", "nowrap"}
TAGS = (
    BLOCKS
    | VOID
    | {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
    | {
        "a",
        "abbr",
        "b",
        "big",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "kbd",
        "mark",
        "q",
        "s",
    }
    | {"samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var"}
)
_ON_EVERY_TAG = {"align", "bgcolor", "color", "dir", "height", "lang", "style", "title", "valign", "width"}
_ON_SOME = {
    "a": {"href"},
    "font": {"face", "size"},
    "img": {"src", "alt", "border", "hspace", "vspace"},
    "li": {"value"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": _CELL,
    "th": _CELL,
    "ul": {"type"},
}
ATTRIBUTES = frozenset(_ON_EVERY_TAG).union(*_ON_SOME.values())
_LINK = re.compile(r"(?:https?|ftp|mailto|tel):", re.IGNORECASE)
_LONGEST_STYLE = 4_000
_LONGEST_VALUE = 300
_PROPERTIES = (
    {
        "background-color",
        "border-collapse",
        "border-spacing",
        "clear",
        "color",
        "direction",
        "display",
        "float",
    }
    | {"height", "letter-spacing", "line-height", "max-width", "min-width", "text-align", "text-decoration"}
    | {
        "text-indent",
        "text-transform",
        "vertical-align",
        "white-space",
        "width",
        "word-break",
        "word-spacing",
    }
)
_FAMILIES = re.compile(r"(?:font|margin|padding|border(?:-(?:top|right|bottom|left))?)(?:-[a-z]+)?")
_NOT_IN_FAMILIES = frozenset({"border-image"})
_HARMLESS = re.compile(r"""(?:[\w\s#%.,'"!+-]|(?<=rgb)\([\d\s.,%]*\)|(?<=rgba)\([\d\s.,%]*\))*""", re.ASCII)


def cleaned(html: str, pictures: Pictures, most: int = MOST_CHARACTERS) -> tuple[str, bool]:
    """`html` as a fragment that loads nothing and runs nothing; and whether it was cut to the limits.

    About `most` characters are the longest of it. Links stay, without telling where they were followed from.
    Pictures are what `pictures` says.
    """
    whole, is_cut = balanced(html, TAGS, ATTRIBUTES, most)

    def attribute(tag: str, name: str, value: str) -> str | None:
        if name == "src":
            return pictures.address(value)
        if name == "href":
            return value if _LINK.match(value.strip()) else None
        return style(value) if name == "style" else value

    fragment = nh3.clean(
        whole,
        tags=set(TAGS),
        attributes={"*": _ON_EVERY_TAG, **_ON_SOME},
        attribute_filter=attribute,
        link_rel="noopener noreferrer",
        url_schemes={"http", "https", "ftp", "mailto", "tel", "cid", "data"},
    )
    return fragment, is_cut


def style(value: str) -> str | None:
    """The declarations that only say how text looks: none that fetches, hides behind escapes, or overlays."""
    kept = []
    for declaration in value[:_LONGEST_STYLE].split(";"):
        name, _, said = (piece.strip().lower() for piece in declaration.partition(":"))
        is_known = name in _PROPERTIES or (_FAMILIES.fullmatch(name) and name not in _NOT_IN_FAMILIES)
        if is_known and said and len(said) <= _LONGEST_VALUE and _HARMLESS.fullmatch(said):
            kept.append(f"{name}:{said}")
    return ";".join(kept) or None
