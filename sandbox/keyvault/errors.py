"""What Key Vault refuses, in its own words.

Shapes: learn.microsoft.com/azure/key-vault/general/rest-error-codes. Where no message is documented
there, the code is the one of the nearest documented case.
"""

from __future__ import annotations

from http import HTTPStatus

AUDIENCE = "https://vault.azure.net"


class VaultRefused(Exception):
    """A request that Key Vault answers with an error; `inner` is the code of its `innererror`, if any."""

    def __init__(self, status: int, code: str, message: str, inner: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner

    def body(self) -> dict[str, object]:
        """The body of the answer."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return {"error": error}


class Unauthorized(VaultRefused):
    """No token, or one that is not accepted; the answer carries the challenge."""

    def __init__(self, message: str) -> None:
        super().__init__(HTTPStatus.UNAUTHORIZED, "Unauthorized", message)


def challenge(authority_url: str) -> dict[str, str]:
    """The header of an answer to who has no token; `authority_url` is `https://HOST/TENANT`."""
    return {"WWW-Authenticate": f'Bearer authorization="{authority_url}", resource="{AUDIENCE}"'}


def bad_parameter(message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> VaultRefused:
    """A request that Key Vault does not understand."""
    return VaultRefused(status, "BadParameter", message)


def not_found(name: str) -> VaultRefused:
    """A secret, or a version of one (`NAME/VERSION`), that does not exist."""
    return VaultRefused(
        HTTPStatus.NOT_FOUND,
        "SecretNotFound",
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted this "
        "secret you may be able to recover it using the correct recovery command. For help resolving this "
        "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def not_deleted(name: str) -> VaultRefused:
    """Asking for a deleted secret where there is none of that name: words on record."""
    return VaultRefused(HTTPStatus.NOT_FOUND, "SecretNotFound", f"Deleted Secret not found: {name}")


def is_deleted(name: str) -> VaultRefused:
    """Setting a secret whose name belongs to a deleted one."""
    return VaultRefused(
        HTTPStatus.CONFLICT,
        "Conflict",
        f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in "
        "this state, the secret can only be recovered or purged.",
        "ObjectIsDeletedButRecoverable",
    )


def access_denied(app_id: str, issuer: str, permission: str, vault: str) -> VaultRefused:
    """A known application that lacks a permission."""
    return VaultRefused(
        HTTPStatus.FORBIDDEN,
        "Forbidden",
        f"The user, group or application 'appid={app_id};iss={issuer}' does not have secrets {permission} "
        f"permission on key vault '{vault};location=local'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287",
        "AccessDenied",
    )


def disabled() -> VaultRefused:
    """Reading a version that is disabled."""
    message = "Operation get is not allowed on a disabled secret."
    return VaultRefused(HTTPStatus.FORBIDDEN, "Forbidden", message, "SecretDisabled")
