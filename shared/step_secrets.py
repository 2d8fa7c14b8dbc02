"""Which secrets the steps need, and whether this worker has them (design, section 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.breaker import Step
from shared.credentials import GRAPH_CERTIFICATE, GRAPH_SECRET
from shared.secret_store import SecretStore
from shared.settings_graph import CredentialKind
from shared.subscriptions import NOTIFICATION_KEY
from shared.vault.session import PASSWORD, USERNAME

_OF_VAULT = (USERNAME, PASSWORD)


def secrets_of(step: Step, credential: CredentialKind) -> tuple[str, ...]:
    """The names of the secrets that a step cannot do without; `credential` is the app's for Graph."""
    return _OF_VAULT if step == "filing" else secrets_of_graph(credential)


def secrets_of_graph(credential: CredentialKind) -> tuple[str, ...]:
    """Those for Graph: a managed identity has none."""
    match credential:
        case "client-secret":
            return (GRAPH_SECRET,)
        case "client-certificate":
            return (GRAPH_CERTIFICATE,)
        case "managed-identity" | "federated":
            return ()


def every_secret(credential: CredentialKind) -> tuple[str, ...]:
    """All that the app needs."""
    return (NOTIFICATION_KEY, *secrets_of_graph(credential), *_OF_VAULT)


class StepSecrets(Protocol):
    """What the gate asks about the secrets of a step."""

    def needs(self, step: Step) -> bool:
        """Whether it needs any at all."""

    def holds(self, step: Step) -> bool:
        """Whether this worker can do it while Key Vault is down."""


class NoSecretsKept:
    """Each step needs secrets, and none is kept."""

    def needs(self, step: Step) -> bool:
        """As `StepSecrets` says."""
        return True

    def holds(self, step: Step) -> bool:
        """As `StepSecrets` says."""
        return False


@dataclass(frozen=True)
class SecretsOfSteps:
    """The secrets that one worker keeps."""

    credential: CredentialKind
    secrets: Callable[[], SecretStore]

    def needs(self, step: Step) -> bool:
        """As `StepSecrets` says."""
        return bool(secrets_of(step, self.credential))

    def holds(self, step: Step) -> bool:
        """As `StepSecrets` says."""
        return self.secrets().holds(secrets_of(step, self.credential))
