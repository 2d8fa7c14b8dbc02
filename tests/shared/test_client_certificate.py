"""What Key Vault keeps of a certificate: both of its forms are read, and what is wrong with one is named."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.tenant.certificates import AppCertificate
from shared.client_certificate import usable_certificate
from shared.credential_faults import CredentialFault, Registration

from .graph_apps import certificate

APP = Registration()
NOW = datetime.now(UTC)
MADE, OTHER = certificate(0), certificate(1)


def pem(made: AppCertificate) -> str:
    return made.certificate.public_bytes(Encoding.PEM).decode()


def key_pem(made: AppCertificate, password: bytes = b"") -> str:
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    return made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode()


def packed(made: AppCertificate, *more: AppCertificate, password: bytes = b"", whole: bool = True) -> str:
    hidden = BestAvailableEncryption(password) if password else NoEncryption()
    key = made.key if whole else None
    chain = [one.certificate for one in more]
    data = pkcs12.serialize_key_and_certificates(b"x", key, made.certificate, chain, hidden)
    return base64.b64encode(data).decode()


def elliptic() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (secret + made.public_bytes(Encoding.PEM)).decode()


@pytest.mark.parametrize(
    "secret",
    [
        MADE.pkcs12,
        MADE.pem,
        packed(MADE, OTHER),
        f"  {MADE.pkcs12[:64]}\r\n{MADE.pkcs12[64:]}\n",
        pem(MADE) + key_pem(MADE),
        pem(OTHER) + pem(MADE) + key_pem(MADE),
        MADE.pem.replace("\n", "\r\n"),
        f"Bag Attributes\n    friendlyName: vaultpost\n{MADE.pem}",
    ],
    ids=["pkcs12", "pem", "chain", "lines", "key-last", "own-last", "crlf", "openssl"],
)
def test_both_forms_give_the_key_and_its_own_certificate(secret: str) -> None:
    found = usable_certificate(secret, NOW, APP)

    assert x509.load_pem_x509_certificates(found) == [MADE.certificate]
    key = load_pem_private_key(found, None)
    assert key.public_key() == MADE.certificate.public_key()


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        ("", "cannot be read"),
        ("not a certificate", "cannot be read"),
        (base64.b64encode(b"neither is this").decode(), "cannot be read"),
        (MADE.pkcs12[:-40], "cannot be read"),
        (MADE.pem[:1200], "cannot be read"),
        (packed(MADE, password=b"x"), "password"),
        (pem(MADE) + key_pem(MADE, b"x"), "password"),
        (key_pem(MADE), "cannot be read"),
        (pem(MADE), "has no private key"),
        (packed(MADE, whole=False), "has no private key"),
        (pem(OTHER) + key_pem(MADE), "no certificate of its private key"),
        (elliptic(), "not RSA"),
    ],
    ids=[
        *("empty", "text", "base64", "cut-pkcs12", "cut-pem", "password", "pem-password", "key-alone"),
        *("no-key", "pkcs12-without-key", "other-certificate", "elliptic"),
    ],
)
def test_what_cannot_be_used_is_named_with_what_to_do(secret: str, says: str) -> None:
    with pytest.raises(CredentialFault, match=says) as caught:
        usable_certificate(secret, NOW, APP)

    assert "graph-client-certificate" in caught.value.reason
    assert "az keyvault certificate" in caught.value.remedy
    assert caught.value.rejected


def test_a_certificate_is_good_from_its_beginning_until_its_end() -> None:
    begins = MADE.certificate.not_valid_before_utc
    ends = MADE.certificate.not_valid_after_utc
    second = timedelta(seconds=1)

    assert usable_certificate(MADE.pem, begins, APP)
    assert usable_certificate(MADE.pem, ends - second, APP)
    with pytest.raises(CredentialFault, match="not valid before"):
        usable_certificate(MADE.pem, begins - second, APP)
    with pytest.raises(CredentialFault, match="expired at"):
        usable_certificate(MADE.pem, ends, APP)


@settings(max_examples=40)
@given(
    st.text(max_size=200)
    | st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode())
    | st.integers(0, len(MADE.pem)).map(lambda end: MADE.pem[:end])
    | st.integers(0, len(MADE.pem) - 9).map(lambda at: MADE.pem[:at] + "Vaultpost" + MADE.pem[at + 9 :])
)
def test_whatever_the_secret_is_it_is_used_or_refused_without_a_word_of_it(secret: str) -> None:
    told = ""
    try:
        usable_certificate(secret, NOW, APP)
    except CredentialFault as fault:
        told = str(fault)

    assert len(secret) < 30 or secret[20:30] not in told
