"""A TLS server that sends its alerts, as real ones do: that of asyncio hangs up without a word."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sandbox.serving import listening


@dataclass
class Server:
    """What listens in a service's place, and what it was told; a handshake that has failed is no word."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    versions: list[str | None] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@contextmanager
def tls_server(
    context: ssl.SSLContext | None, answer: bytes = b"", *, resets: bool = False
) -> Iterator[Server]:
    """A server that notes the request that comes to it, gives that answer, and hangs up.

    Without a context it speaks no TLS. Where a handshake fails it says so, or, if it `resets`, does not.
    """
    with listening() as sock:
        server = Server(sock.getsockname()[1])
        thread = threading.Thread(target=_serve, args=(sock, context, answer, resets, server))
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # ends `accept`
            thread.join()


def _serve(
    sock: socket.socket, context: ssl.SSLContext | None, answer: bytes, resets: bool, server: Server
) -> None:
    while True:
        try:
            connection, _ = sock.accept()
        except OSError:
            return
        connection.settimeout(5.0)
        with suppress(OSError), connection:
            _talk(connection, context, answer, resets, server)


def _talk(
    connection: socket.socket, context: ssl.SSLContext | None, answer: bytes, resets: bool, server: Server
) -> None:
    if context is None:
        connection.recv(64 * 1024)
        connection.sendall(answer)
        return
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(_some(connection))
        except ssl.SSLError:
            if not resets:
                connection.sendall(outgoing.read())
            return
        else:
            break
    connection.sendall(outgoing.read())
    server.versions.append(tls.version())
    heard = b""
    while not heard:
        try:
            heard = tls.read(64 * 1024)
        except ssl.SSLWantReadError:
            incoming.write(_some(connection))
    server.heard.append(heard)
    tls.write(answer or b" ")
    connection.sendall(outgoing.read())


def _some(connection: socket.socket) -> bytes:
    """Raises ConnectionError when the other side has hung up."""
    received = connection.recv(64 * 1024)
    if not received:
        raise ConnectionError
    return received
