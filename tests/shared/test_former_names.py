"""A source that has another name now, or is switched off: its keys stay, and what is under way goes on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.configuration import Configuration
from shared.configuration_file import configuration_of
from shared.configuration_live import LiveConfiguration
from shared.identities import filing_key
from tests.protocol.world import World, configured, mailbox_of

pytestmark = pytest.mark.anyio


def live(**changed: object) -> LiveConfiguration:
    _, configuration = configured(invoices="CL.Invoice", orders="CL.Invoice")
    first, *others = configuration.source
    source = msgspec.structs.replace(first, **changed)
    return LiveConfiguration(msgspec.structs.replace(configuration, source=(source, *others)))


def test_a_source_is_known_by_its_former_name() -> None:
    of = live(name="bills", formerly="invoices")

    assert list(of.sources) == ["invoices", "orders"]
    assert of.sources["invoices"].name == "bills"


def test_a_source_that_is_switched_off_is_not_watched() -> None:
    """What was announced before is filed all the same."""
    of = live(enabled=False)

    assert list(of.sources) == ["invoices", "orders"]
    assert list(of.watched) == ["orders"]


def test_the_file_says_so() -> None:
    text: dict[str, Any] = {
        "vault": {"url": "https://m.example.com", "guid": "{C840BE1A-5B47-4AC0-8EF7-835C166C8E24}"},
        "source": [{"name": "bills", "formerly": "invoices", "mailbox": "a@example.com", "enabled": False}],
    }
    text["vault"]["filing-key"] = "PD.Key"
    text["source"][0]["document"] = {"class": 1}
    (source,) = configuration_of(text, "mail-sources.toml").source

    assert (source.key_name, source.enabled) == ("invoices", False)


def renamed(configuration: Configuration) -> Configuration:
    (source,) = configuration.source
    return msgspec.structs.replace(
        configuration, source=(msgspec.structs.replace(source, name="bills", formerly="invoices"),)
    )


async def test_mail_is_filed_once_across_a_new_name() -> None:
    """Announced before and after: the key is that of the former name."""
    settings, configuration = configured(invoices="CL.Invoice")
    world = World()
    message = world.mail(1)
    await world.announce(message)
    await world.settle()
    world.composition = settings, renamed(configuration)

    await world.announce(message)
    await world.settle()

    assert len(world.vault.objects) == 1
    assert world.vault.objects[0].key == filing_key("invoices", message)
    assert mailbox_of("invoices") == "invoices@example.com"
    later = world.mail()
    await world.announce(later)
    await world.settle()
    assert (await world.row(later)).state == "filed"
