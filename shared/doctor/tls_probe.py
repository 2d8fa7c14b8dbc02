"""Looking at a server's TLS with handshakes, in which nothing is sent. It blocks: it runs in a thread."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

SECONDS = 5.0
"""For a connection, and for a handshake."""
_PORTS = {"https": 443, "http": 80}
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Place:
    """A server, by host and port."""

    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Place:
        """The server of a checked address."""
        parts = urlsplit(url)
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme])

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Shown:
    """What a handshake has agreed on, and until when the certificate holds."""

    version: str
    cipher: str
    ends: datetime


@dataclass(frozen=True)
class Sent:
    """A certificate that a server sends; `issuer` is the name of the authority that it says it is from."""

    issuer: str
    begins: datetime
    ends: datetime
    is_own_issuer: bool


def connect(place: Place) -> socket.socket:
    """A connection. Raises OSError, of which socket.gaierror says that the name is not known."""
    return socket.create_connection((place.host, place.port), timeout=SECONDS)


def handshake(place: Place, context: ssl.SSLContext) -> Shown:
    """What the server agrees on with a client of that context. Raises OSError, which ssl.SSLError is."""
    with connect(place) as plain, context.wrap_socket(plain, server_hostname=place.host) as tls:
        ends: Any = (tls.getpeercert() or {})["notAfter"]
        return Shown(*_agreed(tls), datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC))


def version_for_anybody(place: Place) -> str | None:
    """The newest version that the server speaks with a client that takes all, old ones too; None: none.

    Nothing is checked, so nothing may be sent.
    """
    try:
        with connect(place) as plain, _taking_all().wrap_socket(plain, server_hostname=place.host) as tls:
            return _agreed(tls)[0]
    except OSError:
        return None


def chain(place: Place) -> Sequence[Sent]:
    """The certificates that the server sends, its own first; empty where they cannot be had.

    Where Python does not show them all (before 3.13, but for an undocumented method), it is the first alone.
    """
    try:
        with connect(place) as plain, _taking_all().wrap_socket(plain, server_hostname=place.host) as tls:
            return [_sent(x509.load_der_x509_certificate(one)) for one in _certificates(tls)]
    except (OSError, ValueError):
        return []


def _taking_all() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")  # OpenSSL 3 has no TLS 1.0 and 1.1 above that level
    return context


def _agreed(tls: ssl.SSLSocket) -> tuple[str, str]:
    cipher = tls.cipher()
    return tls.version() or "", cipher[0] if cipher else ""


def _certificates(tls: ssl.SSLSocket) -> list[bytes]:
    public = getattr(tls, "get_unverified_chain", None)  # since Python 3.13
    if public is not None:
        return list(public())
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    if inner is None:
        own = tls.getpeercert(binary_form=True)
        return [own] if own else []
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner() or ()]


def _sent(certificate: x509.Certificate) -> Sent:
    return Sent(
        _name(certificate.issuer),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.issuer == certificate.subject,
    )


def _name(issuer: x509.Name) -> str:
    """What the authority is called: what somebody else wrote, so it is cut, and has no odd characters."""
    for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME, NameOID.ORGANIZATION_NAME):
        for one in issuer.get_attributes_for_oid(kind):
            text = "".join(letter for letter in str(one.value) if letter.isprintable())
            return text.replace('"', "'")[:_LONGEST_NAME]
    return ""
