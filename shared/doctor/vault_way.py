"""What keeps the app from a connection to the vault's server, and what to do about it."""

from __future__ import annotations

import socket
import ssl

from shared.doctor.finding import Finding, failed
from shared.doctor.tls_probe import SECONDS, Place
from shared.tls import NO_TLS

VAULT_TLS = "vault-tls"
_OLD = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})
_SCHANNEL = r"HKLM\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Server"


def not_connected(place: Place, error: OSError) -> Finding:
    """There is no connection at all."""
    if isinstance(error, socket.gaierror):
        return failed(
            VAULT_TLS,
            f'the name "{place.host}" of vault.url is not known to the app\'s DNS',
            f"See whether vault.url is right: nslookup {place.host}. A name of your own network needs the "
            "app in that network: Function App > Networking > Virtual network integration, and DNS servers "
            "that know the name (setting WEBSITE_DNS_SERVER).",
        )
    if isinstance(error, ConnectionRefusedError):
        return failed(
            VAULT_TLS,
            f"{place} refuses the connection: nothing listens on that port",
            "Look at the port in vault.url, at the binding of the vault's web site in IIS, and whether the "
            "site has been started.",
        )
    if isinstance(error, TimeoutError):
        return failed(
            VAULT_TLS,
            f"{place} does not answer: no connection in {SECONDS:.0f} s",
            f"Let the firewall before the vault's server take connections from the app to port {place.port}. "
            "The addresses it comes from: az functionapp show --resource-group GROUP --name APP --query "
            "possibleOutboundIpAddresses; or join the app to the vault's network.",
        )
    return failed(
        VAULT_TLS,
        f"{place} cannot be reached ({_kind(error)})",
        "Look at the way from the app to the vault's server: routes, Function App > Networking, firewall.",
    )


def handshake_failed(place: Place, error: OSError, version_for_anybody: str | None) -> Finding:
    """There is a connection and no TLS; the server speaks `version_for_anybody` with who takes all."""
    if isinstance(error, TimeoutError):
        return failed(
            VAULT_TLS,
            f"{place} takes the connection and then says nothing to a TLS handshake",
            "Look at the firewall, the load balancer or the proxy between the app and the vault's web "
            "server, and whether the port in vault.url is that of its https binding.",
        )
    if version_for_anybody in _OLD:
        return _too_old(place, version_for_anybody or "")
    if version_for_anybody is not None:
        return failed(
            VAULT_TLS,
            f"{place} speaks {version_for_anybody}, but only with ciphers or keys that are too weak",
            "Enable the cipher suites TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 and "
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 on the vault's server (Enable-TlsCipherSuite), or "
            "put a certificate with an RSA key of 2048 bits or more into its https binding.",
        )
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS:
        return failed(
            VAULT_TLS,
            f"what answers at {place} speaks no TLS",
            "Give the vault's web site in IIS an https binding, and write its port in vault.url.",
        )
    return failed(
        VAULT_TLS,
        f"{place} ends the connection in the TLS handshake ({_kind(error)})",
        "Look at the https binding of the vault's web site in IIS: it needs a certificate, and, where it "
        f'asks for a host name (SNI), the host name "{place.host}". See: '
        f"openssl s_client -connect {place} -servername {place.host}",
    )


def _too_old(place: Place, version: str) -> Finding:
    """The trap: Windows before Server 2016 may have TLS 1.2 off, as may one that was hardened long ago.

    Source: learn.microsoft.com/windows-server/security/tls/tls-registry-settings.
    """
    return failed(
        VAULT_TLS,
        f"{place} speaks {version} at most, and the app nothing below TLS 1.2: either the vault's Windows "
        "Server has TLS 1.2 off, as before Server 2016 or by its SCHANNEL settings, or an old proxy stands "
        "before it",
        f"On the vault's server, under {_SCHANNEL}, set the DWORD values Enabled=1 and DisabledByDefault=0, "
        "and restart it; or mend the proxy. In PowerShell: "
        f"New-Item 'Registry::{_SCHANNEL}' -Force; "
        f"Set-ItemProperty 'Registry::{_SCHANNEL}' -Name Enabled -Value 1 -Type DWord; "
        f"Set-ItemProperty 'Registry::{_SCHANNEL}' -Name DisabledByDefault -Value 0 -Type DWord",
    )


def _kind(error: OSError) -> str:
    """What kind of fault it is, without a text that the server wrote."""
    if isinstance(error, ssl.SSLError):
        return error.reason or type(error).__name__
    return error.strerror or type(error).__name__
