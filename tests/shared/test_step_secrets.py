"""Which secrets the steps need, and whether this worker has them."""

from __future__ import annotations

from typing import get_args

import pytest

from shared.breaker import Step
from shared.secret_cache import KEPT_FOR
from shared.services import Services
from shared.settings_graph import CredentialKind
from shared.step_secrets import SecretsOfSteps, every_secret, secrets_of

from .clock import FakeClock
from .key_vault import KeyVault

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("credential", "of_graph"),
    [
        ("managed-identity", ()),
        ("federated", ()),
        ("client-secret", ("graph-client-secret",)),
        ("client-certificate", ("graph-client-certificate",)),
    ],
)
def test_each_step_needs_the_secrets_of_its_service(
    credential: CredentialKind, of_graph: tuple[str, ...]
) -> None:
    assert secrets_of("staging", credential) == secrets_of("mailbox", credential) == of_graph
    assert secrets_of("filing", credential) == ("mfiles-username", "mfiles-password")
    every = {"notification-key", *(one for step in get_args(Step) for one in secrets_of(step, credential))}
    assert set(every_secret(credential)) == every


async def test_a_step_is_held_once_all_its_secrets_are_kept(
    services: Services, key_vault: KeyVault, clock: FakeClock
) -> None:
    """Also while Key Vault is down for longer than they are kept."""
    steps = SecretsOfSteps("client-secret", lambda: services.secrets)
    assert [steps.holds(step) for step in get_args(Step)] == [False] * 3
    await services.secrets.get("mfiles-username")
    assert not steps.holds("filing")
    await services.secrets.get("mfiles-password")
    key_vault.status = 403
    clock.advance(seconds=KEPT_FOR)
    await services.secrets.together("mfiles-username", "mfiles-password")

    assert (steps.holds("filing"), steps.holds("staging")) == (True, False)


async def test_a_step_is_not_held_whose_secret_was_taken_away(
    services: Services, key_vault: KeyVault, clock: FakeClock
) -> None:
    steps = SecretsOfSteps("managed-identity", lambda: services.secrets)
    await services.secrets.together("mfiles-username", "mfiles-password")
    key_vault.secrets.enable("mfiles-password", enabled=False)
    clock.advance(seconds=KEPT_FOR)
    described = await services.secrets.describe("mfiles-password")
    assert described.fault is not None
    assert steps.holds("filing")  # nobody has asked for it since

    with pytest.raises(type(described.fault)):
        await services.secrets.get("mfiles-password")

    assert not steps.holds("filing")
    assert steps.holds("staging")
    assert not steps.needs("staging")
