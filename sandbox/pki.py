"""A private certificate authority: every simulated service is TLS, as the real ones are.

For tests, it also gives what a client must refuse: certificates that are wrong in one way each.
"""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

HOSTS = ("localhost", "127.0.0.1")
OLD = ssl.TLSVersion.TLSv1_1
"""The last version that clients must refuse (RFC 8996)."""


@dataclass(frozen=True)
class ServerCertificate:
    """Files of a server: the PEM chain that it shows, and its private key."""

    chain: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """TLS as a server of the sandbox speaks it: version 1.2 at least."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.chain, self.key)
        return context

    def old_context(self, newest: ssl.TLSVersion = OLD) -> ssl.SSLContext:
        """TLS as a server of the past speaks it: nothing above `newest`.

        OpenSSL 3 can only do that at security level 0, as those versions sign with SHA-1.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = newest
        context.load_cert_chain(self.chain, self.key)
        return context


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

    @property
    def signing_key(self) -> Path:
        """PEM of the authority's own private key."""
        return self.directory / "authority.key"

    @property
    def server(self) -> ServerCertificate:
        """The server certificate for localhost and 127.0.0.1."""
        return ServerCertificate(self.certificate, self.key)

    @classmethod
    def create(cls, directory: Path) -> Authority:
        """Make a new authority and one server certificate, as files in `directory`."""
        directory.mkdir(parents=True, exist_ok=True)
        authority = cls(directory)
        issuer = trustme.CA(organization_name="Vaultpost sandbox")
        issuer.cert_pem.write_to_path(str(authority.bundle))
        issuer.private_key_pem.write_to_path(str(authority.signing_key))
        _write(issuer.issue_cert(*HOSTS), authority.server)
        return authority

    def server_context(self) -> ssl.SSLContext:
        """TLS as a server of the sandbox speaks it: version 1.2 at least."""
        return self.server.context()

    def environment(self) -> dict[str, str]:
        """The variables by which the clients of a new process trust this authority."""
        return {"SSL_CERT_FILE": str(self.bundle), "REQUESTS_CA_BUNDLE": str(self.bundle)}

    def ending_in(self, days: float) -> ServerCertificate:
        """A server certificate that ends so many days from now: negative, when it has ended."""
        end = datetime.now(UTC) + timedelta(days=days)
        made = self._issuer().issue_cert(*HOSTS, not_before=end - timedelta(days=90), not_after=end)
        return _write(made, self._files(f"ending-in-{days}"))

    def for_other_host(self) -> ServerCertificate:
        """A server certificate for another host than this machine."""
        return _write(self._issuer().issue_cert("other.example.com"), self._files("other-host"))

    def by_intermediate(self, *, shown: bool) -> ServerCertificate:
        """A server certificate of an authority below this one, whose own certificate is `shown` with it."""
        made = self._issuer().create_child_ca().issue_cert(*HOSTS)
        files = _write(made, self._files("whole-chain" if shown else "incomplete-chain"))
        if not shown:
            made.cert_chain_pems[0].write_to_path(str(files.chain))
        return files

    def self_signed(self) -> ServerCertificate:
        """A server certificate that no authority has signed."""
        files = self._files("self-signed")
        alone = trustme.CA(organization_name="Vaultpost sandbox, self-signed")
        alone.cert_pem.write_to_path(str(files.chain))
        alone.private_key_pem.write_to_path(str(files.key))
        return files

    def _issuer(self) -> trustme.CA:
        return trustme.CA.from_pem(self.bundle.read_bytes(), self.signing_key.read_bytes())

    def _files(self, name: str) -> ServerCertificate:
        return ServerCertificate(self.directory / f"{name}.pem", self.directory / f"{name}.key")


def _write(made: trustme.LeafCert, files: ServerCertificate) -> ServerCertificate:
    made.private_key_pem.write_to_path(str(files.key))
    for number, part in enumerate(made.cert_chain_pems):
        part.write_to_path(str(files.chain), append=number > 0)
    return files
