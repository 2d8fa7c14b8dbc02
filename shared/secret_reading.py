"""Reading secrets and their versions out of Key Vault, with what is wrong with them as faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from azure.core.exceptions import AzureError, HttpResponseError
from azure.keyvault.secrets import KeyVaultSecret, SecretProperties
from azure.keyvault.secrets.aio import SecretClient

from shared.log import Events
from shared.secret_faults import (
    Remedies,
    SecretFault,
    SecretKind,
    SecretState,
    deleted,
    disabled,
    empty,
    fault_of,
    is_taken_away,
    is_usable,
    state_of,
)

SERVES_ON_FOR = timedelta(days=7)
"""How long after its successor came a version counts: no subscription that was signed with it lives longer.

Source: learn.microsoft.com/graph/api/resources/subscription, maximum length of a subscription.
"""
MOST_FORMER = 4
"""So many former versions count, at most."""
WARNED_EVERY = timedelta(days=1)
_OF_ONE_VERSION: frozenset[SecretKind] = frozenset({"disabled", "expired", "not-yet-valid"})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_CANNOT_LIST = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
)


@dataclass(frozen=True)
class SecretVersion:
    """A version of a secret, by Key Vault's own id of it."""

    id: str
    value: str = field(repr=False)


Versions = tuple[SecretVersion, ...]
"""Versions of one secret, the present one first; never empty."""


class SecretReader:
    """Asks Key Vault, each time; `now` is the time of day."""

    def __init__(self, client: SecretClient, now: Callable[[], datetime], log: Events) -> None:
        self._client = client
        self._now = now
        self._log = log
        self._remedies = Remedies(client.vault_url)
        self._unlisted: set[str] = set()
        self._warned: dict[str, datetime] = {}

    async def present(self, name: str, _: Versions = ()) -> Versions:
        """The newest version alone. Raises SecretFault."""
        return (await self._usable(name),)

    async def accepted(self, name: str, known: Versions = ()) -> Versions:
        """The present version, and the former ones that a living subscription may have been signed with.

        The present one is the newest that can be used; Key Vault says which one is newest, as those of one
        second have the same age. A version never changes: the values of those `known` are not read again.
        Raises SecretFault.
        """
        listed = await self._listed(name)
        usable = [one for one in listed if is_usable(one, self._now())]
        try:
            present = await self._usable(name)
        except SecretFault as fault:
            if fault.kind not in _OF_ONE_VERSION or not usable:
                raise
            present = await self._usable(name, usable[0].version)
        former = accepted_former(usable, present.id, self._now())
        values = {one.id: one for one in known}
        read = await asyncio.gather(*(self._former(name, one, values) for one in former))
        # Without those that are empty: anyone can sign with such a key.
        return (present, *[one for one in read if one.value])

    async def describe(self, name: str, *, versioned: bool) -> SecretState:
        """How the newest version is now; if `versioned`, the newest that can be used, if there is one.

        Raises nothing: what is wrong is the fault of the answer.
        """
        state = await self._newest(name)
        if state.fault is None or not is_taken_away(state.fault):
            return state
        listed = await self._listed_if_possible(name)
        usable = [one for one in listed if is_usable(one, self._now())]
        if versioned and usable and state.fault.kind in _OF_ONE_VERSION:
            return state_of(usable[0], self._now(), self._remedies)
        if state.version or not listed:
            return state
        return replace(state_of(listed[0], self._now(), self._remedies), fault=state.fault)

    async def _newest(self, name: str) -> SecretState:
        """The newest version; by its name and fault alone where Key Vault does not give it."""
        try:
            given = await self._given(name)
        except AzureError as error:
            return SecretState(name, fault=await self._fault(name, error))
        state = state_of(given.properties, self._now(), self._remedies)
        return state if given.value or state.fault else replace(state, fault=empty(name, self._remedies))

    async def _usable(self, name: str, version: str | None = None) -> SecretVersion:
        try:
            secret = await self._given(name, version)
        except AzureError as error:
            raise await self._fault(name, error) from None
        state = state_of(secret.properties, self._now(), self._remedies)
        if state.fault is not None:
            raise state.fault
        if not secret.value:
            raise empty(name, self._remedies)
        self._warn(state)
        return SecretVersion(state.version, secret.value)

    async def _former(self, name: str, version: str, values: dict[str, SecretVersion]) -> SecretVersion:
        try:
            known = values.get(version)
            return known or SecretVersion(version, (await self._given(name, version)).value or "")
        except AzureError as error:
            raise fault_of(name, error, self._remedies) from None

    async def _given(self, name: str, version: str | None = None) -> KeyVaultSecret:
        return await self._client.get_secret(name, version)

    async def _listed(self, name: str) -> list[SecretProperties]:
        """The versions, the newest first; none where the app cannot list them. Raises SecretFault."""
        try:
            return await self._list(name)
        except AzureError as error:
            fault = fault_of(name, error, self._remedies)
            if not isinstance(error, HttpResponseError) or error.status_code not in _CANNOT_LIST:
                raise fault from None
        if name not in self._unlisted:
            self._unlisted.add(name)
            self._log.warning("secret-versions-not-listed", secret=name, why=str(fault))
        return []

    async def _listed_if_possible(self, name: str) -> list[SecretProperties]:
        try:
            return await self._list(name)
        except AzureError:
            return []  # it is only for a fuller account of a fault that is told anyway

    async def _list(self, name: str) -> list[SecretProperties]:
        listed = [one async for one in self._client.list_properties_of_secret_versions(name)]
        return sorted(listed, key=lambda one: (one.created_on or _LONG_AGO, one.version or ""), reverse=True)

    async def _fault(self, name: str, error: AzureError) -> SecretFault:
        """With the time of what a person has done, where Key Vault tells it."""
        fault = fault_of(name, error, self._remedies)
        if fault.kind == "disabled":
            listed = await self._listed_if_possible(name)
            return disabled(name, listed[0].updated_on if listed else None, self._remedies)
        if fault.kind == "missing":
            try:
                gone = await self._client.get_deleted_secret(name)
            except AzureError:
                return fault  # never there, gone for good, or the app may not see what was deleted
            return deleted(name, gone.deleted_date, self._remedies)
        return fault

    def _warn(self, state: SecretState) -> None:
        """Of a secret that expires soon, once a day."""
        now, last = self._now(), self._warned.get(state.name, _LONG_AGO)
        if state.expires is not None and state.expires_soon(now) and now - last >= WARNED_EVERY:
            self._warned[state.name] = now
            remedy = self._remedies.set(state.name)
            self._log.warning(
                "secret-expires-soon", secret=state.name, expires=state.expires.isoformat(), remedy=remedy
            )


def accepted_former(usable: Sequence[SecretProperties], present: str, now: datetime) -> list[str]:
    """The ids of former versions that still count, the newest first; `usable` are those, the newest first.

    The last one always does, another as long as a subscription can live that was signed with it.
    """
    found: list[str] = []
    successor: datetime | None = None
    for one in usable:
        if one.version and one.version != present:
            lives = successor is None or now - successor <= SERVES_ON_FOR
            if not found or lives:
                found.append(one.version)
        successor = one.created_on
    return found[:MOST_FORMER]
