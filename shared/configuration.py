"""The configuration, `mail-sources.toml`, as values (design, section 7).

What a source or a rule inherits is in its own values already: `shared.configuration_file` has merged it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from shared.configuration_forms import (
    Address,
    AgeDays,
    AtOnce,
    Day,
    Duration,
    Expression,
    Fixed,
    Folders,
    Guid,
    Mailbox,
    Name,
    Reference,
    References,
    Size,
    StagingDays,
    Switch,
    Target,
    Template,
    Text,
    Texts,
    TimeZone,
    about,
)

__all__ = [
    "REFERENCE",
    "WELL_KNOWN_FOLDERS",
    "After",
    "AttachmentDocument",
    "Attachments",
    "Configuration",
    "Content",
    "Document",
    "Fixed",
    "OnFailure",
    "PropertyValue",
    "Reference",
    "Rule",
    "Source",
    "VaultSection",
    "duration",
    "folder_name",
    "is_path",
    "size",
]

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_SIZES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
REFERENCE = 76
"""M-Files' own property Reference (developer.m-files.com, MFBuiltInPropertyDef)."""
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
Content = Literal["message", "message-and-attachments", "linked-attachments", "attachments"]


class PropertyValue(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What a property gets."""

    value: Annotated[Fixed, about("A fixed value, or a template.")]
    optional: Annotated[
        Switch, about("Leave the property out where the value does not fit it: the journal says so.")
    ] = False
    add_missing: Annotated[
        Switch,
        about("Add an item of that name to the value list where it has none (M-Files: Add missing items)."),
    ] = False
    by: Annotated[
        Literal["name-or-id", "id", "name", "external-id"],
        about(
            "What the value says of an item of the value list (M-Files: Use the value read as the ID ...)."
        ),
    ] = "name-or-id"
    owner: Annotated[
        Template | None, about("Of a value list that has an owner: the owner, by name or id; a template.")
    ] = None
    match: Annotated[
        Reference | None,
        about(
            "Of a list of real objects, such as customers: the Text property of theirs that has the value."
        ),
    ] = None


Properties = Annotated[
    dict[Text, Fixed | PropertyValue],
    about("Each property by alias, name or id: a fixed value, a template, or a table."),
]


class AttachmentDocument(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The documents of the attachments, with content = "linked-attachments"."""

    class_: Annotated[
        Reference | None, about("Their class by alias, name or id; without it that of the mail's document.")
    ] = field(default=None, name="class")
    title: Annotated[Template, about("Their name; a template.")] = "{{ attachment.name }}"
    properties: Properties = {}
    relation: Annotated[
        Reference, about("The property of theirs that names the mail's document: a choice of documents.")
    ] = REFERENCE


class Document(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """How a mail is filed."""

    class_: Annotated[Reference, about("The class by alias, name or id.")] = field(name="class")
    content: Annotated[
        Content, about("What is filed: the message, its attachments, in one document or in several.")
    ] = "message-and-attachments"
    message_format: Annotated[
        Literal["eml", "text", "html"], about("How the message is stored (M-Files: Storage format).")
    ] = "eml"
    title: Annotated[Template, about("The name of the document; a template.")] = "{{ subject }}"
    duplicates: Annotated[
        Literal["file", "skip"], about("What becomes of the same mail in a second mailbox or folder.")
    ] = "file"
    properties: Properties = {}
    object_type: Annotated[Reference, about("The object type by alias, name or id; 0 is Document.")] = 0
    additional_classes: Annotated[References, about("More classes, by alias, name or id.")] = ()
    workflow: Annotated[Reference | None, about("The workflow by alias, name or id.")] = None
    state: Annotated[
        Reference | None,
        about("The state of that workflow that the document begins in, by alias, name or id."),
    ] = None
    version_comment: Annotated[
        Template, about("The comment of the document's first version; a template.")
    ] = ""
    without_attachments: Annotated[
        Literal["file", "skip"],
        about('With content = "attachments": a mail that has none is filed as a message, or skipped.'),
    ] = "file"
    attachment: AttachmentDocument = AttachmentDocument()


class Attachments(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Which attachments of a mail are filed."""

    inline: Annotated[
        Literal["skip", "keep"],
        about("Pictures that the text of the mail shows, such as those of signatures."),
    ] = "keep"
    deny: Annotated[
        Texts, about('Names ("*.exe") or, with a slash, types ("video/*") of attachments that are not filed.')
    ] = ()
    allow: Annotated[
        Texts, about("If there are any: only attachments of these names or types are filed.")
    ] = ()
    largest: Annotated[Size | None, about('The size above which an attachment is not filed: "25MB".')] = None


class After(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What becomes of a mail in its mailbox once it is filed. It needs Mail.ReadWrite."""

    read: Annotated[Switch, about("Mark it as read.")] = False
    category: Annotated[Text | None, about("Add this category.")] = None
    move_to: Annotated[
        Target | None, about("Move it to this folder: a well-known name, an id, or a path below one.")
    ] = None
    delete: Annotated[
        Switch,
        about("Delete it (M-Files: Delete after import). It needs allow-delete = true above all tables."),
    ] = False

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return self != After()


class OnFailure(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What becomes of a mail in its mailbox once it has failed. It needs Mail.ReadWrite."""

    category: Annotated[Text | None, about("Add this category.")] = None
    move_to: Annotated[
        Target | None, about("Move it to this folder: a well-known name, an id, or a path below one.")
    ] = None

    def __bool__(self) -> bool:
        """Whether anything is to be done."""
        return self != OnFailure()


class Rule(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One of the ordered rules of a source. What it does not say itself is that of its source already."""

    name: Annotated[Name, about("What the journal calls it; unique in its source.")]
    when: Annotated[
        Expression | None,
        about("The condition. Without one the rule takes what comes to it; it is the last then."),
    ] = None
    skip: Annotated[Switch, about("Do not file what it takes.")] = False
    document: Annotated[
        Document | None, about("How what it takes is filed: merged over the document of its source.")
    ] = None
    attachments: Annotated[Attachments, about("In place of those of its source.")] = Attachments()
    after: Annotated[After, about("In place of that of its source.")] = After()
    on_failure: Annotated[OnFailure, about("In place of that of its source.")] = OnFailure()


class Source(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A mailbox, its folders, how its mail is filed.

    `document` is that of mail which no rule takes. Where the last rule takes all, it may be missing in the
    file; then it is that of the last rule with one.
    """

    name: Annotated[Name, about("What the source is called, for good: it is part of each filing key.")]
    mailbox: Annotated[Mailbox, about("The mailbox by address or object id.")]
    document: Document
    folders: Annotated[
        Folders, about("The folders: each a well-known name, an id, or a path below one of these.")
    ] = ("inbox",)
    subfolders: Annotated[Switch, about("Watch the folders below these, too, at all depths.")] = False
    since: Annotated[Day, about("The day, in UTC, from which on mail is filed.")] = None
    mode: Annotated[
        Literal["file", "observe"], about("observe: journal what would be filed, and file nothing.")
    ] = "file"
    attachments: Attachments = Attachments()
    enabled: Annotated[Switch, about("Whether the source is watched at all.")] = True
    max_age_days: Annotated[
        AgeDays | None, about("Mail that was received more days ago is skipped (M-Files: Max e-mail age).")
    ] = None
    formerly: Annotated[
        Name | None, about("The former name of a source that has another one now: keys and paths keep it.")
    ] = None
    rule: Annotated[
        tuple[Rule, ...],
        Meta(extra={"must": "must be tables, each headed [[source.rule]]"}),
        about("The rules in their order: the first that matches wins."),
    ] = ()
    after: After = After()
    on_failure: OnFailure = OnFailure()

    @property
    def key_name(self) -> str:
        """The name in keys, partitions, paths and client state: it outlives a new `name`."""
        return self.formerly or self.name


class VaultSection(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The vault that documents are filed in."""

    url: Annotated[Address, about("The site of M-Files Classic Web; /REST is added.")]
    guid: Annotated[Guid, about("The vault's GUID, as M-Files Admin shows it.")]
    filing_key: Annotated[
        Reference,
        about("A property of data type Text that every class used has: it makes filing once possible."),
    ]
    domain: Annotated[
        Text | None, about("The Windows domain of the account: with it, log-in is a Windows one.")
    ] = None
    at_once: Annotated[AtOnce, about("Requests to the vault at once, from one instance of the app.")] = 4
    chunked_upload: Annotated[
        Switch, about("Upload a file in parts where the server refuses it for its size.")
    ] = False


class Configuration(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """All of the file."""

    vault: VaultSection
    source: Annotated[
        tuple[Source, ...],
        Meta(min_length=1, extra={"must": "must be one or more tables, each headed [[source]]"}),
        about("The sources: a mailbox, its folders, how its mail is filed."),
    ]
    give_up_after: Annotated[
        Duration, about("How long a mail is tried, while everything else works, before it has failed.")
    ] = "3d"
    staging_days: Annotated[
        StagingDays, about("Days after which the rule of container staging deletes what was fetched.")
    ] = 30
    time_zone: Annotated[TimeZone, about("The time zone of dates in templates, by its IANA name.")] = "UTC"
    allow_delete: Annotated[Switch, about("Whether after.delete may delete mail.")] = False


def folder_name(folder: str) -> str:
    """A folder by the name that is always the same: well-known names count in any case, ids do not."""
    top, slash, below = folder.strip("/").partition("/")
    lowered = top.lower()
    known = lowered if lowered in WELL_KNOWN_FOLDERS else top
    return f"{known}{slash}{below}"


def is_path(folder: str) -> bool:
    """Whether a folder is named by a path below another one, such as `inbox/Scans`."""
    return "/" in folder.strip("/")


def duration(text: str) -> timedelta:
    """The time that a number of days, hours or minutes says, such as "3d"."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def size(text: str) -> int:
    """The bytes that a number of KB, MB or GB says, such as "25MB"; a KB is 1024 of them."""
    return int(text[:-2]) * _SIZES[text[-2:]]
