"""What the permissions of an application let it do: learn.microsoft.com/graph/permissions-reference

Whether a mailbox is there is told only to who may use it: the strict reading, as the order is not on record.
"""

from __future__ import annotations

from aiohttp import web

from sandbox.tenant.graph.envelope import CLAIMS
from sandbox.tenant.graph.errors import access_denied, odata_disabled, subscription_denied
from sandbox.tenant.graph.exchange import Permissions
from sandbox.tenant.graph.query import Selection
from sandbox.tenant.graph.schema import NOT_BASIC
from sandbox.tenant.graph.store import Mailbox
from sandbox.tenant.graph.tenant import Tenant

WRITE = "Mail.ReadWrite"
READ = frozenset({"Mail.Read", WRITE})
BASIC = READ | {"Mail.ReadBasic", "Mail.ReadBasic.All"}


def permissions_of(tenant: Tenant, request: web.Request) -> Permissions:
    """What the caller may do in the mailbox in the path of a request."""
    try:
        mailbox = tenant.mailbox(request.match_info["user"])
    except LookupError:
        mailbox = None
    return tenant.exchange.permissions(request[CLAIMS], mailbox)


def may_read_whole_mail(permissions: Permissions) -> bool:
    """Whether bodies, MIME and attachments may be read."""
    return bool(permissions.all & READ)


def require_whole_mail(permissions: Permissions) -> None:
    """Raises GraphError 403 unless bodies, MIME and attachments may be read."""
    if not may_read_whole_mail(permissions):
        raise odata_disabled() if permissions.is_restricted else access_denied()


def require_mail(permissions: Permissions, select: Selection = None) -> None:
    """Raises GraphError 403 unless messages may be read, with the selected properties."""
    if not permissions.all & BASIC:
        raise odata_disabled() if permissions.is_restricted else access_denied()
    if select is not None and NOT_BASIC & set(select):
        require_whole_mail(permissions)


def require_writing(permissions: Permissions) -> None:
    """Raises GraphError 403 unless mail may be changed."""
    if WRITE not in permissions.all:
        raise odata_disabled() if permissions.is_restricted else access_denied()


def require_some_subscription(tenant: Tenant, request: web.Request, operation: str) -> None:
    """Raises GraphError 403 unless the caller may subscribe to some mailbox: before its body is read."""
    _require_subscription(tenant, tenant.exchange.anywhere(request[CLAIMS]), operation)


def require_subscription(
    tenant: Tenant, request: web.Request, mailbox: Mailbox | None, operation: str
) -> None:
    """Raises GraphError 403 without Mail.Read in the mailbox that is subscribed to.

    Subscriptions do not take a permission to write where one to read is enough, so Mail.ReadWrite is none:
    learn.microsoft.com/graph/api/subscription-post-subscriptions. Mail.ReadBasic.All, which would do by that
    page, could not read the mail that is announced. Whether one whose mailbox may not be used any more can
    still be read, renewed or deleted is not on record: it cannot.
    """
    _require_subscription(tenant, tenant.exchange.permissions(request[CLAIMS], mailbox), operation)


def _require_subscription(tenant: Tenant, permissions: Permissions, operation: str) -> None:
    counted = permissions.all if tenant.exchange.subscribes_with_scope else permissions.granted
    if "Mail.Read" not in counted:
        raise subscription_denied(operation)
