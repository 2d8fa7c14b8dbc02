"""Every kind of mail is filed once, byte for byte: those of our own making, and those that others have made.

All of them in a long run; the suite takes what is named here, and a part of the rest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest

from sandbox.box import Sandbox
from sandbox.tenant.graph import Tenant
from shared.services import Services
from tests.mail import Case, attachments, charsets, every_mail

from .clock import FakeClock
from .whole_way import WholeWay

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]
CORPUS = Path(__file__).parents[3] / "shared" / "mail-corpus"
OF_OTHERS = sorted(CORPUS.rglob("*.eml"))
ONE_IN = 8
NAMED = frozenset(
    {
        "25 attachments",
        "PGP: encrypted",
        "S/MIME: multipart/signed",
        "S/MIME: signed-data",
        "TNEF beside text",
        "auto-reply",
        "body: enriched",
        "body: no content type",
        "character sets of the web",
        "contact and event of Outlook",
        "delivery report",
        "draft",
        "empty files",
        "header: enormous field",
        "header: no Message-ID",
        "header: no colon",
        "header: the same Message-ID twice",
        "invitation: REQUEST",
        "journal report",
        "links",
        "made anew at each call",
        "mail in mail in mail",
        "names: bidirectional",
        "names: controls",
        "names: long",
        "names: paths",
        "names: reserved",
        "names: twins",
        "pictures in the text only",
        "read receipt",
        "rights-protected",
        "structure: hundreds of multiparts",
        "structure: multipart without end",
        "voice mail",
    }
)
"""Those that the suite takes in any case."""


@pytest.fixture
async def way(box: Sandbox, services: Services, clock: FakeClock) -> AsyncIterator[WholeWay]:
    """A mailbox and its source."""
    made = WholeWay(box, services, clock)
    yield made
    await made.services.close()


def of_our_own(is_long: bool) -> list[Case]:
    """What is delivered of our own making."""
    ours = list(every_mail())
    if is_long:
        return [*ours, attachments.many_files(attachments.MANY), *charsets.mails()]
    return [case for number, case in enumerate(ours) if number % ONE_IN == 0 or case.name in NAMED]


def test_mail_of_our_own_making_is_always_the_same() -> None:
    ours = list(every_mail())

    assert ours == list(every_mail())
    assert len({case.name for case in ours}) == len(ours)
    assert {case.name for case in ours} >= NAMED


def test_hostile_names_come_to_the_app_as_they_are(tmp_path: Path) -> None:
    tenant = Tenant(tmp_path, "tenant")
    tenant.add_mailbox("a@example.com")
    for case in every_mail():
        if case.name.startswith("names: "):
            tenant.deliver("a@example.com", case.mime)
    shown = {file.name for held in tenant.messages("a@example.com") for file in held.files}
    assert shown >= {"nul\x00l.pdf\x00.exe", "../../etc/passwd", "invoice\u202efdp.exe", "x" * 300, "CON.pdf"}


async def test_every_mail_of_our_own_making_is_filed(way: WholeWay, pytestconfig: pytest.Config) -> None:
    cases = of_our_own(pytestconfig.getoption("--long"))
    copies = chain.from_iterable([case] * case.copies for case in cases)
    deliveries = [way.deliver(case.name, case.mime, case.manner) for case in copies]
    await way.announce(deliveries)

    await way.settle(timedelta(minutes=2))  # what is empty may have content yet

    assert await way.faults(deliveries) == []
    assert await way.open_mails() == 0


@pytest.mark.skipif(not OF_OTHERS, reason="the corpus of mail is not beside the checkout")
async def test_every_mail_that_others_have_made_is_filed(way: WholeWay, pytestconfig: pytest.Config) -> None:
    paths = OF_OTHERS if pytestconfig.getoption("--long") else OF_OTHERS[::ONE_IN]
    deliveries = [way.deliver(path.name, path) for path in paths]
    await way.announce(deliveries)

    await way.settle(timedelta(minutes=2))  # what is empty may have content yet

    assert await way.faults(deliveries) == []
    assert await way.open_mails() == 0
