"""The secrets of one vault, and who may do what with them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

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


class SecretStore:
    """Secrets by name, each with all its versions; the one set last is the current one.

    Names are compared without regard to case, as Key Vault compares them
    (learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates).
    """

    def __init__(self, name: str = "sandbox", now: Callable[[], datetime] = utc_now) -> None:
        self.name = name
        self._now = now
        self._secrets: dict[str, list[SecretVersion]] = {}
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
        """Make a new version, which is the current one from now on."""
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
        found = self.get(name, version)
        if found is None:
            raise KeyError(name)
        changed = replace(found, enabled=enabled, updated=self._now())
        versions = self._secrets[name.lower()]
        versions[versions.index(found)] = changed
        return changed

    def current(self) -> list[SecretVersion]:
        """The current version of each secret, by name."""
        return [self._secrets[name][-1] for name in sorted(self._secrets)]

    def versions(self, name: str) -> list[SecretVersion]:
        """All versions of one secret, in the order of their ids, which is not that of their age."""
        return sorted(self._secrets.get(name.lower(), []), key=lambda each: each.version)
