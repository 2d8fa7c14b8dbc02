"""What a mail is, from what Graph and the head of its MIME tell: tables, and rules for every mail."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shared.mail import Header
from shared.mail_kinds import AttachmentClue, Clues, Kind, Nature, nature_of
from shared.mime_head import HEAD_SIZE, headers_of

from .generated import any_text

OWN = frozenset({"invoices@example.com"})
REPORT = "multipart/report; report-type=delivery-status; boundary=x"
RECEIPT = 'multipart/report; boundary="x;y"; report-type="disposition-notification"'
CLEAR_SIGNED = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=x'
OOF = (
    ("Auto-Submitted", "auto-generated"),
    ("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent"),
    ("X-Auto-Response-Suppress", "All"),
)


def of(*headers: tuple[str, str], **facts: object) -> Clues:
    return replace(Clues(own=OWN), headers=[Header(*header) for header in headers], **facts)  # type: ignore[arg-type]


def typed(value: str) -> Clues:
    return of(("Content-Type", value))


def attached(*attachments: tuple[str, str], **facts: object) -> Clues:
    return of(attachments=[AttachmentClue(*one) for one in attachments], **facts)


def mime(*headers: tuple[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return lines.encode(errors="replace") + b"\r\nContent-Type: none/such"


@pytest.mark.parametrize(
    ("clues", "kind"),
    [
        (of(), "letter"),
        (typed("multipart/mixed; boundary=x"), "letter"),
        (of(("Precedence", "bulk"), ("List-Id", "<x.example.com>")), "letter"),
        (of(("X-Auto-Response-Suppress", "All")), "letter"),
        (of(("Auto-Submitted", "no")), "letter"),
        # A machine has written it, as it writes most invoices: that is no reply.
        (of(("Auto-Submitted", "auto-generated")), "letter"),
        (of(("Auto-Submitted", "auto-generated (failure)")), "letter"),
        (of(("Auto-Submitted", "auto-replied")), "auto-reply"),
        (of(("auto-submitted", "Auto-Replied; owner-email=a@example.com")), "auto-reply"),
        (of(("Auto-Submitted", "auto-replied(vacation)")), "auto-reply"),
        (of(("Precedence", "auto_reply")), "auto-reply"),
        (of(*OOF), "auto-reply"),
        (of(*OOF[:2]), "letter"),
        (of(*OOF[:1], *OOF[2:]), "letter"),
        (of(*OOF, ("Resent-From", "ada@example.com")), "letter"),
        (typed(REPORT), "delivery-report"),
        (typed("Multipart/Report; Report-Type=Delivery-Status"), "delivery-report"),
        (of(("X-MS-Exchange-Message-Is-Ndr", "")), "delivery-report"),
        (typed("multipart/report; report-type=feedback-report"), "letter"),
        (typed("multipart/mixed; report-type=delivery-status"), "letter"),
        (typed("multipart/report"), "letter"),
        (typed(RECEIPT), "read-receipt"),
        (of(odata_type="#microsoft.graph.message"), "letter"),
        (of(odata_type="#microsoft.graph.eventMessage"), "meeting"),
        (of(odata_type="microsoft.graph.eventMessageRequest"), "meeting"),
        (of(odata_type="#Microsoft.Graph.EventMessageResponse"), "meeting"),
        (typed("text/calendar; method=REQUEST; charset=utf-8"), "meeting"),
        (of(("Content-Class", "urn:content-classes:calendarmessage")), "meeting"),
        (of(("Content-Class", "urn:content-classes:message")), "letter"),
        (attached(("invite.ics", "text/calendar")), "letter"),
        (of(("Content-Class", "Voice-CA")), "voice-mail"),
        (of(("Content-Class", "voice")), "voice-mail"),
        (of(("Message-Context", "voice-message")), "voice-mail"),
        (typed("multipart/voice-message; version=2.0"), "voice-mail"),
        (replace(of(("X-VoiceMessageSenderName", "Ada")), attachments=[AttachmentClue("a.wav", "audio/wav")]),
         "voice-mail"),
        (replace(of(("X-CallingTelephoneNumber", "1")), attachments=[AttachmentClue("a", "application/pdf")]),
         "letter"),
        (attached(("song.mp3", "audio/mpeg")), "letter"),
        (of(("X-MS-Journal-Report", "")), "journal-report"),
        (of(is_draft=True), "draft"),
        (of(senders=["Invoices@Example.com"]), "own-mail"),
        (of(senders=["", "ada@example.com"]), "letter"),
        (of(senders=[""]), "letter"),
    ],
)  # fmt: skip
def test_the_kind_of_a_mail(clues: Clues, kind: str) -> None:
    assert nature_of(clues).kind == kind


TOLD: dict[Kind, Clues] = {
    "draft": of(is_draft=True),
    "own-mail": of(senders=["invoices@example.com"]),
    "journal-report": of(("X-MS-Journal-Report", "")),
    "delivery-report": typed(REPORT),
    "read-receipt": typed(RECEIPT),
    "meeting": of(odata_type="#microsoft.graph.eventMessage"),
    "voice-mail": of(("Content-Class", "voice")),
    "auto-reply": of(("Auto-Submitted", "auto-replied")),
    "letter": of(),
}


def test_a_mail_of_several_kinds_is_of_the_first_of_them() -> None:
    """A report, a receipt and a meeting answered by a machine say `auto-replied`, too."""
    kinds = get_args(Kind)
    assert tuple(TOLD) == kinds
    for at, kind in enumerate(kinds):
        rest = [TOLD[other] for other in kinds[at:]]
        several = Clues(
            headers=[header for clues in rest for header in clues.headers],
            odata_type="".join(clues.odata_type for clues in rest),
            is_draft=any(clues.is_draft for clues in rest),
            senders=[sender for clues in rest for sender in clues.senders],
            own=OWN,
        )
        assert nature_of(several).kind == kind


@pytest.mark.parametrize(
    ("clues", "flags"),
    [
        (of(), ""),
        (typed(CLEAR_SIGNED), "signed"),
        (typed('multipart/signed; protocol="application/pgp-signature"'), "signed"),
        (typed("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m"), "signed"),
        (typed("application/x-pkcs7-mime; smime-type=Signed-Data"), "signed"),
        (typed("application/pkcs7-mime; smime-type=enveloped-data"), "encrypted"),
        (typed("application/pkcs7-mime; smime-type=authEnveloped-data"), "encrypted"),
        (typed("application/pkcs7-mime; name=smime.p7m"), "encrypted"),
        (typed("application/pkcs7-mime; smime-type=certs-only"), ""),
        (typed("application/pkcs7-mime; smime-type=compressed-data"), ""),
        (typed('multipart/encrypted; protocol="application/pgp-encrypted"'), "encrypted"),
        (typed("application/x-microsoft-rpmsg-message"), "encrypted"),
        (of(("Content-Class", "rpmsg.message")), "encrypted"),
        (attached(("message.rpmsg", "application/octet-stream")), "encrypted"),
        (attached(("x", "application/x-microsoft-rpmsg-message")), "encrypted"),
        (attached(("smime.p7m", "multipart/signed")), "signed"),
        (attached(("smime.p7m", "application/pkcs7-mime; smime-type=signed-data")), "signed"),
        (attached(("smime.p7m", "application/pkcs7-mime; smime-type=certs-only")), ""),
        (attached(("smime.p7m", "application/pkcs7-mime")), "encrypted"),
        (attached(("SMIME.P7M", "application/octet-stream")), "encrypted"),
        (replace(typed("application/pkcs7-mime; smime-type=signed-data"),
                 attachments=[AttachmentClue("smime.p7m", "application/pkcs7-mime")]), "signed"),
        (replace(typed(CLEAR_SIGNED), attachments=[AttachmentClue("smime.p7m", "")]), "signed"),
        (attached(("smime.p7s", "application/pkcs7-signature")), "signed"),
        (attached(("signature.asc", "application/pgp-signature")), "signed"),
        # The signature of a file is no signature of the mail.
        (attached(("contract.pdf.p7s", "application/pkcs7-signature")), ""),
        (attached(("contract.pdf.asc", "application/pgp-signature")), ""),
        (attached(("version.txt", "application/pgp-encrypted"), ("encrypted.asc", "")), "encrypted"),
        (attached(("winmail.dat", "application/octet-stream")), "tnef"),
        (attached(("x", "application/ms-tnef")), "tnef"),
        (attached(("x", "Application/vnd.MS-TNEF; name=x")), "tnef"),
        # So Exchange carries mail from one of its servers to the next; there is none in its MIME.
        (typed('application/ms-tnef; name="winmail.dat"'), ""),
    ],
)  # fmt: skip
def test_how_a_mail_is_wrapped(clues: Clues, flags: str) -> None:
    assert nature_of(clues) == Nature("letter", **dict.fromkeys(flags.split(), True))


@pytest.mark.parametrize(
    ("clues", "head", "nature"),
    [
        (of(), mime(("Content-Type", CLEAR_SIGNED)), Nature("letter", signed=True)),
        (of(), mime(("Content-Type", REPORT)), Nature("delivery-report")),
        (of(), mime(("CONTENT-TYPE", 'multipart/report;\r\n\treport-type\r\n =\r\n "delivery-status"')),
         Nature("delivery-report")),
        (of(), mime(("Content-Type", "application/ms-tnef")), Nature("letter", tnef=True)),
        (of(is_draft=True), mime(("Auto-Submitted", "auto-replied")), Nature("draft")),
        (attached(("smime.p7m", "application/pkcs7-mime")),
         mime(("Content-Type", "application/pkcs7-mime; smime-type=signed-data")),
         Nature("letter", signed=True)),
        (typed("application/pkcs7-mime; smime-type=signed-data"),
         mime(("Content-Type", "application/pkcs7-mime; name=smime.p7m")), Nature("letter", signed=True)),
        # What stands below the first empty line is content, whatever it looks like.
        (of(), b"Subject: x\r\n\r\nX-MS-Journal-Report:\r\n", Nature("letter")),
        (of(), b"\r\nX-MS-Journal-Report:\r\n", Nature("letter")),
        (of(), b"From ada Tue Nov 24\nX-MS-Journal-Report: \n\n", Nature("journal-report")),
        (of(), b" \xff: folded\r\nX-MS-Journal-Report:", Nature("journal-report")),
    ],
)  # fmt: skip
def test_the_head_of_the_mime_is_asked_too(clues: Clues, head: bytes, nature: Nature) -> None:
    """Graph lists no headers of drafts, and of mail that was never sent."""
    assert nature_of(clues, head) == nature


def test_headers_are_unfolded_in_their_order() -> None:
    head = b"A: 1\r\nb : 2\r\n 3\nno header\r\nA:4\r\n\t5\r\n\r\nC: 6"

    assert headers_of(head) == (Header("A", "1"), Header("b", "2 3"), Header("A", "4\t5"))


def test_a_head_is_looked_at_as_far_as_it_may_reach() -> None:
    near, far = (
        b"A: " + b"x" * (HEAD_SIZE - room) + b"\r\nX-MS-Journal-Report:\r\n\r\n" for room in (40, 10)
    )

    assert nature_of(of(), near).kind == "journal-report"
    assert nature_of(of(), far).kind == "letter"


names = some.sampled_from(
    ["Content-Type", "Content-Class", "Auto-Submitted", "Precedence", "X-MS-Journal-Report",
     "Message-Context", "X-Auto-Response-Suppress", "X-VoiceMessageDuration",
     "X-MS-Exchange-Generated-Message-Source"]
)  # fmt: skip
values = some.sampled_from(
    [REPORT, RECEIPT, CLEAR_SIGNED, "application/pkcs7-mime", "text/calendar", "multipart/encrypted", "voice",
     "rpmsg.message", "auto-replied", "auto-generated", "All", "Mailbox Rules Agent", "application/ms-tnef",
     "application/pkcs7-mime; smime-type=signed-data", "audio/wav", 'a/b; c="', ";;=;", '"', "\\", "(", ""]
)  # fmt: skip
headers = some.lists(some.builds(Header, names | any_text, values | any_text), max_size=6)
clues_ = some.builds(
    Clues,
    headers=headers,
    odata_type=some.sampled_from(["", "#microsoft.graph.message", "#microsoft.graph.eventMessage"])
    | any_text,
    is_draft=some.booleans(),
    attachments=some.lists(some.builds(AttachmentClue, any_text, values | any_text), max_size=3),
    senders=some.lists(
        some.sampled_from(["", "Invoices@example.com", "ada@example.com"]) | any_text, max_size=2
    ),
    own=some.just(OWN),
)
heads = some.binary(max_size=200) | headers.map(lambda found: mime(*((one.name, one.value) for one in found)))


@given(clues_, heads)
def test_of_whatever_mail_there_is_one_answer(clues: Clues, head: bytes) -> None:
    nature = nature_of(clues, head)

    assert nature == nature_of(clues, head)
    assert nature.kind in get_args(Kind)
    assert (nature.kind == "draft") == clues.is_draft


@given(clues_, heads)
def test_the_head_takes_nothing_away_but_the_doubt(clues: Clues, head: bytes) -> None:
    kinds = get_args(Kind)
    without, with_ = nature_of(clues), nature_of(clues, head)

    assert kinds.index(with_.kind) <= kinds.index(without.kind)
    assert with_.signed >= without.signed
    assert with_.tnef >= without.tnef
    is_doubtful = "pkcs7-mime" in str(clues).lower() or "smime.p7m" in str(clues).lower()
    assert with_.encrypted >= without.encrypted or is_doubtful


@given(
    some.lists(some.tuples(names, values), max_size=6), some.sampled_from([str.upper, str.lower, str.title])
)
def test_neither_case_nor_folding_matters(found: list[tuple[str, str]], cased: object) -> None:
    assert callable(cased)
    plain = of(*found)
    changed = of(*((cased(name), cased(value).replace("; ", ";\r\n\t ")) for name, value in found))

    assert nature_of(changed) == nature_of(plain)
    assert nature_of(of(), mime(*((one.name, one.value) for one in changed.headers))) == nature_of(
        of(), mime(*((one.name, one.value) for one in plain.headers))
    )


@pytest.mark.parametrize(
    "piece",
    [";", '";a="\\', "=(", "\r\n "],
)
def test_hostile_headers_take_time_in_proportion_to_their_size(piece: str) -> None:
    """A megabyte in one, and five thousand of them, beside fifty attachments: the square were minutes."""
    long = (piece * 1_000_000)[:1_000_000]
    many = [("Content-Type", f"a/b{piece * 5}") for _ in range(5_000)]
    clues = replace(of(*many, ("Content-Type", long)), attachments=[AttachmentClue(long, long)] * 50)

    started = time.process_time()
    nature_of(clues, mime(("Content-Type", long)))

    assert time.process_time() - started < 5
