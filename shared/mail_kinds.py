"""What a mail is: a letter or what else, signed, encrypted, wrapped by Outlook. Pure: no I/O.

What Graph tells comes first; the head of the MIME is asked, too, where there is one: Graph lists no headers
of drafts and of mail that was never sent. But for `draft` and `own-mail`, all of it is the sender's word.
Why so: docs/decisions/kinds.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shared.mail import Header
from shared.mime_head import ContentType, HeadersByName, content_type, headers_of

Kind = Literal[
    "draft",
    "own-mail",
    "journal-report",
    "delivery-report",
    "read-receipt",
    "meeting",
    "voice-mail",
    "auto-reply",
    "letter",
]
"""The kinds; a mail that could be of several is of the first of them."""
DRAFT: Final = "draft"
"""Also the rule that skips one."""
_EVENTS = frozenset({"eventmessage", "eventmessagerequest", "eventmessageresponse"})
_MEETING_CLASS = "urn:content-classes:calendarmessage"
_VOICE_CLASSES = frozenset({"voice", "voice-ca", "voice-uc", "urn:content-classes:voice"})
_VOICE_HEADERS = frozenset(
    {"x-voicemessageduration", "x-voicemessagesender", "x-voicemessagesendername", "x-callingtelephonenumber"}
)
_RIGHTS_CLASS = "rpmsg.message"
_ENCRYPTED_TYPES = frozenset(
    {"multipart/encrypted", "application/pgp-encrypted", "application/x-microsoft-rpmsg-message"}
)
_TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_OPAQUE_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNATURE_TYPES = {
    "application/pkcs7-signature": frozenset({"smime.p7s"}),
    "application/x-pkcs7-signature": frozenset({"smime.p7s"}),
    "application/pgp-signature": frozenset(
        {"", "signature.asc", "openpgp_signature", "openpgp_signature.asc"}
    ),
}
"""A signature by what senders call that of the mail itself: one of a file is called after the file."""
_NEITHER = frozenset({"certs-only", "compressed-data"})


@dataclass(frozen=True)
class AttachmentClue:
    """What Graph's list says of an attachment."""

    name: str
    content_type: str


@dataclass(frozen=True)
class Clues:
    """What a mail's nature is told from. `own` are the configured mailboxes; `senders`, sender and author."""

    headers: Sequence[Header] = ()
    odata_type: str = ""
    is_draft: bool = False
    attachments: Sequence[AttachmentClue] = ()
    senders: Sequence[str] = ()
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Nature:
    """What a mail is: its kind, and how its content is wrapped."""

    kind: Kind
    signed: bool = False
    encrypted: bool = False
    tnef: bool = False


def nature_of(clues: Clues, head: bytes = b"") -> Nature:
    """What a mail is; `head` is the beginning of its MIME, where it is known.

    Takes whatever stands there, in time linear in its size. With a head the kind is the same as without one,
    or one that comes before it, and no flag is lost, unless the head says of an opaque mail what it is.
    """
    below = headers_of(head)
    headers = HeadersByName((*clues.headers, *below))
    types = headers.content_types()
    attached = [(one.name.strip().lower(), content_type(one.content_type)) for one in clues.attachments]
    return Nature(
        _kind(clues, headers, types, [type_ for _, type_ in attached]),
        signed=any(map(_is_signed, types)) or any(_is_signature(*one) for one in attached),
        encrypted=_is_wrapped(types, attached) or _RIGHTS_CLASS in headers.words("content-class"),
        # Exchange carries an organisation's own mail as TNEF, and Graph lists that header: the MIME tells.
        tnef=any(type_.name in _TNEF_TYPES for type_ in HeadersByName(below).content_types())
        or any(name == "winmail.dat" or type_.name in _TNEF_TYPES for name, type_ in attached),
    )


def _kind(
    clues: Clues, headers: HeadersByName, types: Sequence[ContentType], attached: Sequence[ContentType]
) -> Kind:
    reports = {type_.parameters.get("report-type", "") for type_ in types if _is_report(type_)}
    told: dict[Kind, bool] = {
        "draft": clues.is_draft,
        "own-mail": not clues.own.isdisjoint(sender.strip().casefold() for sender in clues.senders),
        "journal-report": "x-ms-journal-report" in headers,
        "delivery-report": "delivery-status" in reports or "x-ms-exchange-message-is-ndr" in headers,
        "read-receipt": "disposition-notification" in reports,
        "meeting": _is_meeting(clues, headers, types),
        "voice-mail": _is_voice_mail(headers, types, attached),
        "auto-reply": _is_auto_reply(headers),
    }
    return next((kind for kind, is_so in told.items() if is_so), "letter")


