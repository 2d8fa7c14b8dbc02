"""Signed assertions by which an application signs in, instead of with a secret (RFC 7523).

By a certificate: learn.microsoft.com/entra/identity-platform/certificate-credentials. By a token of another
identity: learn.microsoft.com/entra/workload-id/workload-identity-federation.

Codes: learn.microsoft.com/entra/identity-platform/reference-error-codes; those of federated credentials, and
the texts, as services were seen to answer. Not on record, so the strict reading: the order of the checks, the
status, that the times are compared without tolerance, and 1000502 for a certificate before its time. That an
assertion comes twice is no reason to refuse it: the Azure SDK repeats a request as it is.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.tenant.directory import AppRegistration, Directory, FederatedCredential
from sandbox.tenant.sign_in_refusals import SignInRefused, client_refused
from sandbox.tenant.tokens import TokenIssuer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS256", "PS256")
THUMBPRINTS = frozenset({"x5t", "x5t#S256"})
_UNVERIFIED: jwt.types.Options = {"verify_signature": False}
_SIGNATURE_ONLY: jwt.types.Options = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_REVIEW = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


@dataclass(frozen=True)
class Presented:
    """An assertion as it came, nothing of it verified."""

    token: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def text(self, claim: str) -> str:
        """A claim that is a text; empty where it is none."""
        value = self.claims.get(claim)
        return value if isinstance(value, str) else ""

    def time(self, claim: str) -> float:
        """A claim that is a time in Unix seconds. Raises SignInRefused."""
        value = self.claims.get(claim)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _malformed()
        return value


@dataclass(frozen=True)
class AssertionCheck:
    """Whether an assertion proves an application of the directory."""

    directory: Directory
    issuer: TokenIssuer

    def check(self, application: AppRegistration, assertion: str, token_url: str) -> None:
        """Raises SignInRefused unless `assertion` is one of that application, for this endpoint."""
        presented = _read(assertion)
        if presented.text("iss") == application.client_id or THUMBPRINTS & presented.header.keys():
            self._by_certificate(application, presented, token_url)
        else:
            self._by_federation(application, presented)

    def _by_certificate(self, application: AppRegistration, presented: Presented, token_url: str) -> None:
        client_id = application.client_id
        if (presented.text("iss"), presented.text("sub")) != (client_id, client_id):
            message = "Client assertion application identifier doesn't match 'client_id' parameter."
            raise client_refused(700021, message)
        if presented.text("aud") != token_url:
            raise client_refused(700023, "Client assertion audience claim doesn't match Realm issuer.")
        if not presented.text("jti"):
            raise _malformed()
        self._check_signature(application, presented)
        self._check_time(presented)

    def _check_signature(self, application: AppRegistration, presented: Presented) -> None:
        thumbprint, certificate = self._certificate(application, presented)
        used = f"Thumbprint of key used by client: '{thumbprint.hex().upper()}'"
        if certificate is None:
            raise _invalid_signature(f"The key was not found., {used}")
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        now = self.issuer.now()
        if ends <= now:
            found = f"Found key 'Start={begins:%m/%d/%Y %H:%M:%S}, End={ends:%m/%d/%Y %H:%M:%S}'"
            raise _invalid_signature(f"The key used is expired., {used}, {found}")
        if now < begins:
            message = "The provided certificate is not within its specified validity window."
            raise client_refused(1000502, message)
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey) or not _has_signed(presented, key):
            raise _invalid_signature(
                f"The key was found, but use of the key to verify the signature failed., {used}"
            )

    def _certificate(
        self, application: AppRegistration, presented: Presented
    ) -> tuple[bytes, x509.Certificate | None]:
        """The thumbprint that the header names, and the certificate that has it."""
        name = "x5t#S256" if "x5t#S256" in presented.header else "x5t"
        algorithm = hashes.SHA256() if name == "x5t#S256" else hashes.SHA1()  # noqa: S303 - no proof # nosec B303
        thumbprint = _decoded(presented.header.get(name))
        known = self.directory.certificates(application.client_id)
        return thumbprint, next((one for one in known if one.fingerprint(algorithm) == thumbprint), None)

    def _by_federation(self, application: AppRegistration, presented: Presented) -> None:
        known = self.directory.federated_credentials(application.client_id)
        if not known:
            raise client_refused(
                70025,
                f"The client '{application.client_id}'({application.name}) has no configured federated "
                "identity credentials.",
            )
        _check_match(known, presented)
        if presented.text("iss") != self.issuer.exchange_issuer or not _has_signed(
            presented, self.issuer.public_key
        ):
            raise _malformed()
        self._check_time(presented)

    def _check_time(self, presented: Presented) -> None:
        now = self.issuer.now().timestamp()
        begins, ends = presented.time("nbf"), presented.time("exp")
        if not begins <= now < ends:
            raise client_refused(
                700024,
                f"Client assertion is not within its valid time range. Current time: {_written(now)}, "
                f"assertion valid from {_written(begins)}, expiry time of assertion {_written(ends)}.",
            )


def _check_match(known: tuple[FederatedCredential, ...], presented: Presented) -> None:
    """Raises SignInRefused unless one of the credentials has issuer, subject and audience."""
    issuer, subject, audience = (presented.text(claim) for claim in ("iss", "sub", "aud"))
    known = tuple(one for one in known if one.issuer == issuer)
    if not known:
        raise _no_match(700211, f"issuer '{issuer}'")
    known = tuple(one for one in known if one.subject == subject)
    if not known:
        raise _no_match(700213, f"subject '{subject}'")
    if not any(one.audience == audience for one in known):
        raise _no_match(700212, f"audience '{audience}'")


def _read(assertion: str) -> Presented:
    try:
        read = jwt.decode_complete(assertion, options=_UNVERIFIED)
    except jwt.PyJWTError:
        raise _malformed() from None
    return Presented(assertion, read["header"], read["payload"])


def _has_signed(presented: Presented, key: RSAPublicKey) -> bool:
    try:
        jwt.decode(presented.token, key, algorithms=list(ALGORITHMS), options=_SIGNATURE_ONLY)
    except jwt.PyJWTError:
        return False
    return True


def _decoded(thumbprint: object) -> bytes:
    """Base64 for URLs, with its padding or without: azure-identity sends it."""
    text = thumbprint if isinstance(thumbprint, str) else ""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _malformed() -> SignInRefused:
    return client_refused(50027, "JWT token is invalid or malformed.")


def _invalid_signature(reason: str) -> SignInRefused:
    return client_refused(700027, f"Client assertion contains an invalid signature. [Reason - {reason}]")


def _no_match(code: int, what: str) -> SignInRefused:
    return client_refused(
        code, f"No matching federated identity record found for presented assertion {what}. {_REVIEW}"
    )


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
