"""A client certificate as Key Vault keeps it: the secret of a certificate's name holds its private key too.

Key Vault gives it as PKCS #12 in base64 (content type application/x-pkcs12) or as PEM (application/
x-pem-file), without a password: learn.microsoft.com/azure/key-vault/certificates/about-certificates.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from shared.credential_faults import GRAPH_CERTIFICATE, ProofRefused, Registration

_SECRET = f"Key Vault's secret {GRAPH_CERTIFICATE}"
_KEY_MARK = "PRIVATE KEY-----"


def usable_certificate(secret: str, now: datetime, app: Registration) -> bytes:
    """The private key and its own certificate out of `secret`, in PEM, as azure-identity takes them.

    Raises ProofRefused, without a word of what the secret holds, where it cannot be read, has no private
    key, or its time is not `now`.
    """
    key, certificates = _read(secret, app)
    if not isinstance(key, RSAPrivateKey):
        raise ProofRefused(
            f"{_SECRET} has a private key that is not RSA, which alone Entra ID takes.", app.new_certificate
        )
    own = next((one for one in certificates if one.public_key() == key.public_key()), None)
    if own is None:
        raise ProofRefused(f"{_SECRET} has no certificate of its private key.", app.new_certificate)
    _check_time(own, now, app)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + own.public_bytes(
        Encoding.PEM
    )


def _read(secret: str, app: Registration) -> tuple[PrivateKeyTypes, list[x509.Certificate]]:
    try:
        if "-----BEGIN" in secret:
            key, certificates = _of_pem(secret)
        else:
            key, certificates = _of_pkcs12(secret)
    except (ValueError, TypeError, UnsupportedAlgorithm, binascii.Error):
        raise ProofRefused(
            f"{_SECRET} cannot be read as a certificate: it is neither PKCS #12 in base64 nor PEM, or has a "
            "password.",
            f"Import it as a certificate, which takes the password away: {_imported(app)}. Or, instead: "
            f"{app.new_certificate}",
        ) from None
    if key is None:
        raise ProofRefused(
            f"{_SECRET} has no private key: only the public part was set, or the key is not exportable.",
            f"Import the whole certificate: {_imported(app)}. Or, instead: {app.new_certificate}",
        )
    return key, certificates


def _of_pem(text: str) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    data = text.encode()
    key = load_pem_private_key(data, None) if _KEY_MARK in text else None
    return key, x509.load_pem_x509_certificates(data)


def _of_pkcs12(text: str) -> tuple[PrivateKeyTypes | None, list[x509.Certificate]]:
    data = base64.b64decode("".join(text.split()), validate=True)
    key, own, others = pkcs12.load_key_and_certificates(data, None)
    return key, [*_present([own]), *others]


def _present(certificates: Iterable[x509.Certificate | None]) -> Iterable[x509.Certificate]:
    return (one for one in certificates if one is not None)


def _check_time(certificate: x509.Certificate, now: datetime, app: Registration) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if ends <= now:
        raise ProofRefused(
            f"The certificate that is {_SECRET} expired at {_written(ends)}.", app.new_certificate
        )
    if now < begins:
        raise ProofRefused(
            f"The certificate that is {_SECRET} is not valid before {_written(begins)}.",
            f"Wait until then, set the clock of the machine, or, instead: {app.new_certificate}",
        )


def _imported(app: Registration) -> str:
    return (
        f"az keyvault certificate import --vault-name {app.key_vault} --name {GRAPH_CERTIFICATE} "
        "--file FILE.pfx --password PASSWORD"
    )


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
