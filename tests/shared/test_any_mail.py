"""Whatever a mail is made of, nothing crashes, and no mail is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.box import Sandbox
from shared.configuration import Source
from shared.mail import Address, Header, Mail
from shared.mail_kinds import Clues, Nature, nature_of
from shared.plan import Plan
from shared.planning import Planner
from shared.services import Services
from shared.vault.protocol import DataType
from tests.mail import shapes

from .body.made import body_of
from .body.safety import faults_of
from .clock import FakeClock
from .made import NoContent, manifest, source, staged
from .memory_structure import MemoryStructure
from .safe_names import faults_of_names
from .whole_way import WholeWay

SHORT, LONG = 60, 100_000
"""Cases of pure functions."""
FEW, MANY, AT_ONCE = 6, 1500, 6
"""Cases of mail that is filed, each of several at once."""


def cases(config: pytest.Config, short: int, long: int) -> settings:
    """How many, in the suite and in a long run."""
    return settings(
        max_examples=long if config.getoption("--long") else short,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def test_any_mail_has_a_body_that_is_safe(pytestconfig: pytest.Config) -> None:
    @cases(pytestconfig, SHORT, LONG)
    @given(shapes.mails, st.integers(1, 500))
    def holds(mime: bytes, piece: int) -> None:
        body = body_of(mime, piece)
        text = body.text()
        assert faults_of(body.html().content) == []
        assert "\0" not in text.content
        text.content.encode()
        assert body_of(mime).text() == text

    holds()


def test_any_mail_is_of_some_kind(pytestconfig: pytest.Config) -> None:
    @cases(pytestconfig, SHORT, LONG)
    @given(shapes.mails, st.lists(st.builds(Header, shapes.texts, shapes.texts), max_size=4))
    def holds(mime: bytes, headers: list[Header]) -> None:
        nature = nature_of(Clues(headers=headers), mime)
        assert isinstance(nature, Nature)
        assert nature == nature_of(Clues(headers=headers), mime)

    holds()


addresses = st.builds(Address, shapes.texts, shapes.texts)
of_any_words = st.builds(
    Mail,
    subject=shapes.texts,
    from_=addresses,
    to=st.lists(addresses, max_size=3).map(tuple),
    received=shapes.texts,
    message_id=shapes.texts,
    headers=st.lists(st.builds(Header, st.sampled_from(shapes.HEADERS), shapes.texts), max_size=3).map(tuple),
)
FILED = source(
    document={
        "class": "CL.Invoice",
        "title": "{{ subject }} {{ header('X-Ticket') }}",
        "properties": {"PD.From": "{{ from }} {{ to }}", "PD.Body": "{{ message_id }} {{ attachments }}"},
    }
)


def test_any_words_of_a_mail_are_planned(pytestconfig: pytest.Config) -> None:
    """Whatever they are, they end as data: titles and names are safe, texts have one line."""
    files = st.lists(st.tuples(shapes.names, st.sampled_from(shapes.TYPES) | shapes.texts), max_size=5)

    with asyncio.Runner() as runner:

        @cases(pytestconfig, SHORT, LONG)
        @given(of_any_words, files)
        def holds(mail: Mail, attached: list[tuple[str, str]]) -> None:
            plan = runner.run(planned(FILED, mail, attached))
            assert faults_of_names([(file.title, file.extension) for file in plan.files]) == []
            texts = [one.value for one in plan.document.properties if one.data_type is DataType.TEXT]
            assert all(0 < len(str(text)) <= 100 and len(str(text).splitlines()) == 1 for text in texts)

        holds()


async def planned(configured: Source, mail: Mail, attached: list[tuple[str, str]]) -> Plan:
    """The plan for a mail of these words with these files."""
    message = staged("message.eml", b"MIME", content_type="message/rfc822")
    files = [staged(f"attachments/{number:04d}", b"x", *said) for number, said in enumerate(attached, 1)]
    made = manifest("invoices", message, *files, mail=mail)
    plan = await Planner("PD.FilingKey").plan(made, configured, MemoryStructure(), NoContent())
    assert isinstance(plan, Plan)
    return plan


@pytest.fixture
async def way(box: Sandbox, services: Services, clock: FakeClock) -> AsyncIterator[WholeWay]:
    """A mailbox and its source."""
    made = WholeWay(box, services, clock)
    yield made
    await made.services.close()


@pytest.mark.anyio
async def test_any_mail_is_filed_whole(way: WholeWay, pytestconfig: pytest.Config) -> None:
    loop = asyncio.get_running_loop()

    @cases(pytestconfig, FEW, MANY)
    @given(st.lists(shapes.mails, min_size=1, max_size=AT_ONCE))
    def holds(mimes: list[bytes]) -> None:
        faults: Any = asyncio.run_coroutine_threadsafe(filed(way, mimes), loop).result()
        assert faults == []

    await asyncio.to_thread(holds)


async def filed(way: WholeWay, mimes: list[bytes]) -> list[str]:
    """What is wrong after these mails have gone their way: nothing here stands against filing any of them."""
    deliveries = [way.deliver(f"mail {number}", mime) for number, mime in enumerate(mimes)]
    await way.announce(deliveries)
    await way.settle()
    faults = await way.faults(deliveries)
    return [*faults, *(["a mail is open"] if await way.open_mails() else [])]
