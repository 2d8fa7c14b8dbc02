"""TLS of the app's own clients, and what is said when a secure connection fails.

Version 1.2 is the least, and certificate and host name are checked. The clients of the Azure SDK make their
contexts themselves: docs/decisions/tls.md says why they need nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx

from shared.errors import ConfigurationFault

CA_SETTING = "VAULTPOST_VAULT_CA"
NO_SUCH_VERSION = frozenset(
    {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "NO_PROTOCOLS_AVAILABLE"}
)
"""OpenSSL's reasons where both sides have no version of TLS in common: the server says so, or offers one that
is refused."""
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"})
"""Reasons where what came back is no TLS at all."""
EXPIRED, NOT_YET_VALID, SELF_SIGNED, UNTRUSTED_ROOT = 10, 9, 18, 19
UNKNOWN_ISSUER = frozenset({2, 20, 21})
OTHER_HOST = frozenset({62, 64})
"""What makes OpenSSL refuse a certificate (docs.openssl.org, X509_STORE_CTX_get_error); that its issuer is
not known has several codes, that it is for another host has one for names and one for addresses."""
_SAID = {
    EXPIRED: "its certificate has expired",
    NOT_YET_VALID: "its certificate is not valid yet",
    SELF_SIGNED: "its certificate is not trusted: it has signed itself",
    UNTRUSTED_ROOT: "its certificate is not trusted: the authority it comes from is not known",
    **dict.fromkeys(
        UNKNOWN_ISSUER,
        "its certificate is not trusted: the authority it comes from is not known, or a certificate between "
        "the two is missing",
    ),
    **dict.fromkeys(OTHER_HOST, "its certificate is for another host"),
}


def client_context(authorities: Path | None = None) -> ssl.SSLContext:
    """The context of one client: TLS 1.2 at least, certificate and host name checked.

    Trusted are the authorities of `SSL_CERT_FILE` or `SSL_CERT_DIR`, without these the public ones, as httpx
    does it; and, beside them, the certificates in the PEM file `authorities`: also one that is no root.
    Raises ConfigurationFault when that file cannot be read.
    """
    context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except OSError as error:  # an ssl.SSLError is one
            raise ConfigurationFault(
                f"The file that {CA_SETTING} names cannot be read as certificates ({type(error).__name__}).",
                f"Set {CA_SETTING} to a file of certificates in PEM form, which the app can read.",
            ) from None
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def what_is_wrong(error: BaseException) -> str | None:
    """What made a secure connection fail, of any client's exception; None where it was something else.

    Nothing of it is out of the certificate.
    """
    # Of Python's own types: aiohttp's, which are of their family, know nothing more.
    found = next(
        (one for one in _causes(error) if type(one) in (ssl.SSLError, ssl.SSLCertVerificationError)), None
    )
    if isinstance(found, ssl.SSLCertVerificationError):
        return _SAID.get(found.verify_code, f"its certificate is refused ({found.verify_message})")
    reason = found.reason if isinstance(found, ssl.SSLError) else None
    if reason in NO_SUCH_VERSION:
        return "it speaks no TLS 1.2 or newer"
    if reason in NO_TLS:
        return "what answers there speaks no TLS"
    return f"TLS fails ({reason})" if reason else None


def connection_fault(service: str, error: BaseException) -> str:
    """What is said when `service` could not be reached, or its answer was cut."""
    wrong = what_is_wrong(error)
    if wrong is None:
        return f"{service} did not answer in full ({type(error).__name__})"
    return f"no secure connection to {service}: {wrong}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those that it comes from; the Azure SDK names the cause in a field of its own."""
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = getattr(one, "inner_exception", None)
        todo += [one.__context__, one.__cause__, inner if isinstance(inner, BaseException) else None]
