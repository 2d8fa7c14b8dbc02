"""Whether the app can speak to the vault's server: its name, the way to it, TLS, and the certificate."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from datetime import datetime
from urllib.request import getproxies, proxy_bypass

from shared.doctor import tls_probe
from shared.doctor.commands import Commands
from shared.doctor.finding import Finding, failed, ok, warning
from shared.doctor.tls_probe import Place, Shown
from shared.doctor.vault_certificate import Refused, refused_certificate
from shared.doctor.vault_parts import VaultParts
from shared.doctor.vault_way import VAULT_TLS, handshake_failed, not_connected
from shared.errors import ConfigurationFault
from shared.settings import Settings
from shared.tls import client_context

SOON = 21
"""Days: a certificate that ends sooner is a warning."""


async def check_tls(parts: VaultParts) -> Sequence[Finding]:
    """Connect to the vault's server as the app does, and where that fails, find out why."""
    url = parts.configuration().vault.url
    place = Place.of(url)
    if url.startswith("https:") and _goes_by_proxy(place):
        return [
            warning(
                VAULT_TLS,
                f"the app goes to {place} by the proxy of HTTPS_PROXY: the way there was not looked at",
                "See what vault-login says. For the direct way, take the setting HTTPS_PROXY out, or name "
                f"the host in NO_PROXY: {place.host}",
            )
        ]
    if url.startswith("http:"):
        return [await asyncio.to_thread(_plain, place)]
    try:
        context = client_context(parts.settings.vault_ca)
    except ConfigurationFault as fault:
        return [failed(VAULT_TLS, fault.reason, fault.remedy)]
    return [await asyncio.to_thread(_secure, place, context, parts.settings, parts.clock.now())]


def _goes_by_proxy(place: Place) -> bool:
    """As httpx decides it, by the environment."""
    known = getproxies()
    return bool(known.get("https") or known.get("all")) and not proxy_bypass(place.host)


def _plain(place: Place) -> Finding:
    try:
        tls_probe.connect(place).close()
    except OSError as error:
        return not_connected(place, error)
    return ok(VAULT_TLS, f"vault.url is http, to this machine: what answers at {place} is asked without TLS")


def _secure(place: Place, context: ssl.SSLContext, settings: Settings, now: datetime) -> Finding:
    """It blocks."""
    try:
        tls_probe.connect(place).close()
    except OSError as error:
        return not_connected(place, error)
    try:
        shown = tls_probe.handshake(place, context)
    except ssl.SSLCertVerificationError as error:
        refused = Refused(place, error.verify_code, error.verify_message, tls_probe.chain(place), now)
        return refused_certificate(refused, Commands(settings), has_authorities=settings.vault_ca is not None)
    except TimeoutError as error:
        return handshake_failed(place, error, None)
    except OSError as error:  # an ssl.SSLError is one
        return handshake_failed(place, error, tls_probe.version_for_anybody(place))
    return _well(place, shown, now)


def _well(place: Place, shown: Shown, now: datetime) -> Finding:
    days = (shown.ends - now).days
    agreed = f"{place} speaks {shown.version} with {shown.cipher}"
    said = f"{agreed}; its certificate is good until {shown.ends:%Y-%m-%d}"
    if days >= SOON:
        return ok(VAULT_TLS, said)
    return warning(
        VAULT_TLS,
        f"{said}: {days} more days",
        "Put a new certificate into the https binding of the vault's web site in IIS before it ends, or "
        "nothing is filed from then on.",
    )
