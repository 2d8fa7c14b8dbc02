"""The secrets of one vault, and who may do what with them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypedDict, Unpack

from sandbox.tenant.tokens import utc_now

Permission = Literal["get", "set", "list"]


@dataclass(frozen=True)
class SecretVersion:
    """One version of a secret. `not_before` and `expires` (Unix seconds) only inform; they refuse nothing."""

    name: str
    version: str
    value: str = field(repr=False)
    created: datetime
    updated: datetime
    enabled: bool = True
    content_type: str | None = None
    tags: Mapping[str, str] | None = None
    not_before: int | None = None
    expires: int | None = None


class Dates(TypedDict, total=False):
    """What can be changed of the time of a version, in Unix seconds; None takes it away."""

    not_before: int | None
    expires: int | None


@dataclass(frozen=True)
class DeletedSecret:
    """A secret that was deleted, with all its versions; the last one is the newest."""

    versions: tuple[SecretVersion, ...]
    deleted: datetime


class SecretDeleted(Exception):
    """A name belongs to a secret that was deleted: it can only be recovered or purged."""


class SecretStore:
    """Secrets by name, each with all its versions; the one set last is the current one.

    Names are compared without regard to case, as Key Vault compares them
    (learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates).
    """

    def __init__(self, name: str = "sandbox", now: Callable[[], datetime] = utc_now) -> None:
        self.name = name
        self._now = now
        self._secrets: dict[str, list[SecretVersion]] = {}
        self._deleted: dict[str, DeletedSecret] = {}
        self._permissions: dict[str, frozenset[Permission]] = {}

    def allow(self, app_id: str, *permissions: Permission) -> None:
        """Let an application do these things with every secret, besides what it may do already."""
        self._permissions[app_id] = self.permissions(app_id).union(permissions)

    def permissions(self, app_id: str) -> frozenset[Permission]:
        """What an application may do."""
        return self._permissions.get(app_id, frozenset())

    def set(
        self,
        name: str,
        value: str,
        *,
        enabled: bool = True,
        content_type: str | None = None,
        tags: Mapping[str, str] | None = None,
        not_before: int | None = None,
        expires: int | None = None,
    ) -> SecretVersion:
        """Make a new version, which is the current one from now on. Raises SecretDeleted."""
        if name.lower() in self._deleted:
            raise SecretDeleted(name)
        versions = self._secrets.setdefault(name.lower(), [])
        now = self._now()
        made = SecretVersion(
            name=versions[0].name if versions else name,
            version=uuid.uuid4().hex,
            value=value,
            created=now,
            updated=now,
            enabled=enabled,
            content_type=content_type,
            tags=tags,
            not_before=not_before,
            expires=expires,
        )
        versions.append(made)
        return made

    def get(self, name: str, version: str | None = None) -> SecretVersion | None:
        """One version, by default the current one; None for what does not exist. A disabled one is given."""
        versions = self._secrets.get(name.lower(), [])
        if version is None:
            return versions[-1] if versions else None
        return next((each for each in versions if each.version == version), None)

    def enable(self, name: str, version: str | None = None, *, enabled: bool = True) -> SecretVersion:
        """Enable or disable one version, by default the current one. Raises KeyError for an unknown one."""
        return self._change(name, version, enabled=enabled)

    def date(self, name: str, version: str | None = None, **dates: Unpack[Dates]) -> SecretVersion:
        """Change the time of one version, by default the current one. Raises KeyError for an unknown one."""
        return self._change(name, version, **dates)

    def delete(self, name: str) -> None:
        """Delete a secret with all its versions; it can be recovered. Raises KeyError for an unknown one."""
        versions = self._secrets.pop(name.lower())
        self._deleted[name.lower()] = DeletedSecret(tuple(versions), self._now())

    def recover(self, name: str) -> None:
        """Have a deleted secret back. Raises KeyError for an unknown one."""
        self._secrets[name.lower()] = list(self._deleted.pop(name.lower()).versions)

    def deleted(self, name: str) -> DeletedSecret | None:
        """A secret that was deleted, or None."""
        return self._deleted.get(name.lower())

    def _change(self, name: str, version: str | None, **facts: Any) -> SecretVersion:
        found = self.get(name, version)
        if found is None:
            raise KeyError(name)
        changed = replace(found, updated=self._now(), **facts)
        versions = self._secrets[name.lower()]
        versions[versions.index(found)] = changed
        return changed

    def current(self) -> list[SecretVersion]:
        """The current version of each secret, by name."""
        return [self._secrets[name][-1] for name in sorted(self._secrets)]

    def versions(self, name: str) -> list[SecretVersion]:
        """All versions of one secret, in the order of their ids, which is not that of their age."""
        return sorted(self._secrets.get(name.lower(), []), key=lambda each: each.version)
