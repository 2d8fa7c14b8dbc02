"""A private certificate authority: every simulated service is TLS, as the real ones are."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Authority:
    """Where the files of one private authority stand; clients trust `bundle`, servers show `certificate`."""

    directory: Path

    @property
    def bundle(self) -> Path:
        """PEM of the authority itself, for `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE`."""
        return self.directory / "authority.pem"

    @property
    def certificate(self) -> Path:
        """PEM chain of the server certificate for localhost and 127.0.0.1."""
        return self.directory / "server.pem"

    @property
    def key(self) -> Path:
        """PEM of the server's private key."""
        return self.directory / "server.key"

    @classmethod
    def create(cls, directory: Path) -> Authority:
        """Make a new authority and one server certificate, as files in `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        authority = cls(directory)
        issuer = trustme.CA(organization_name="Vaultpost sandbox")
        issuer.cert_pem.write_to_path(str(authority.bundle))
        server = issuer.issue_cert(*HOSTS)
        server.private_key_pem.write_to_path(str(authority.key))
        for number, part in enumerate(server.cert_chain_pems):
            part.write_to_path(str(authority.certificate), append=number > 0)
        return authority

    def server_context(self) -> ssl.SSLContext:
        """TLS as a server of the sandbox speaks it: version 1.2 at least."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context

    def environment(self) -> dict[str, str]:
        """The variables by which the clients of a new process trust this authority."""
        return {"SSL_CERT_FILE": str(self.bundle), "REQUESTS_CA_BUNDLE": str(self.bundle)}
