"""Refusals in the shape of Microsoft Graph: learn.microsoft.com/graph/errors

GraphError        an answer of 400 or above, with code and message

The functions below name each refusal. Codes and messages are those that the real service was seen to give;
where none is on record, the docstring says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


class GraphError(Exception):
    """The request is refused: `status` with `code` and `message` in the body, and `headers`."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self, request_id: str, client_request_id: str, now: datetime) -> dict[str, Any]:
        """The JSON body. `date` has no zone, as in the real answers; it is UTC."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "innerError": {
                    "date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                    "request-id": request_id,
                    "client-request-id": client_request_id,
                },
            }
        }


def unauthenticated(reason: str) -> GraphError:
    """401: no token, or one that is not for Graph."""
    return GraphError(401, "InvalidAuthenticationToken", reason)


def access_denied() -> GraphError:
    """403: the application lacks the permission for this mail."""
    return GraphError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def odata_disabled() -> GraphError:
    """403: an application access policy keeps the application from this mailbox.

    learn.microsoft.com/graph/auth-limit-mailbox-access
    """
    return GraphError(403, "ErrorAccessDenied", "Access to OData is disabled.")


def subscription_denied(operation: str) -> GraphError:
    """403: the application lacks the permission for what is subscribed to.

    `operation` is Create, Update, ...
    """
    reason = "Access is denied. Check credentials and try again."
    text = f"Operation: {operation}; Exception: [Status Code: Forbidden; Reason: {reason}]"
    return GraphError(403, "ExtensionError", text)


def bad_request(message: str) -> GraphError:
    """400 with the general code."""
    return GraphError(400, "BadRequest", message)


def unknown_segment(segment: str) -> GraphError:
    """400: a path that the service does not have."""
    return GraphError(400, "RequestBroker--ParseUri", f"Resource not found for the segment '{segment}'.")


def method_not_allowed() -> GraphError:
    """405: a verb that the resource does not have."""
    return GraphError(405, "ErrorInvalidRequest", "The OData request is not supported.")


def no_raw_value() -> GraphError:
    """405: `$value` of a reference attachment. The message is on record, its code is not.

    So is an item refused here that is no message, contact or event: what the service says then is not known.
    """
    message = (
        "'$value' segment is not supported for the given attachment. "
        "'$value' segment is only supported for File Attachments and Item Attachments"
    )
    return GraphError(405, "ErrorInvalidRequest", message)


def malformed_id() -> GraphError:
    """400: what stands in the path cannot be an id."""
    return GraphError(400, "ErrorInvalidIdMalformed", "Id is malformed.")


def item_not_found() -> GraphError:
    """404: a well-formed id of nothing in this mailbox."""
    return GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def mailbox_not_found(user: str) -> GraphError:
    """404: an address that nobody has, or an object id that is no mailbox."""
    if "@" in user:
        return GraphError(404, "ErrorInvalidUser", f"The requested user '{user}' is invalid.")
    return GraphError(404, "ResourceNotFound", "Resource could not be discovered.")


def unknown_property(name: str, entity: str) -> GraphError:
    """400: `$select` or `$expand` names a property that the type does not have."""
    reason = f"Could not find a property named '{name}' on type 'microsoft.graph.{entity}'."
    return bad_request(f"Parsing OData Select and Expand failed: {reason}")


def unwritable_property(name: str) -> GraphError:
    """400: a body names a property that the type does not have.

    The code and this message are on record. So are properties refused here that Graph has, and the sandbox
    has not.
    """
    return GraphError(
        400,
        "RequestBodyRead",
        f"The property '{name}' does not exist on type 'microsoft.graph.message'. Make sure to only use "
        "property names that are defined by the type or mark the type as open type.",
    )


def unreadable_value(name: str, expected: str) -> GraphError:
    """400: a value in a body is of another type. The exact message is not on record."""
    return GraphError(
        400, "RequestBodyRead", f"Cannot convert the value of '{name}' to the expected type '{expected}'."
    )


def missing_parameter(name: str) -> GraphError:
    """400: an action without a parameter that it needs. Code and message are not on record."""
    return GraphError(400, "ErrorInvalidParameter", f"The parameter '{name}' is missing or empty.")


def subscription_not_found() -> GraphError:
    """404: no such subscription, an expired one, or one of another application."""
    return GraphError(404, "ResourceNotFound", "The object was not found.")


def invalid_subscription(message: str) -> GraphError:
    """400: a subscription whose body is wrong. The exact messages are not on record."""
    return GraphError(400, "InvalidRequest", message)


def lifetime_too_long(minutes: int) -> GraphError:
    """400: the expiration lies further ahead than `minutes`."""
    message = f"Subscription expiration can only be {minutes} minutes in the future."
    return GraphError(400, "ExtensionError", message)


def validation_failed(reason: str) -> GraphError:
    """400: an address did not answer the validation request as it must."""
    return GraphError(400, "ValidationError", f"Subscription validation request failed. {reason}")


def twin_subscription(subscription_id: str) -> GraphError:
    """409: the application has one with the same change type and resource.

    learn.microsoft.com/graph/change-notifications-delivery-webhooks
    """
    message = f"Subscription Id {subscription_id} already exists for the requested combination"
    return GraphError(409, "ObjectIdentifierInUse", message)


def too_many_subscriptions(limit: int) -> GraphError:
    """403: the mailbox has `limit` subscriptions. The documentation gives the status, not the message.

    learn.microsoft.com/graph/change-notifications-overview
    """
    message = f"Number of subscriptions on the mailbox has reached its limit of {limit}."
    return GraphError(403, "ExtensionError", message)


def foreign_sync_state() -> GraphError:
    """410: a token of another mailbox or folder. The code is that of tokens in a bad state."""
    return GraphError(410, "SyncStateInvalid", "The sync state is invalid for this folder.")


def invalid_filter(text: str) -> GraphError:
    """400: a `$filter` or `$orderby` that mail does not take here. The message is ours."""
    return GraphError(400, "ErrorInvalidUrlQueryFilter", f"The query filter clause is invalid: '{text}'.")
