"""Why the certificate of the vault's server is refused, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.doctor.commands import Commands
from shared.doctor.finding import Finding, failed
from shared.doctor.tls_probe import Place, Sent
from shared.doctor.vault_way import VAULT_TLS
from shared.tls import (
    CA_SETTING,
    EXPIRED,
    NOT_YET_VALID,
    OTHER_HOST,
    SELF_SIGNED,
    UNKNOWN_ISSUER,
    UNTRUSTED_ROOT,
)


@dataclass(frozen=True)
class Refused:
    """A refused certificate: OpenSSL's code and words for it, and what the server sent."""

    place: Place
    code: int
    message: str
    chain: Sequence[Sent]
    now: datetime


def refused_certificate(refused: Refused, commands: Commands, *, has_authorities: bool) -> Finding:
    """The finding; `has_authorities` says whether VAULTPOST_VAULT_CA is set."""
    place, code = refused.place, refused.code
    own = refused.chain[0] if refused.chain else None
    if code == EXPIRED:
        return _expired(place, own, refused.now)
    if code == NOT_YET_VALID:
        since = f", but from {own.begins:%Y-%m-%d} on" if own is not None else ""
        return failed(
            VAULT_TLS,
            f"the certificate of {place} is not valid yet{since}",
            "Look at the clock of the machine that issued it, and put a valid one into the https binding.",
        )
    if code in OTHER_HOST:
        return failed(
            VAULT_TLS,
            f'the certificate of {place} is for another host than "{place.host}"',
            f'Write the name that it is for in vault.url, or put one for "{place.host}" into the https '
            f"binding of the web site. See: openssl s_client -connect {place} -servername {place.host} "
            "</dev/null | openssl x509 -noout -ext subjectAltName",
        )
    if code in {SELF_SIGNED, UNTRUSTED_ROOT, *UNKNOWN_ISSUER}:
        return _not_trusted(refused, _trust(commands, has_authorities=has_authorities))
    return failed(
        VAULT_TLS,
        f"the certificate of {place} is refused: {refused.message}",
        "Put another one into the https binding of the vault's web site in IIS.",
    )


def _expired(place: Place, own: Sent | None, now: datetime) -> Finding:
    if own is not None and own.ends <= now:
        return failed(
            VAULT_TLS,
            f"the certificate of {place} has expired on {own.ends:%Y-%m-%d}",
            "Put a new one into the https binding of the vault's web site in IIS.",
        )
    return failed(
        VAULT_TLS,
        f"the certificate of {place} is of an authority whose own certificate has expired",
        "Renew the intermediate certificates on the vault's server (certlm.msc, Intermediate Certification "
        f"Authorities), and what stands in the file of {CA_SETTING}, if it is set.",
    )


def _not_trusted(refused: Refused, trust: str) -> Finding:
    place, chain = refused.place, refused.chain
    if refused.code == SELF_SIGNED:
        return failed(
            VAULT_TLS,
            f"the certificate of {place} is self-signed: no authority vouches for it",
            "Put one of a public authority, or of your own, into the https binding of the web site; or trust "
            f"this one: {trust}",
        )
    issuer = f'"{chain[-1].issuer}"' if chain and chain[-1].issuer else "an authority"
    if refused.code == UNTRUSTED_ROOT or len(chain) > 1:
        return failed(
            VAULT_TLS,
            f"the certificate of {place} comes from {issuer}, which is not trusted",
            _sentence(trust),
        )
    # OpenSSL says the same of both, and nothing of what was sent tells them apart.
    return failed(
        VAULT_TLS,
        f"the certificate of {place} comes from {issuer}, which is not known, and the server sends no "
        "certificate of it: it is an intermediate authority whose certificate is missing, as often with IIS, "
        "or an authority of your own",
        "Of a public authority: import its intermediate certificate on the vault's server (certlm.msc, "
        "Intermediate Certification Authorities) and restart IIS (iisreset), which sends it from then on; "
        f"browsers fetch it themselves, so they do not show this. Of your own: {trust}",
    )


def _trust(commands: Commands, *, has_authorities: bool) -> str:
    if has_authorities:
        return (
            f"the file that {CA_SETTING} names does not have it: add the authority's certificate to that "
            "file, as Base-64 encoded X.509 (PEM)."
        )
    return (
        "export the authority's certificate as Base-64 encoded X.509 (PEM), deploy the file with the app, "
        f"and name it: {commands.setting(CA_SETTING, 'FILE.pem')}"
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
