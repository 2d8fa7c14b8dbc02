"""Access tokens as Entra ID issues them to applications: signed JSON Web Tokens, version 1.0.

Claims and their meaning: learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

ALGORITHM = "RS256"
REQUIRED = ("aud", "iss", "iat", "nbf", "exp", "appid", "tid")

# The first that fits is the reason; a class stands before those that it inherits from.
REASONS: tuple[tuple[type[jwt.PyJWTError], str], ...] = (
    (jwt.InvalidSignatureError, "wrong signature"),
    (jwt.InvalidAlgorithmError, "wrong signature"),
    (jwt.InvalidIssuerError, "wrong issuer"),
    (jwt.InvalidAudienceError, "wrong audience"),
    (jwt.PyJWTError, "malformed token"),
)


@dataclass(frozen=True)
class Claims:
    """What a verified token says: the application, what it may do, for which service, until when (UTC)."""

    app_id: str
    roles: frozenset[str]
    audience: str
    expires: datetime


class TokenRefused(Exception):
    """An Authorization header that does not let its sender in; `reason` says why, in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def utc_now() -> datetime:
    """The present time, aware, in UTC."""
    return datetime.now(UTC)


class TokenIssuer:
    """The signing side of one tenant, and the check that every service of the sandbox makes."""

    def __init__(self, tenant_id: str, now: Callable[[], datetime] = utc_now) -> None:
        self.tenant_id = tenant_id
        self.issuer = f"https://sts.windows.net/{tenant_id}/"
        self.exchange_issuer = f"https://login.microsoftonline.com/{tenant_id}/v2.0"
        self._now = now
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = uuid.uuid4().hex
        self._given: dict[str, set[str]] = {}
        self._taken_back: set[str] = set()

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock of the tenant."""
        return self._now

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """What its signatures are verified with."""
        return self._key.public_key()

    def issue(
        self,
        client_id: str,
        audience: str,
        roles: Sequence[str],
        lifetime: timedelta,
        *,
        object_id: str = "",
    ) -> str:
        """A token for the use of `audience` during `lifetime`; without roles it has no such claim.

        `object_id` is that of the principal.
        """
        issued, token_id = int(self._now().timestamp()), uuid.uuid4().hex
        self._given.setdefault(audience, set()).add(token_id)
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": self.issuer,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(lifetime.total_seconds()),
            "appid": client_id,
            "tid": self.tenant_id,
            "uti": token_id,
            "ver": "1.0",
        }
        if object_id:
            claims |= {"oid": object_id, "sub": object_id}
        if roles:
            claims["roles"] = sorted(roles)
        return self._signed(claims)

    def issue_exchange(self, client_id: str, object_id: str, audience: str, lifetime: timedelta) -> str:
        """A token of version 2.0 by which a managed identity signs in for an application.

        Issuer and subject: learn.microsoft.com/entra/workload-id/
        workload-identity-federation-config-app-trust-managed-identity. That its audience is written as it was
        asked for is not verified: the real one may be that resource's id.
        """
        issued = int(self._now().timestamp())
        return self._signed(
            {
                "aud": audience,
                "iss": self.exchange_issuer,
                "iat": issued,
                "nbf": issued,
                "exp": issued + int(lifetime.total_seconds()),
                "azp": client_id,
                "oid": object_id,
                "sub": object_id,
                "tid": self.tenant_id,
                "uti": uuid.uuid4().hex,
                "ver": "2.0",
            }
        )

    def _signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})

    def expire(self, audience: str) -> None:
        """Refuse every token for `audience` that was issued so far, as if its time were over."""
        self._taken_back |= self._given.pop(audience, set())

    def verify(self, authorization_header: str | None, audience: str) -> Claims:
        """The claims of a header `Bearer TOKEN`.

        Raises TokenRefused for a missing header, another scheme, a malformed token, and one with a wrong
        signature, issuer or audience, not valid yet, or expired.
        """
        claims = self._decode(_bearer(authorization_header), audience)
        now = self._now().timestamp()
        if now < claims["nbf"]:
            raise TokenRefused("token is not valid yet")
        if now >= claims["exp"] or claims.get("uti") in self._taken_back:
            raise TokenRefused("token has expired")
        return Claims(
            app_id=claims["appid"],
            roles=frozenset(claims.get("roles", ())),
            audience=claims["aud"],
            expires=datetime.fromtimestamp(claims["exp"], UTC),
        )

    def _decode(self, token: str, audience: str) -> Mapping[str, Any]:
        # PyJWT would compare times with the machine's clock; verify() compares them with the tenant's.
        options: jwt.types.Options = {
            "require": list(REQUIRED),
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        }
        try:
            return jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=self.issuer,
                options=options,
            )
        except jwt.PyJWTError as error:
            raise TokenRefused(_reason(error)) from error


def _bearer(header: str | None) -> str:
    if not header:
        raise TokenRefused("no Authorization header")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused("not a Bearer token")
    if not token or not token.isascii():
        raise TokenRefused("malformed token")
    return token


def _reason(error: jwt.PyJWTError) -> str:
    return next(reason for kind, reason in REASONS if isinstance(error, kind))
