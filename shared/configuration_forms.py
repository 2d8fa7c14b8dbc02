"""The forms that values of `mail-sources.toml` have.

`extra` says what the reader needs of a form beside its type: `must` completes "KEY: ..." where a value has
not got it, and `check` names the look at what stands within (`shared.configuration_checks`).
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta


def about(text: str) -> Meta:
    """What a key means, in one or two sentences: editors show it."""
    return Meta(description=text)


Text = Annotated[str, Meta(min_length=1, extra={"must": "must be a text that is not empty"})]
Texts = Annotated[tuple[Text, ...], Meta(extra={"must": "must be a list of texts that are not empty"})]
Template = Annotated[str, Meta(extra={"must": "must be a text", "check": "template"})]
Expression = Annotated[
    str, Meta(min_length=1, extra={"must": "must be an expression", "check": "expression"})
]
Switch = Annotated[bool, Meta(extra={"must": "must be true or false"})]
Day = Annotated[
    Any,
    Meta(
        extra={"must": "must be a date, such as 2026-11-01, without quotation marks", "check": "date"},
        extra_json_schema={"type": "string"},
    ),
]
Address = Annotated[
    str,
    Meta(
        pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1|\[::1\])([:/][^\s?#]*)?)\Z",
        extra={
            "must": "must be an address that begins with https:// (http:// is for loopback addresses only)"
        },
    ),
]
Guid = Annotated[
    str,
    Meta(
        pattern=r"^\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?\Z",
        extra={"must": "must be a GUID, as M-Files Admin shows it"},
    ),
]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z",
        extra={"must": "must be 1 to 63 lower-case letters, digits and hyphens, no hyphen first"},
    ),
]
"""What a source or a rule is called: it becomes a part of keys, paths and rows of the journal."""
Mailbox = Annotated[
    str,
    Meta(
        pattern=r"^[^\s'/]+\Z",
        extra={
            "must": "must be an address or an object id (of an address with an apostrophe: the object id)"
        },
    ),
]
Folders = Annotated[
    tuple[Text, ...], Meta(min_length=1, extra={"must": 'must be a list of texts, such as ["inbox"]'})
]
Target = Annotated[str, Meta(min_length=1, extra={"must": "must be a folder", "check": "target"})]
"""A folder that mail is moved to."""
TimeZone = Annotated[
    str, Meta(min_length=1, extra={"must": 'must be a time zone, such as "Europe/Helsinki"', "check": "zone"})
]
Duration = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,4}[dhm]\Z",
        extra={"must": 'must be a number of days, hours or minutes: "3d"'},
    ),
]
Size = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,5}(KB|MB|GB)\Z",
        extra={"must": 'must be a whole number of KB, MB or GB: "25MB"'},
    ),
]
StagingDays = Annotated[int, Meta(ge=2, le=365, extra={"must": "must be a whole number of days, 2 to 365"})]
AgeDays = Annotated[int, Meta(ge=1, le=36500, extra={"must": "must be a whole number of days, 1 to 36500"})]
AtOnce = Annotated[int, Meta(ge=1, le=64, extra={"must": "must be a whole number, 1 to 64"})]
Reference = Annotated[Text | int, Meta(extra={"must": "must be an alias, a name or an id"})]
"""How a class, property or item of the vault is named: by alias, name or id."""
References = Annotated[
    tuple[Text | int, ...], Meta(extra={"must": "must be a list of aliases, names or ids"})
]
Fixed = Annotated[
    Template | bool | int | float, Meta(extra={"must": "must be a text, a number, true or false"})
]
"""What a property is given: a text is a template."""
