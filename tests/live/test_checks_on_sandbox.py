"""The live checks themselves, against the sandbox: what nobody has a tenant for here, they run all the same.

The sandbox takes the strict reading of what is not known, so every fact that the product expects is found
as expected; a sandbox that is bent shows that a check tells the difference.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from sandbox.box import Sandbox
from sandbox.faults import Status
from sandbox.tenant.directory import FederatedCredential
from sandbox.tenant.graph.query import Expansion
from sandbox.tenant.managed_identity import TOKEN_EXCHANGE
from tests.live.every_check import CHECKS
from tests.live.fact import LiveCheck, Seen
from tests.live.letters import plain, with_files
from tests.live.mailroom import Mailroom
from tests.live.options import GraphOptions, KeyVaultOptions, LiveOptions, VaultOptions
from tests.live.raw_graph import RawGraph
from tests.live.recorder import Recorder
from tests.live.results import DIFFERENT, verdict
from tests.live.world import Clients, connected, opened
from tests.shared.key_vault import KeyVault

pytestmark = pytest.mark.anyio

NOT_HERE = {
    "app-large-body": "no app runs here",
    "app-handshake": "no app runs here",
    "app-traceparent": "no app runs here",
    "graph-notification-slow": "takes longer than the suite has",
}
"""Checks that the sandbox alone cannot serve, or not in the suite's time."""
BY_NAME = {check.fact.name: check for check in CHECKS}
HERE = [check for check in CHECKS if check.fact.name not in NOT_HERE]


class SandboxMailroom:
    """Makes folders and delivers mail by the tenant's own hands: the sandbox's Graph makes no drafts."""

    def __init__(self, box: Sandbox, mailbox: str) -> None:
        self._tenant, self._mailbox = box.tenant, mailbox

    async def folder(self) -> str:
        return self._tenant.add_folder(self._mailbox, f"inbox/{uuid.uuid4().hex}").id

    async def put(self, mime: bytes, folder: str) -> str:
        made = await asyncio.to_thread(self._tenant.deliver, self._mailbox, mime, folder)
        return made.immutable_id


class Ground:
    """The sandbox as somebody's tenant and vault, for as many checks at once as are asked for."""

    def __init__(self, box: Sandbox, key_vault: KeyVault, directory: Path) -> None:
        self.box = box
        self._directory = directory
        self._key_vault = key_vault
        self.mailbox = box.tenant.add_mailbox(f"live-{uuid.uuid4().hex}@example.com").address
        self._outside = box.tenant.add_mailbox(f"outside-{uuid.uuid4().hex}@example.com").address
        letter = box.tenant.deliver(self.mailbox, plain("a link"))
        box.tenant.add_reference_attachment(self.mailbox, letter.immutable_id, "Plan", "text/html")
        self._link = letter.immutable_id
        self.client_id = box.directory.register("live").client_id
        graph = box.addresses.graph.removesuffix("/v1.0")
        box.directory.grant(self.client_id, graph, "Mail.Read", "Mail.ReadWrite")
        box.tenant.exchange.restrict(self.client_id, [self.mailbox])
        issuer, audience = box.issuer.exchange_issuer, TOKEN_EXCHANGE
        trusted = FederatedCredential(issuer, box.identity.object_id, audience)
        box.directory.add_federated_credential(self.client_id, trusted)
        key_vault.secrets.allow(box.identity.client_id, "get", "list", "set")

    @asynccontextmanager
    async def clients(self, client_id: str) -> AsyncIterator[Clients]:
        """The app as that registration."""
        secret = self.box.directory.add_secret(client_id)
        self._key_vault.secrets.set("graph-client-secret", secret)
        values = {
            **self.box.settings("http://127.0.0.1:1/api", self._directory / "none.toml"),
            "KEY_VAULT_URL": self._key_vault.url,
            "GRAPH_CLIENT_ID": client_id,
        }
        async with connected(self._options(), values, self._directory) as made:
            yield made

    def _options(self) -> LiveOptions:
        vault = self.box.vault
        return LiveOptions(
            settings="",
            graph=GraphOptions(
                mailbox=self.mailbox,
                outside_mailbox=self._outside,
                reference_message=self._link,
                seconds_for_notification=10,
                seconds_for_change=0.2,
            ),
            vault=VaultOptions(
                url=self.box.addresses.vault,
                guid=vault.guid,
                filing_key="PD.FilingKey",
                class_="CL.Mail",
                lookup_property="PD.Importance",
                automatic_title_class="CL.Ticket",
                largest_upload_mb=4,
                seconds_for_late_create=5,
                properties={"PD.From": "live check"},
            ),
            keyvault=KeyVaultOptions(writes=True),
        )

    async def look(self, clients: Clients, check: LiveCheck) -> Seen | Exception:
        """What the check sees, with a receiver of its own, or why it does not."""

        def mailroom(_: RawGraph, mailbox: str, __: AsyncExitStack) -> Mailroom:
            return SandboxMailroom(self.box, mailbox)

        async with Recorder() as recorder, opened(clients, mailroom, recorder) as world:
            try:
                return await check.look(world)
            except Exception as reason:  # noqa: BLE001 - told by the test of that check
                return reason


