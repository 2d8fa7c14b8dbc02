"""How the vault lets the app in, and over which TLS."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from shared.doctor.tls_probe import Place, handshake
from shared.tls import client_context, what_is_wrong
from tests.live.fact import Fact, NotPossible, Seen, settles
from tests.live.raw_vault import told
from tests.live.world import World

_SESSION = ("shared/vault/session.py",)


def _logged_in(answer_json: object) -> str:
    flags = answer_json if isinstance(answer_json, dict) else {}
    return ", ".join(f"{name} {flags.get(name)}" for name in ("IsLoggedToVault", "IsLoggedToApplication"))


@settles(
    Fact(
        "vault-wrong-password",
        "What is answered to a log-in with a wrong password, and to the next call?",
        expected="a token, then 403 with IsLoggedToVault false",
        depends=(*_SESSION, "shared/vault/refusals.py"),
        otherwise="the app would not read the password anew from Key Vault when it was changed",
    )
)
async def wrong_password(world: World) -> Seen:
    given = await world.vault.log_in(password="wrong on purpose, by the live check")
    if not given.is_success:
        return Seen(f"the log-in itself: {told(given)}", agrees=False)
    refused = await world.vault.send("GET", "/session", token=given.json()["Value"])
    is_json = "json" in refused.headers.get("Content-Type", "")
    flags = refused.json() if is_json else {}
    right = refused.status_code == 403 and flags.get("IsLoggedToVault") is False
    return Seen(f"a token, then {told(refused)}, {_logged_in(flags)}", right)


@settles(
    Fact(
        "vault-session",
        "What does the vault tell of the log-in: cookies, rights, name of the account?",
        depends=(*_SESSION, "shared/vault/ownership.py"),
        otherwise="nothing: twins whose maker is not known are left alone, and the journal says so",
    )
)
async def session(world: World) -> Seen:
    given = await world.vault.log_in()
    answer = await world.vault.send("GET", "/session", token=given.json()["Value"])
    cookies = sorted({cookie.name for cookie in world.vault.http.cookies.jar})
    about = answer.json() if answer.is_success else {}
    rights = sorted(name for name, granted in about.items() if granted is True)
    named = "UserID" in about and "AccountName" in about
    text = (
        f"{told(answer)}; cookies {cookies}; token {len(given.json()['Value'])} characters; rights {rights}"
    )
    return Seen(f"{text}; names its account: {named}")


@settles(
    Fact(
        "vault-unknown-token",
        "How is a token refused that the server does not know?",
        expected="403 with IsLoggedToVault false, in JSON",
        depends=(*_SESSION, "shared/vault/refusals.py"),
        otherwise="after a restart of the server the app would take the vault for down, not log in anew",
    )
)
async def unknown_token(world: World) -> Seen:
    refused = await world.vault.send("GET", "/session", token="bm9uZQ")
    flags = refused.json() if "json" in refused.headers.get("Content-Type", "") else {}
    right = refused.status_code == 403 and flags.get("IsLoggedToVault") is False
    return Seen(f"{told(refused)}, {_logged_in(flags)}", right)


@settles(
    Fact(
        "vault-guid-without-braces",
        "Is the vault's GUID taken without its braces?",
        depends=_SESSION,
        otherwise="nothing: the app sends it with them",
    )
)
async def guid_without_braces(world: World) -> Seen:
    given = await world.vault.log_in(VaultGuid=world.options.vault.guid.strip("{}"))
    if not given.is_success:
        return Seen(told(given))
    answer = await world.vault.send("GET", "/session", token=given.json()["Value"])
    return Seen(f"a token, then {told(answer)}")


def _agreed(place: Place, context: ssl.SSLContext) -> str:
    try:
        return handshake(place, context).version
    except OSError as error:
        return f"refused ({what_is_wrong(error) or type(error).__name__})"


def _tls_1_1(authorities: Path | None) -> ssl.SSLContext:
    """What a client offers that knows nothing newer: to see what the server takes, nothing is sent."""
    context = client_context(authorities)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@settles(
    Fact(
        "vault-tls",
        "Which version of TLS does the vault's server speak, and does it still take 1.1?",
        expected="1.2 or 1.3, with a certificate that this machine trusts",
        depends=("shared/tls.py", "docs/security.md"),
        otherwise="the app does not connect; the doctor's check vault-tls says what to do on the server",
    )
)
async def tls(world: World) -> Seen:
    if urlsplit(world.options.vault.url).scheme != "https":
        raise NotPossible("vault.url is not https")
    place, authorities = Place.of(world.options.vault.url), world.settings.vault_ca
    spoken = await asyncio.to_thread(_agreed, place, client_context(authorities))
    former = await asyncio.to_thread(_agreed, place, _tls_1_1(authorities))
    return Seen(f"{spoken}; offered TLS 1.1 alone: {former}", spoken in ("TLSv1.2", "TLSv1.3"))
