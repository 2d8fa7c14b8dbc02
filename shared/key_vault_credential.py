"""Proving the app to Graph with what Key Vault keeps: secret or certificate of an app registration."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import CertificateCredential, ClientSecretCredential

from shared.client_certificate import usable_certificate
from shared.credential_faults import (
    GRAPH_CERTIFICATE,
    GRAPH_SECRET,
    ProofRefused,
    Registration,
    refused,
)
from shared.graph_credential import PATIENCE, GraphCredential, PassedOver
from shared.log import Events
from shared.proof_versions import Refusals, in_turn
from shared.secret_faults import SecretFault
from shared.secret_store import SecretStore, SecretVersion
from shared.settings_graph import GraphSettings
from shared.settings_reader import is_loopback

_BEGINNING = 8
"""Characters of a version's id that the log names."""


class KeyVaultCredential(GraphCredential):
    """Reads the secret called `name` whenever a token is wanted: Key Vault's value of 15 minutes ago at most.

    What is refused, here or by Entra ID, is read anew at once: a rotation costs no mail. If the newest
    version stays refused, a former one serves on.
    """

    name: ClassVar[str]

    def __init__(
        self, graph: GraphSettings, secrets: SecretStore, app: Registration, clock: Callable[[], float]
    ) -> None:
        """`clock` gives seconds that only go forward."""
        super().__init__(self._build_credential)
        self._graph = graph
        self._secrets = secrets
        self._app = app
        self._refusals = Refusals(clock)
        self._serves: tuple[str, str] | None = None
        self._log = Events("graph")

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As GraphCredential says. The fault is that of the newest version, if none is taken."""
        refused: dict[str, ProofRefused] = {}
        newest = await self._secrets.newest(self.name)
        while turn := await self._turn(newest, refused):
            token = await self._by_first(turn, newest, refused, scopes, options)
            if token is not None:
                return token
            newest = await self._secrets.newest_other_than(self.name, newest)
        raise refused[newest.id]

    async def _turn(
        self, newest: SecretVersion, refused: Mapping[str, ProofRefused]
    ) -> tuple[SecretVersion, ...]:
        """What to try now. Former versions are read only where the newest one was refused."""
        if newest.id not in refused and not self._refusals.rests(newest.id):
            return (newest,)
        try:
            versions = await self._secrets.versions(self.name)
        except SecretFault:
            versions = ()  # that the newest one is refused says more
        return in_turn(newest, versions, self._refusals.resting(), refused)

    async def _by_first(
        self,
        turn: Sequence[SecretVersion],
        newest: SecretVersion,
        refused: dict[str, ProofRefused],
        scopes: tuple[str, ...],
        options: dict[str, Any],
    ) -> AccessToken | None:
        """A token by the first version that is taken; those before are `refused` then."""
        for version in turn:
            self._refusals.begin(version.id)
            try:
                token = await self._token_by(version.value, scopes, options)
            except ProofRefused as fault:
                self._refusals.refuse(version.id, fault)
                refused[version.id] = fault
            else:
                self._refusals.forgive(version.id)
                self._note(version, newest)
                return token
        return None

    def _note(self, version: SecretVersion, newest: SecretVersion) -> None:
        """Tell which version has given a token, where that has changed."""
        serves, self._serves = self._serves, (version.id, newest.id)
        if serves == self._serves:
            return
        refusal = self._refusals.of(newest.id)
        if refusal is not None:
            self.passed_over = PassedOver(self.name, refusal.reason, refusal.remedy)
            self._log.warning(
                "former-version-serves",
                secret=self.name,
                version=version.id[:_BEGINNING],
                refused=newest.id[:_BEGINNING],
                why=refusal.reason,
                remedy=refusal.remedy,
            )
        elif self.passed_over is not None:
            self.passed_over = None
            self._log.info("newest-version-serves", secret=self.name, version=newest.id[:_BEGINNING])

    async def _token_by(self, value: str, scopes: tuple[str, ...], options: dict[str, Any]) -> AccessToken:
        try:
            return await self._token(value, scopes, options)
        except ClientAuthenticationError as error:
            self._examine(value)
            raise refused(error, self._app) from None

    def _examine(self, value: str) -> None:
        """Say what is wrong with a refused value, where more can be told than Entra ID tells.

        Raises ProofRefused.
        """

    @abstractmethod
    def _build_credential(self, value: str) -> AsyncTokenCredential:
        """The credential of azure-identity. Raises ProofRefused when there is none in `value`."""

    def _place(self) -> dict[str, Any]:
        """Where it signs in, and with which patience."""
        authority = self._graph.authority
        return {**PATIENCE, "authority": authority, "disable_instance_discovery": is_loopback(authority)}


class ClientSecretFromVault(KeyVaultCredential):
    """An app registration's client secret."""

    name = GRAPH_SECRET

    def _build_credential(self, value: str) -> AsyncTokenCredential:
        return ClientSecretCredential(self._graph.tenant_id, self._graph.client_id, value, **self._place())


class ClientCertificateFromVault(KeyVaultCredential):
    """An app registration's certificate, with its private key."""

    name = GRAPH_CERTIFICATE

    def __init__(
        self,
        graph: GraphSettings,
        secrets: SecretStore,
        app: Registration,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        """`now` is the time that the certificate's is compared with."""
        super().__init__(graph, secrets, app, clock)
        self._now = now

    def _examine(self, value: str) -> None:
        usable_certificate(value, self._now(), self._app)

    def _build_credential(self, value: str) -> AsyncTokenCredential:
        return CertificateCredential(
            self._graph.tenant_id,
            self._graph.client_id,
            certificate_data=usable_certificate(value, self._now(), self._app),
            **self._place(),
        )
