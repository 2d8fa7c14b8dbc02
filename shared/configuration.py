"""The configuration, `mail-sources.toml`, as values (design, section 7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Text = Annotated[str, Meta(min_length=1, description="must be a text that is not empty")]
Template = Annotated[str, Meta(extra={"template": True}, description="must be a text")]
Switch = Annotated[bool, Meta(description="must be true or false")]
Day = Annotated[
    Any, Meta(extra={"date": True}, description="must be a date, such as 2026-11-01, without quotation marks")
]
Address = Annotated[
    str,
    Meta(
        pattern=r"^(https://[^\s?#]+|http://(localhost|127\.0\.0\.1|\[::1\])([:/][^\s?#]*)?)\Z",
        description="must be an address that begins with https:// (http:// is for loopback addresses only)",
    ),
]
Guid = Annotated[
    str,
    Meta(
        pattern=r"^\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?\Z",
        description="must be a GUID, as M-Files Admin shows it",
    ),
]
SourceName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z",
        description="must be 1 to 63 lower-case letters, digits and hyphens, no hyphen first",
    ),
]
Mailbox = Annotated[
    str,
    Meta(
        pattern=r"^[^\s'/]+\Z",
        description="must be an address or an object id (of an address with an apostrophe: the object id)",
    ),
]
Duration = Annotated[
    str,
    Meta(pattern=r"^[1-9][0-9]{0,4}[dhm]\Z", description='must be a number of days, hours or minutes: "3d"'),
]
StagingDays = Annotated[int, Meta(ge=2, le=365, description="must be a whole number of days, 2 to 365")]
Reference = Text | int
"""How a class, property or item of the vault is named: by alias, name or id."""
Fixed = Template | bool | int | float


_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
WELL_KNOWN_FOLDERS = frozenset(
    {
        "archive",
        "clutter",
        "conflicts",
        "conversationhistory",
        "deleteditems",
        "drafts",
        "inbox",
        "junkemail",
        "localfailures",
        "msgfolderroot",
        "outbox",
        "recoverableitemsdeletions",
        "scheduled",
        "searchfolders",
        "sentitems",
        "serverfailures",
        "syncissues",
    }
)
"""Names that a folder has in every language (learn.microsoft.com/graph/api/resources/mailfolder)."""


class PropertyValue(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a property gets; `optional` leaves it out where the value does not fit it."""

    value: Fixed
    optional: bool = False
    add_missing: Literal[False] = False


class Document(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """How a mail is filed."""

    class_: Reference = field(name="class")
    content: Literal["message-and-attachments"] = "message-and-attachments"
    message_format: Literal["eml"] = "eml"
    title: Template = "{{ subject }}"
    duplicates: Literal["file", "skip"] = "file"
    properties: dict[Text, Fixed | PropertyValue] = {}


class Attachments(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Which files of a mail are filed beside it."""

    inline: Literal["keep"] = "keep"
    deny: Annotated[tuple[Text, ...], Meta(max_length=0, description="must be [] in this version")] = ()


class Source(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A mailbox, its folders, how its mail is filed."""

    name: SourceName
    mailbox: Mailbox
    document: Document
    folders: Annotated[
        tuple[Text, ...], Meta(min_length=1, description='must be a list of texts, such as ["inbox"]')
    ] = ("inbox",)
    subfolders: Switch = False
    since: Day = None
    mode: Literal["file"] = "file"
    attachments: Attachments = Attachments()


class VaultSection(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The vault that documents are filed in."""

    url: Address
    guid: Guid
    filing_key: Reference


class Configuration(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """All of the file."""

    vault: VaultSection
    source: Annotated[
        tuple[Source, ...],
        Meta(min_length=1, description="must be one or more tables, each headed [[source]]"),
    ]
    give_up_after: Duration = "3d"
    staging_days: StagingDays = 30


def folder_name(folder: str) -> str:
    """A folder by the name that is always the same: well-known names count in any case, ids do not."""
    top, slash, below = folder.strip("/").partition("/")
    known = top.lower() if top.lower() in WELL_KNOWN_FOLDERS else top
    return f"{known}{slash}{below}"


def is_path(folder: str) -> bool:
    """Whether a folder is named by a path below another one, such as `inbox/Scans`."""
    return "/" in folder.strip("/")


def duration(text: str) -> timedelta:
    """The time that a number of days, hours or minutes says, such as "3d"."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
