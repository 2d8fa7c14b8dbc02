"""Mail of any shape, as Hypothesis draws it: header fields, names, parts in parts, and what breaks them."""

from __future__ import annotations

from hypothesis import strategies as st

from .charsets import LABELS
from .mime import base64_lines, head, lines, multipart

SPITEFUL = (
    " ./\\:*?<>|\"'\u202e\u200b\x00"
    "\x1b\x7f~$%-_conauxCOM1²éßİ漢\U0001f600\u0301;,=@(){}[]&#+\u2028\ufeff\u3164"
)
HEADERS = (
    "From",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Sender",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "In-Reply-To",
    "Thread-Index",
    "Importance",
    "X-Priority",
    "Auto-Submitted",
    "Content-Class",
    "X-MS-Journal-Report",
    "Disposition-Notification-To",
    "List-Id",
    "Received",
    "X-Ticket",
)
TYPES = (
    "text/plain",
    "text/html",
    "text/enriched",
    "text/calendar; method=REQUEST",
    "text/vcard",
    "application/pdf",
    "application/octet-stream",
    "application/pkcs7-mime; smime-type=enveloped-data",
    "application/pkcs7-signature",
    "application/ms-tnef",
    "application/pgp-encrypted",
    "image/png",
    "audio/wav",
    "message/rfc822",
    "message/delivery-status",
    "message/disposition-notification",
    "message/external-body",
)
MULTIPARTS = (
    "mixed",
    "alternative",
    "related",
    "signed; micalg=sha-256",
    "encrypted",
    "report; report-type=delivery-status",
    "digest",
    "parallel",
    "x-unknown",
)
ENCODINGS = ("7bit", "8bit", "binary", "quoted-printable", "base64", "x-uuencode", "BASE64", "")
_CHARSETS = tuple(label for labels in LABELS.values() for label in labels.split())

texts = st.text(st.sampled_from(SPITEFUL) | st.characters(exclude_categories=["Cs"]), max_size=60)
raw = texts.map(str.encode) | st.binary(max_size=60)
values = raw | st.sampled_from(
    (
        b"",
        b"a@b.example",
        b'"a, b" <a@b.example>, <>, ;:',
        b"undisclosed-recipients:;",
        b"=?utf-8?B?R3LDtsOfZQ==?= =?x?Q?=FC?=",
        b"Tue, 24 Nov 2026 10:15:00 +0100",
        b"Fri, 31 Dec 9999 23:59:59 -9999",
        b"one\r\n two\r\n\tthree\r\n ",
        b"x" * 3000,
    )
)
fields = st.builds(
    lambda name, value: name.encode() + b": " + value,
    st.sampled_from(HEADERS) | st.text(st.characters(codec="ascii"), max_size=12),
    values,
)
names = texts | st.sampled_from(("a.pdf", "A.PDF", "CON", "../a", "x" * 300, "smime.p7m", "winmail.dat"))
dispositions = st.builds(
    lambda kind, said, name: kind + said + name.encode().replace(b'"', b"") + b'"',
    st.sampled_from((b"attachment", b"inline", b"x")),
    st.sampled_from((b'; filename="', b'; FILENAME = "', b"; filename*=\"utf-8''", b'; x="')),
    names,
)


def _part(kind: bytes, encoding: str, disposition: bytes | None, more: list[bytes], content: bytes) -> bytes:
    encoded = base64_lines(content) if encoding.lower() == "base64" else content
    said = [b"Content-Disposition: " + disposition] if disposition is not None else []
    of_type = [b"Content-Type: " + kind] if kind else []
    coded = [f"Content-Transfer-Encoding: {encoding}"] if encoding else []
    return lines(*of_type, *coded, *said, *more) + b"\r\n" + encoded


kinds = st.one_of(
    st.sampled_from(TYPES).map(str.encode),
    st.sampled_from(_CHARSETS).map(lambda charset: f"text/plain; charset={charset}".encode()),
    raw,
    st.just(b""),
)
leaves = st.builds(
    _part,
    kinds,
    st.sampled_from(ENCODINGS),
    st.none() | dispositions,
    st.lists(fields, max_size=2),
    raw | st.binary(max_size=2000),
)


def _mail_within(of: bytes, in_base64: bool) -> bytes:
    encoding = "base64" if in_base64 else "7bit"
    return _part(b"message/rfc822", encoding, None, [], of)


def _below(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    boundaries = st.sampled_from(("b", "==b==", "--", "x" * 70, "b b"))
    parts = st.builds(multipart, st.sampled_from(MULTIPARTS), st.lists(children, max_size=4), boundaries)
    within = st.builds(_mail_within, children.map(lambda part: head("Within") + part), st.booleans())
    return parts | within


parts = st.recursive(leaves, _below, max_leaves=8)
whole = st.builds(lambda said, part: lines(*said) + part, st.lists(fields, max_size=8), parts)


def _broken(mail: bytes, at: float, until: float, instead: bytes) -> bytes:
    start, end = sorted((int(at * len(mail)), int(until * len(mail))))
    return mail[:start] + instead + mail[end:]


_share = st.floats(0, 1)
broken = st.builds(_broken, whole, _share, _share, raw)
cut = st.builds(lambda mail, at: mail[: int(at * len(mail))], whole, _share)
mails = st.one_of(whole, whole, broken, cut, st.binary(max_size=300)).filter(bool)
"""Any mail; Exchange has none of no bytes."""
