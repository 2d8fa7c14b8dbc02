"""What the application roles of a token let it do: learn.microsoft.com/graph/permissions-reference"""

from __future__ import annotations

from sandbox.tenant.graph.errors import access_denied, subscription_denied
from sandbox.tenant.graph.query import Selection
from sandbox.tenant.graph.schema import NOT_BASIC
from sandbox.tenant.tokens import Claims

WRITE = "Mail.ReadWrite"
READ = frozenset({"Mail.Read", WRITE})
BASIC = READ | {"Mail.ReadBasic", "Mail.ReadBasic.All"}


def may_read_whole_mail(claims: Claims) -> bool:
    """Whether bodies, MIME and attachments may be read."""
    return bool(claims.roles & READ)


def require_whole_mail(claims: Claims) -> None:
    """Raises GraphError 403 unless bodies, MIME and attachments may be read."""
    if not may_read_whole_mail(claims):
        raise access_denied()


def require_mail(claims: Claims, select: Selection = None) -> None:
    """Raises GraphError 403 unless messages may be read, with the selected properties."""
    if not claims.roles & BASIC:
        raise access_denied()
    if select is not None and NOT_BASIC & set(select):
        require_whole_mail(claims)


def require_writing(claims: Claims) -> None:
    """Raises GraphError 403 unless mail may be changed."""
    if WRITE not in claims.roles:
        raise access_denied()


def require_subscription(claims: Claims, operation: str) -> None:
    """Raises GraphError 403 without Mail.Read.

    Subscriptions do not take a permission to write where one to read is enough, so Mail.ReadWrite is none:
    learn.microsoft.com/graph/api/subscription-post-subscriptions. Mail.ReadBasic.All, which would do by that
    page, could not read the mail that is announced.
    """
    if "Mail.Read" not in claims.roles:
        raise subscription_denied(operation)
