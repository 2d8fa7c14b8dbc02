"""Requests and answers of Key Vault as JSON: learn.microsoft.com/rest/api/keyvault/secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandbox.keyvault.errors import bad_parameter
from sandbox.keyvault.store import DeletedSecret, SecretVersion

RECOVERY_LEVEL = "Recoverable+Purgeable"
RECOVERABLE_DAYS = 90
LONGEST_VALUE = 25 * 1024

PROPERTIES: Mapping[str, type] = {"value": str, "contentType": str, "attributes": dict, "tags": dict}
ATTRIBUTES: Mapping[str, type] = {"enabled": bool, "nbf": int, "exp": int}


def bundle(secret: SecretVersion, origin: str) -> dict[str, Any]:
    """The answer to get and set: value and attributes of one version."""
    return {"value": secret.value, **item(secret, identifier(secret, origin, versioned=True))}


def deleted_bundle(secret: DeletedSecret, origin: str) -> dict[str, Any]:
    """The answer to get of a deleted secret: without its value."""
    newest = secret.versions[-1]
    purge = secret.deleted + timedelta(days=RECOVERABLE_DAYS)
    return {
        "recoveryId": f"{origin}/deletedsecrets/{newest.name}",
        "deletedDate": int(secret.deleted.timestamp()),
        "scheduledPurgeDate": int(purge.timestamp()),
        **item(newest, identifier(newest, origin, versioned=True)),
    }


def item(secret: SecretVersion, address: str) -> dict[str, Any]:
    """An entry of a list: everything but the value."""
    attributes: dict[str, Any] = {
        "enabled": secret.enabled,
        "created": int(secret.created.timestamp()),
        "updated": int(secret.updated.timestamp()),
        "recoveryLevel": RECOVERY_LEVEL,
        "recoverableDays": RECOVERABLE_DAYS,
        "nbf": secret.not_before,
        "exp": secret.expires,
    }
    answer = {
        "id": address,
        "attributes": {name: value for name, value in attributes.items() if value is not None},
        "contentType": secret.content_type,
        "tags": dict(secret.tags) if secret.tags is not None else None,
    }
    return {name: value for name, value in answer.items() if value is not None}


def identifier(secret: SecretVersion, origin: str, *, versioned: bool) -> str:
    """The address of a secret, or of one version of it."""
    address = f"{origin}/secrets/{secret.name}"
    return f"{address}/{secret.version}" if versioned else address


def set_arguments(body: bytes) -> tuple[str, dict[str, Any]]:
    """Value and keyword arguments of `SecretStore.set` from the body of a set request.

    Raises VaultRefused for broken JSON, an unknown or mistyped property, no value, and one over 25 kB.
    """
    try:
        given = json.loads(body)
    except ValueError as error:
        raise bad_parameter("The request body is not valid JSON.") from error
    properties = _checked(given, PROPERTIES)
    attributes = _checked(properties.get("attributes", {}), ATTRIBUTES)
    tags = properties.get("tags")
    if tags is not None and not all(isinstance(value, str) for value in tags.values()):
        raise bad_parameter("The tags are not strings.")
    value = properties.get("value")
    if value is None or len(value.encode(errors="surrogatepass")) > LONGEST_VALUE:
        raise bad_parameter("The secret value is missing or longer than 25 kB.")
    return value, {
        "enabled": attributes.get("enabled", True),
        "content_type": properties.get("contentType"),
        "tags": tags,
        "not_before": attributes.get("nbf"),
        "expires": attributes.get("exp"),
    }


def _checked(given: object, known: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad_parameter("The request body is not a JSON object.")
    for name, value in given.items():
        if name not in known:
            raise bad_parameter(f"Property '{name}' is not known.")
        if type(value) is not known[name]:
            raise bad_parameter(f"Property '{name}' has the wrong type.")
    return given
