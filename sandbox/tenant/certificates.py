"""Certificates of an application, as Key Vault makes them: self-signed, and kept with their private key."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

PKCS12_TYPE = "application/x-pkcs12"
PEM_TYPE = "application/x-pem-file"
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class AppCertificate:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)

    @classmethod
    def create(
        cls, *, begins: datetime | None = None, lifetime: timedelta = YEAR, name: str = "vaultpost"
    ) -> AppCertificate:
        """A new one, good from `begins` (now) for `lifetime`."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        begins = begins or datetime.now(UTC) - timedelta(minutes=1)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + lifetime)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key)

    @property
    def pkcs12(self) -> str:
        """Key Vault's secret of a certificate of content type PKCS12_TYPE: base64, without a password."""
        packed = pkcs12.serialize_key_and_certificates(
            b"vaultpost", self.key, self.certificate, None, NoEncryption()
        )
        return base64.b64encode(packed).decode()

    @property
    def pem(self) -> str:
        """Key Vault's secret of a certificate of content type PEM_TYPE."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (key + self.certificate.public_bytes(Encoding.PEM)).decode()
