"""What a request to create or change a subscription may say.

learn.microsoft.com/graph/api/subscription-post-subscriptions, .../subscription-update
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sandbox.tenant.graph.errors import GraphError, bad_request, invalid_subscription, lifetime_too_long

# The documentation says 10,080; the service's own error says 10,070.
LONGEST_MINUTES = 10_070
# Any shorter life is silently raised to this one.
SHORTEST_MINUTES = 45
LONGEST_CLIENT_STATE = 128

CHANGE_TYPES = ("created", "updated", "deleted")
# Addresses with TLS 1.0 and 1.1 are refused since 2020.
TLS_VERSIONS = ("v1_2", "v1_3")

TYPE_NAME = "#microsoft.graph.subscription"
REQUIRED = ("changeType", "notificationUrl", "resource", "expirationDateTime")
OPTIONAL = ("clientState", "lifecycleNotificationUrl", "latestSupportedTlsVersion", "includeResourceData")
CHANGEABLE = ("expirationDateTime", "notificationUrl")

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,12})?)?(Z|[+-]\d\d:\d\d)")

RESOURCE = re.compile(
    r"/?users/(?P<user>[^/'?]+)"
    r"(?:/mailFolders(?:/(?P<folder>[^/'?]+)|\('(?P<quoted>[^'/?]+)'\)))?/messages",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Resource:
    """What is subscribed to: the messages of a mailbox, or of one folder of it (by id or well-known name)."""

    user: str
    folder: str | None


@dataclass(frozen=True)
class Terms:
    """A valid request to create a subscription."""

    change_type: str
    resource: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None
    expires: datetime
    tls_version: str

    @property
    def target(self) -> Resource:
        """What `resource` means."""
        return read_resource(self.resource)


def read_terms(body: Mapping[str, Any], now: datetime) -> Terms:
    """The terms in the body of a POST. Raises GraphError 400 for whatever the service refuses.

    Notifications with resource data (`includeResourceData`, `encryptionCertificate`) are refused too: a
    mail's text and attachments never come in them.
    """
    _only(body, (*REQUIRED, *OPTIONAL))
    for name in REQUIRED:
        if body.get(name) is None:
            raise invalid_subscription(f"Subscription must contain the '{name}' property and its value.")
    if body.get("includeResourceData") not in (None, False):
        raise invalid_subscription("Resource data is not supported for this resource without a certificate.")
    terms = Terms(
        change_type=_change_type(_string(body, "changeType")),
        resource=_string(body, "resource"),
        notification_url=_url(body, "notificationUrl"),
        lifecycle_url=_url(body, "lifecycleNotificationUrl")
        if _given(body, "lifecycleNotificationUrl")
        else None,
        client_state=_client_state(body) if _given(body, "clientState") else None,
        expires=read_expiration(_string(body, "expirationDateTime"), now),
        tls_version=_tls_version(body),
    )
    read_resource(terms.resource)
    return terms


@dataclass(frozen=True)
class Amendment:
    """A valid request to change a subscription; None leaves a term as it is."""

    expires: datetime | None
    notification_url: str | None


def read_amendment(body: Mapping[str, Any], now: datetime) -> Amendment:
    """The terms in the body of a PATCH. Raises GraphError 400 for whatever the service refuses.

    A lifecycle address cannot be added or changed:
    learn.microsoft.com/graph/change-notifications-lifecycle-events
    """
    _only(body, CHANGEABLE)
    given = [name for name in CHANGEABLE if _given(body, name)]
    if not given:
        names = " or ".join(f"'{name}'" for name in CHANGEABLE)
        raise invalid_subscription(f"Subscription must contain either the {names} property and its value.")
    return Amendment(
        expires=read_expiration(_string(body, CHANGEABLE[0]), now) if CHANGEABLE[0] in given else None,
        notification_url=_url(body, CHANGEABLE[1]) if CHANGEABLE[1] in given else None,
    )


def read_resource(text: str) -> Resource:
    """What a resource path means. Raises GraphError 400."""
    if re.match(r"/?me(/|$)", text, re.IGNORECASE):
        raise bad_request("/me request is only valid with delegated authentication flow.")
    found = RESOURCE.fullmatch(text)
    if found is None:
        raise invalid_subscription(f"Resource '{text}' is not supported.")
    return Resource(found["user"], found["folder"] or found["quoted"])


def read_expiration(text: str, now: datetime) -> datetime:
    """The end of a subscription, in UTC. Raises GraphError 400."""
    try:
        expires = datetime.fromisoformat(text).astimezone(UTC) if DATE_TIME.fullmatch(text) else None
    except (ValueError, OverflowError):
        expires = None
    if expires is None:
        raise bad_request(f"Cannot convert the literal '{text}' to the expected type 'Edm.DateTimeOffset'.")
    if expires <= now:
        raise invalid_subscription("Subscription expiration must be in the future.")
    if expires > now + timedelta(minutes=LONGEST_MINUTES):
        raise lifetime_too_long(LONGEST_MINUTES)
    return max(expires, now + timedelta(minutes=SHORTEST_MINUTES))


def _only(body: Mapping[str, Any], names: Iterable[str]) -> None:
    for name, value in body.items():
        if name == "@odata.type" and value == TYPE_NAME:
            continue
        if name not in names:
            raise _not_here(name)


def _not_here(name: str) -> GraphError:
    return bad_request(
        f"The property '{name}' does not exist on type 'microsoft.graph.subscription' or cannot be set. "
        "Make sure to only use property names that are defined by the type."
    )


def _given(body: Mapping[str, Any], name: str) -> bool:
    return body.get(name) is not None


def _string(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise bad_request(f"Cannot convert the value of '{name}' to the expected type 'Edm.String'.")
    return value


def _change_type(text: str) -> str:
    kinds = text.split(",")
    if len(set(kinds)) != len(kinds) or not set(kinds) <= set(CHANGE_TYPES):
        raise invalid_subscription(f"'{text}' is not a valid changeType for this resource.")
    return text


def _client_state(body: Mapping[str, Any]) -> str:
    text = _string(body, "clientState")
    if len(text) > LONGEST_CLIENT_STATE:
        raise invalid_subscription(f"clientState cannot be longer than {LONGEST_CLIENT_STATE} characters.")
    return text


def _tls_version(body: Mapping[str, Any]) -> str:
    if not _given(body, "latestSupportedTlsVersion"):
        return TLS_VERSIONS[0]
    text = _string(body, "latestSupportedTlsVersion")
    if text not in TLS_VERSIONS:
        raise invalid_subscription(f"'{text}' is not a supported TLS version.")
    return text


def _url(body: Mapping[str, Any], name: str) -> str:
    text = _string(body, name)
    if not _is_webhook(text):
        raise invalid_subscription(f"{name} must be an absolute https address.")
    return text


def _is_webhook(text: str) -> bool:
    """https, or http on this machine: the one thing that the sandbox allows and the real service does not."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or parts.fragment or parts.username is not None or re.search(r"\s", text):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
