"""Which mailboxes an application may use: what Exchange Online itself decides, beside the roles in a token.

RBAC for Applications grants a role in the mailboxes of a scope; the token then has no `roles`. It and what
Entra ID has granted for the whole tenant are a union:
learn.microsoft.com/exchange/permissions-exo/application-rbac

An application access policy narrows what Entra ID has granted, and nothing else can:
learn.microsoft.com/graph/auth-limit-mailbox-access. That it leaves RBAC for Applications alone is the reading
of "These permission grants are independent", which stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.tenant.graph.store import Mailbox
from sandbox.tenant.tokens import Claims

ROLES = {
    "Application Mail.Read": "Mail.Read",
    "Application Mail.ReadBasic": "Mail.ReadBasic",
    "Application Mail.ReadWrite": "Mail.ReadWrite",
}
"""Those of mail, and the permission that each grants."""


@dataclass
class _Decision:
    """What holds for an application from `since` until `until`, in the mailboxes with these names."""

    app_id: str
    permission: str
    mailboxes: frozenset[str]
    since: datetime
    until: datetime | None = None

    def holds(self, app_id: str, now: datetime) -> bool:
        """Whether it is one for this application, now."""
        return self.app_id == app_id and self.since <= now and (self.until is None or now < self.until)

    def covers(self, mailbox: Mailbox | None) -> bool:
        """Whether this mailbox is meant; a mailbox that is not there is not."""
        return mailbox is not None and bool(self.mailboxes & {mailbox.address.lower(), mailbox.id})


@dataclass(frozen=True)
class Permissions:
    """What an application may do in one mailbox.

    `granted` are the roles of its token that no policy takes away, `scoped` what RBAC for Applications adds.
    It `is_restricted` where a policy takes them away.
    """

    granted: frozenset[str]
    scoped: frozenset[str] = frozenset()
    is_restricted: bool = False

    @property
    def all(self) -> frozenset[str]:
        """The union."""
        return self.granted | self.scoped


class Exchange:
    """Scopes and policies, by the client ids of applications.

    A change is in effect after `delay`, in time of the tenant; the real one takes 30 minutes to 2 hours.
    Whether subscriptions can be made with a scoped role alone stands in no source: the strict reading is that
    they cannot. `subscribes_with_scope` is the other one.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.delay = timedelta(0)
        self.subscribes_with_scope = False
        self._now = now
        self._scopes: list[_Decision] = []
        self._policies: list[_Decision] = []

    def scope(self, app_id: str, role: str, mailboxes: Iterable[str]) -> None:
        """Grant a role of RBAC for Applications in mailboxes, by address or object id.

        Raises KeyError for a role that is not one of `ROLES`.
        """
        self._scopes.append(self._decision(app_id, ROLES[role], mailboxes))

    def unscope(self, app_id: str) -> None:
        """Take all scoped roles of an application back."""
        self._end(self._scopes, app_id)

    def restrict(self, app_id: str, mailboxes: Iterable[str]) -> None:
        """Restrict an application to mailboxes (New-ApplicationAccessPolicy -AccessRight RestrictAccess).

        Of two policies each adds its mailboxes.
        """
        self._policies.append(self._decision(app_id, "", mailboxes))

    def unrestrict(self, app_id: str) -> None:
        """Take all policies for an application back."""
        self._end(self._policies, app_id)

    def permissions(self, claims: Claims, mailbox: Mailbox | None) -> Permissions:
        """What the bearer of a token may do in a mailbox, or in one that is not there."""
        now = self._now()
        policies = [one for one in self._policies if one.holds(claims.app_id, now)]
        is_restricted = bool(policies) and not any(one.covers(mailbox) for one in policies)
        return Permissions(
            frozenset() if is_restricted else claims.roles,
            frozenset(one.permission for one in self._scoped(claims.app_id, now) if one.covers(mailbox)),
            is_restricted,
        )

    def anywhere(self, claims: Claims) -> Permissions:
        """What the bearer of a token may do in one mailbox or another."""
        scoped = self._scoped(claims.app_id, self._now())
        return Permissions(claims.roles, frozenset(one.permission for one in scoped))

    def _scoped(self, app_id: str, now: datetime) -> list[_Decision]:
        return [one for one in self._scopes if one.holds(app_id, now)]

    def _decision(self, app_id: str, permission: str, mailboxes: Iterable[str]) -> _Decision:
        names = frozenset(name.lower() for name in mailboxes)
        return _Decision(app_id, permission, names, self._now() + self.delay)

    def _end(self, decisions: list[_Decision], app_id: str) -> None:
        until = self._now() + self.delay
        for one in decisions:
            if one.app_id == app_id and one.until is None:
                one.until = until