@pytest.fixture(scope="module")
async def ground(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    """The ground, with a Key Vault of its own."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in box.identities.environment(box.addresses.identity).items():
            environment.setenv(name, value)
        async with KeyVault(box) as key_vault:
            for secret in box.secrets.current():
                key_vault.secrets.set(secret.name, secret.value)
            yield Ground(box, key_vault, tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
async def clients(ground: Ground) -> AsyncIterator[Clients]:
    """The app as a registration that may read and change mail in one mailbox."""
    async with ground.clients(ground.client_id) as made:
        await made.services.vault.structure()
        yield made


@pytest.fixture(scope="module")
async def sights(ground: Ground, clients: Clients) -> dict[str, Seen | Exception]:
    """What every check sees, all at once: some of them wait for a second to pass."""
    seen = await asyncio.gather(*(ground.look(clients, check) for check in HERE))
    return {check.fact.name: one for check, one in zip(HERE, seen, strict=True)}


@pytest.mark.parametrize("check", HERE, ids=lambda check: check.fact.name)
async def test_a_check_sees_in_the_sandbox_what_the_product_expects(
    check: LiveCheck, sights: dict[str, Seen | Exception]
) -> None:
    seen = sights[check.fact.name]

    assert isinstance(seen, Seen), seen
    assert verdict(seen) != DIFFERENT, seen.text


@pytest.fixture
async def bent(ground: Ground) -> AsyncIterator[Ground]:
    """The ground, whose sandbox is straightened afterwards."""
    vault, box = ground.box.vault, ground.box
    yield ground
    vault.max_upload_bytes, vault.create_delay = None, 0.0
    box.tenant.exchange.subscribes_with_scope = False
    box.faults.clear()


async def seen_of(ground: Ground, clients: Clients, name: str) -> Seen:
    seen = await ground.look(clients, BY_NAME[name])
    assert isinstance(seen, Seen), seen
    return seen


async def test_a_limit_of_the_web_server_is_met_and_known(bent: Ground, clients: Clients) -> None:
    bent.box.vault.max_upload_bytes = 3 * 1024 * 1024

    seen = await seen_of(bent, clients, "vault-upload-limit")

    assert seen == Seen("2 MB taken, 4 MB: 404 a page (text/html), known as TooLarge", agrees=True)


async def test_a_document_is_found_whose_creator_has_gone(bent: Ground, clients: Clients) -> None:
    bent.box.vault.create_delay = 0.5

    seen = await seen_of(bent, clients, "vault-late-create")

    assert seen == Seen("gone after 0.05 s (ReadTimeout); found 0 s later, 1 of them", agrees=True)
    documents = bent.box.vault.objects()
    assert documents[-1].deleted


async def test_another_longest_life_is_a_difference(
    bent: Ground, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.tenant.graph.terms.LONGEST_MINUTES", 4_230)

    seen = await seen_of(bent, clients, "graph-subscription-lifetime")

    assert verdict(seen) == DIFFERENT
    assert "4230 minutes" in seen.text


async def test_bytes_within_an_expanded_list_are_a_difference(
    bent: Ground, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.tenant.graph.query.expansion", lambda text: text and Expansion(None))

    seen = await seen_of(bent, clients, "graph-expanded-bytes")

    assert verdict(seen) == DIFFERENT
    assert "contentBytes" in seen.text


async def test_a_list_that_is_cut_without_a_word_is_a_difference(
    bent: Ground, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.live.graph_messages.with_files", lambda number: with_files(min(number, 10)))

    seen = await seen_of(bent, clients, "graph-expanded-many")

    assert seen == Seen("of 19: 10, next page False; of 25: 10, next page False", agrees=False)


@pytest.mark.parametrize(("granted", "said"), [(True, "as expected"), (False, "different")])
async def test_a_subscription_by_a_scoped_right_alone_is_granted_or_a_difference(
    bent: Ground, granted: bool, said: str
) -> None:
    bent.box.tenant.exchange.subscribes_with_scope = granted
    client_id = bent.box.directory.register("scoped").client_id
    for role in ("Application Mail.Read", "Application Mail.ReadWrite"):
        bent.box.tenant.exchange.scope(client_id, role, [bent.mailbox])

    async with bent.clients(client_id) as clients:
        seen = await seen_of(bent, clients, "graph-subscription-without-roles")

    assert verdict(seen) == said
    assert "roles of the token: none" in seen.text


async def test_an_answer_of_another_status_is_a_difference(bent: Ground, clients: Clients) -> None:
    bent.box.faults.vault.add(Status(500, route="GET /session"))

    seen = await seen_of(bent, clients, "vault-wrong-password")

    assert verdict(seen) == DIFFERENT


async def test_nothing_stays_behind_in_the_tenant_and_in_the_vault(ground: Ground, sights: object) -> None:
    client_id = ground.client_id

    assert ground.box.tenant.subscriptions.of(client_id) == []
    assert [one for one in ground.box.vault.objects() if one.title.startswith("Vaultpost live")] != []
    assert all(
        one.deleted for one in ground.box.vault.objects() if one.title.startswith("Vaultpost live check")
    )


def test_no_live_check_is_collected_unless_it_is_asked_for(request: pytest.FixtureRequest) -> None:
    assert not [item for item in request.session.items if item.get_closest_marker("live")]
