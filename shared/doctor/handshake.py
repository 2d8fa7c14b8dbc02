"""Graph's handshake as this machine does it: name, TLS, and the answer with the token.

Source: learn.microsoft.com/graph/change-notifications-delivery-webhooks (notificationUrl validation).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from shared.tls import client_context, connection_fault, what_is_wrong

ANSWER_WITHIN = 10.0
"""Seconds that Graph waits for the answer to a handshake."""
SLOW = 3.0
"""Seconds after which Graph calls an answer to a notification slow."""
NO_CONNECTION = "no connection"
"""How what `tls_1_2` says begins where TLS is not even reached."""
_CONNECT_WITHIN = 5.0
_LARGEST_ANSWER = 64 * 1024


@dataclass(frozen=True)
class Shaken:
    """What an address has answered: what is wrong with it, if anything is, and after how many seconds."""

    wrong: str = ""
    seconds: float = 0.0


async def shake(address: str) -> Shaken:
    """Send a validation token to `address`, as Graph does, and judge the answer as Graph does."""
    token = f"Validation: Vaultpost doctor Request-Id: {uuid.uuid4()}"
    began = time.monotonic()
    try:
        async with (
            asyncio.timeout(ANSWER_WITHIN),
            httpx.AsyncClient(verify=client_context(), timeout=ANSWER_WITHIN) as client,
            client.stream(
                "POST",
                address,
                params={"validationToken": token},
                headers={"Content-Type": "text/plain; charset=utf-8"},
            ) as answer,
        ):
            body = await _beginning(answer)
    except TimeoutError:
        return Shaken(f"did not answer within {ANSWER_WITHIN:.0f} s")
    except httpx.HTTPError as error:
        return Shaken(connection_fault("it", error))
    seconds = time.monotonic() - began
    return Shaken(_what_is_wrong(answer, body, token), seconds)


async def _beginning(answer: httpx.Response) -> bytes:
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > _LARGEST_ANSWER:
            break
    return body


def _what_is_wrong(answer: httpx.Response, body: bytes, token: str) -> str:
    if answer.status_code != HTTPStatus.OK:
        return f"answered {answer.status_code}, not 200"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
    if kind != "text/plain":
        return f"answered {kind or 'no type'}, not text/plain"
    return "" if body == token.encode() else "did not send back the token that it was sent"


async def resolved(host: str) -> list[str]:
    """The addresses of a host; none where its name is not known."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(one[4][0]) for one in found})


def is_public(address: str) -> bool:
    """Whether an address is one of the internet."""
    return ipaddress.ip_address(address.partition("%")[0]).is_global


async def tls_1_2(address: str) -> str:
    """What is wrong with TLS 1.2 at an https address; empty where it is spoken.

    Graph speaks no newer one to a notification address (a server with 1.3 alone fails its handshake).
    """
    parts = urlsplit(address)
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        async with asyncio.timeout(_CONNECT_WITHIN):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=context, server_hostname=parts.hostname
            )
    except TimeoutError:
        return f"{NO_CONNECTION} within {_CONNECT_WITHIN:.0f} s"
    except OSError as error:
        wrong = what_is_wrong(error)
        if wrong is None:
            return f"{NO_CONNECTION} ({type(error).__name__})"
        is_of_version = wrong.startswith(("it speaks no TLS", "TLS fails"))
        return f"it does not speak TLS 1.2 as Graph does ({wrong})" if is_of_version else wrong
    writer.close()
    return ""
