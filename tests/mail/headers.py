"""Header fields that are missing, broken, doubled or far too long."""

from __future__ import annotations

from collections.abc import Iterator

from .mime import Case, head, letter, lines, text

FROM, TO, DATE = "From: ada@contoso.com", "To: invoices@example.com", "Date: Tue, 24 Nov 2026 10:15:00 +0100"
ENORMOUS = 200_000
SUBJECTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"   \t ",
    "300 characters": b"x" * 300,
    "a path": b"../../etc/passwd: 1/2 \\ 3?*<>|.eml",
    "a reserved name": b"CON.eml",
    "dots": b"...",
    "of controls alone": b"=?utf-8?Q?=00=0D=0A=1B?=",
    "a line break within": b"=?utf-8?Q?one=0D=0ABcc:_two?=",
    "right to left": "\u202e\u05e9\u05dc\u05d5\u05dd.pdf".encode(),
    "8-bit, UTF-8": "Größe 請求書".encode(),
    "8-bit, Latin-1": "Größe".encode("latin-1"),
    "8-bit, nothing known": b"\xff\xfe\x80\x81\xf5",
    "encoded": b"=?utf-8?B?R3LDtsOfZQ==?= =?iso-8859-1?Q?_=F6?=",
    "encoded, of an unknown character set": b"=?x-unknown?Q?=FC?=",
    "encoded, cut within a character": b"=?utf-8?Q?Gr=C3?=\r\n =?utf-8?Q?=B6=C3=9Fe?=",
    "encoded, broken": b"=?utf-8?B?###?= =?utf-8?X?a?= =?utf-8?Q?open =?",
    "a template": b"{{ 7 * 7 }} {% raw %} ${x}",
    "a formula": b"=1+1",
    "emoji and marks": "\U0001f469\u200d\U0001f4bb e\u0301\u0301\u0301".encode(),
    "lone surrogates": b"=?utf-16?B?2D0=?= =?utf-8?Q?=ED=A0=BD?=",
}
BROKEN: dict[str, tuple[str | bytes, ...]] = {
    "no Message-ID": (FROM, TO, DATE, "Subject: No Message-ID"),
    "nothing at all": (),
    "no From": (TO, DATE, "Subject: No From"),
    "From is empty": ("From:", TO, DATE, "Subject: Empty From"),
    "no colon": (FROM, "This line has no colon", TO, "Subject: No colon"),
    "no colon in the first line": ("HTTP/1.1 200 OK", FROM, "Subject: First line"),
    "space before the colon": ("From : ada@contoso.com", "Subject : Space"),
    "no name": (FROM, ": value of nothing", "Subject: No name"),
    "8-bit name": (FROM, b"X-\xff\xfe: value", "Subject: 8-bit name"),
    "8-bit addresses": ("From: Jörg <jörg@exämple.com>".encode("latin-1"), "Subject: 8-bit addresses"),
    "folded first": (" folded before anything", FROM, "Subject: Folded first"),
    "folded into nothing": (FROM, "Subject: Folded", " ", "\t", "  into nothing", TO),
    "folded within an address": ("From: Ada\r\n <ada@\r\n contoso.com>", "Subject:\r\n Folded\r\n\tall over"),
    "folded everywhere": (FROM, "Subject:" + "\r\n x" * 500, TO),
    "NUL": (FROM, b"Subject: a\0b", b"X-\0: \0", TO),
    "bare CR": (FROM, b"Subject: a\rBcc: hidden@example.com", TO),
    "doubled": (
        FROM,
        "From: charles@contoso.com",
        TO,
        "To: b@example.com",
        "Subject: One",
        "Subject: Two",
        DATE,
        DATE,
    ),
    "doubled Message-ID": (FROM, "Message-ID: <1@x>", "Message-ID: <2@x>", "Subject: Doubled Message-ID"),
    "doubled content type": (
        FROM,
        "Content-Type: text/html",
        "Content-Type: application/pdf",
        "Subject: Types",
    ),
    "enormous subject": (FROM, "Subject: " + "x" * ENORMOUS),
    "enormous field": (FROM, "Subject: Enormous field", "X-Enormous: " + "x" * ENORMOUS),
    "enormous name": (FROM, "Subject: Enormous name", "X" * ENORMOUS + ": x"),
    "enormous Message-ID": (FROM, f"Message-ID: <{'x' * ENORMOUS}@contoso.com>", "Subject: Enormous id"),
    "5,000 fields": (FROM, "Subject: Fields", *(f"X-{number}: {number}" for number in range(5000))),
    "2,000 recipients": (
        FROM,
        "Subject: Recipients",
        "To: " + ",\r\n ".join(f"a{n}@example.com" for n in range(2000)),
    ),
    "1,000 references": (
        FROM,
        "Subject: References",
        "References:" + "".join(f"\r\n <{n}@x>" for n in range(1000)),
    ),
    "groups": (FROM, "To: undisclosed-recipients:;", "Cc: A: a@x, B: b@y;, c@z;;", "Subject: Groups"),
    "addresses that are none": ('From: @@,<>,;:"', 'To: <<a@b>>, (c(d)e) f@g (h), "', "Subject: Addresses"),
    "an address of quotes": ('From: "a\\"b@c" <"x y"@[IPv6:::1]>', "Subject: Quotes"),
    "Date that never was": (FROM, "Date: Thu, 31 Feb 2026 25:61:61 +9999", "Subject: Never"),
    "Date of the year 1": (FROM, "Date: Mon, 1 Jan 0001 00:00:00 +1400", "Subject: Year 1"),
    "Date of the year 9999": (FROM, "Date: Fri, 31 Dec 9999 23:59:59 -1200", "Subject: Year 9999"),
    "Date is a word": (FROM, "Date: yesterday", "Subject: Yesterday"),
    "Importance is a word": (FROM, "Importance: immense", "X-Priority: 0", "Subject: Immense"),
    "comments everywhere": (
        "From: (a)ada(b)@(c)contoso.com(d)",
        "Date: (e)24 Nov 2026 10:15 (f",
        "Subject: Comments",
    ),
}


def cases() -> Iterator[Case]:
    """Each a mail."""
    for name, subject in SUBJECTS.items():
        yield Case(f"subject: {name}", letter(subject))
    for name, fields in BROKEN.items():
        yield Case(f"header: {name}", lines(*fields) + text())
    same = head("Twice", "X-Same: yes") + text()
    yield Case("header: the same Message-ID twice", same, copies=2)
    yield Case("header: the same Message-ID, another mail", head("Twice", "X-Same: no") + text("Another\r\n"))
    yield Case("header: no end", b"Subject: No end")
    yield Case("header: no empty line", lines(FROM, "Subject: No empty line", "Then the text begins"))
