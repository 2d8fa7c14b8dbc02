"""Certificates that are wrong in one way each: a client of today refuses every one, and for that reason."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox.pki import Authority, ServerCertificate

Make = Callable[[Authority], ServerCertificate]
VERIFY_CODES: dict[str, tuple[Make, int]] = {
    "expired": (lambda one: one.ending_in(-1), 10),
    "not yet valid": (lambda one: one.ending_in(120), 9),
    "other host": (lambda one: one.for_other_host(), 64),
    "intermediate missing": (lambda one: one.by_intermediate(shown=False), 20),
    "self-signed": (lambda one: one.self_signed(), 18),
}
"""docs.openssl.org, X509_STORE_CTX_get_error."""


def met(server: ssl.SSLContext, client: ssl.SSLContext) -> str | None:
    """The version that both agree on. Raises what the client does."""
    here, there = socket.socketpair()
    there.settimeout(5.0)
    here.settimeout(5.0)

    def answer() -> None:
        with suppress(OSError), server.wrap_socket(there, server_side=True) as tls:
            tls.recv(1)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with here, client.wrap_socket(here, server_hostname="127.0.0.1") as tls:
            return tls.version()
    finally:
        here.close()
        thread.join()
        there.close()


def client_of(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.bundle))


@pytest.mark.parametrize("case", VERIFY_CODES)
def test_a_wrong_certificate_is_refused_for_what_is_wrong_with_it(case: str, authority: Authority) -> None:
    wrong, code = VERIFY_CODES[case]
    with pytest.raises(ssl.SSLCertVerificationError) as refused:
        met(wrong(authority).context(), client_of(authority))

    assert refused.value.verify_code == code


@pytest.mark.parametrize(
    "made",
    [
        lambda one: one.server,
        lambda one: one.by_intermediate(shown=True),
        lambda one: one.ending_in(20),
    ],
    ids=["direct", "whole chain", "soon to end"],
)
def test_a_good_one_is_taken(made: Make, authority: Authority) -> None:
    assert met(made(authority).context(), client_of(authority)) == "TLSv1.3"


def test_one_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        met(Authority.create(tmp_path / "other").server_context(), client_of(authority))


@pytest.mark.parametrize(
    ("newest", "spoken"), [(ssl.TLSVersion.TLSv1, "TLSv1"), (ssl.TLSVersion.TLSv1_1, "TLSv1.1")]
)
def test_an_old_server_speaks_with_old_clients_alone(
    newest: ssl.TLSVersion, spoken: str, authority: Authority
) -> None:
    """OpenSSL 3 still can, at security level 0: without that the tests of refusals would say nothing."""
    server = authority.server.old_context(newest)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(authority.bundle)
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.set_ciphers("DEFAULT@SECLEVEL=0")

    assert met(server, old) == spoken
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        met(server, client_of(authority))