def _is_report(type_: ContentType) -> bool:
    """RFC 6522 (once 3462); report types: RFC 3464 of delivery, RFC 8098 of receipts."""
    return type_.name == "multipart/report"


def _is_meeting(clues: Clues, headers: HeadersByName, types: Sequence[ContentType]) -> bool:
    """learn.microsoft.com/graph/api/resources/eventmessage; else RFC 6047: all of it is a calendar object.

    A calendar file that is attached makes no meeting.
    """
    return (
        clues.odata_type.rpartition(".")[2].lower() in _EVENTS
        or _MEETING_CLASS in headers.words("content-class")
        or any(type_.name == "text/calendar" for type_ in types)
    )


def _is_voice_mail(
    headers: HeadersByName, types: Sequence[ContentType], attached: Sequence[ContentType]
) -> bool:
    """MS-OXCMAIL, 2.1.3.2.3 (headers) and 2.2.3.2.15.2 (Content-Class); RFC 3458, 3801 of other systems."""
    return (
        not _VOICE_CLASSES.isdisjoint(headers.words("content-class"))
        or "voice-message" in headers.words("message-context")
        or any(type_.name == "multipart/voice-message" for type_ in types)
        or (
            any(name in headers for name in _VOICE_HEADERS)
            and any(type_.name.startswith("audio/") for type_ in (*types, *attached))
        )
    )


def _is_auto_reply(headers: HeadersByName) -> bool:
    """RFC 3834, 5: `auto-generated` is no reply, and `Precedence: bulk` says nothing of one.

    Exchange says `auto-generated` of its own automatic replies, with what has made them, and that nobody
    shall answer; mail that a rule of a mailbox passes on is no reply.
    """
    submitted = headers.words("auto-submitted")
    if "auto-replied" in submitted or "auto_reply" in headers.words("precedence"):
        return True
    return (
        "auto-generated" in submitted
        and "mailbox" in headers.words("x-ms-exchange-generated-message-source")
        and "all" in headers.words("x-auto-response-suppress")
        and "resent-from" not in headers
    )


def _is_signed(type_: ContentType) -> bool:
    """RFC 1847, which RFC 8551 and 3156 use; RFC 8551, 3.5.2, of what is opaque."""
    return type_.name == "multipart/signed" or (type_.name in _OPAQUE_TYPES and type_.smime == "signed-data")


def _is_signature(name: str, type_: ContentType) -> bool:
    """An attachment that shows a signed mail: Exchange shows a clear-signed one as a single `smime.p7m`."""
    return _is_signed(type_) or name in _SIGNATURE_TYPES.get(type_.name, ())


def _is_wrapped(types: Sequence[ContentType], attached: Sequence[tuple[str, ContentType]]) -> bool:
    """Whether a mail is encrypted. What is opaque may say what it is in one place, and not in another.

    Of old, what said so nowhere was encrypted.
    """
    shown = [*(("", type_) for type_ in types), *attached]
    if any(_shows_encryption(*one) for one in shown):
        return True
    is_told = any(_is_signed(type_) or type_.smime in _NEITHER for _, type_ in shown)
    return not is_told and any(_is_unclear(*one) for one in shown)


def _shows_encryption(name: str, type_: ContentType) -> bool:
    """RFC 1847 and 3156; RFC 8551, 3.3 and 3.4; MS-OXORMMS of rights-protected mail."""
    if name == "message.rpmsg" or type_.name in _ENCRYPTED_TYPES:
        return True
    says_so = type_.smime not in {"", "signed-data", *_NEITHER}
    return type_.name in _OPAQUE_TYPES and says_so


def _is_unclear(name: str, type_: ContentType) -> bool:
    is_opaque = type_.name in _OPAQUE_TYPES or (name == "smime.p7m" and type_.name != "multipart/signed")
    return is_opaque and not type_.smime
