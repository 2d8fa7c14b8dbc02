"""Whether the account of the vault can log in."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.configuration import VaultSection
from shared.doctor.finding import Finding, failed, not_run, ok
from shared.doctor.vault_parts import VaultParts
from shared.errors import ConfigurationFault, Permanent, Transient
from shared.secret_faults import Remedies
from shared.tls import client_context
from shared.vault.answers import SessionInfo, VaultOnServer
from shared.vault.refusals import NotLoggedIn, RefusedByWebServer, RequestRefused
from shared.vault.session import PASSWORD, USERNAME, LogInRefused, Session, StoppedBefore

VAULT_LOGIN = "vault-login"
_MOVED = range(300, 400)


async def check_login(parts: VaultParts) -> Sequence[Finding]:
    """Log in anew, with a session of the check's own: the token that the app has may be good still."""
    vault = parts.configuration().vault
    tls = client_context(parts.settings.vault_ca)
    session = Session(vault.url, vault.guid, parts.secrets(), domain=vault.domain, tls=tls)
    try:
        info, name = await session.with_login(lambda token: _asked(session, token, vault.guid))
    except (Transient, Permanent, RequestRefused) as fault:
        return [_why(fault, vault, session.account, parts.settings.key_vault_url)]
    finally:
        await session.close()
    account = info.account_name or session.account
    of = f'vault "{name}"' if name else f"the vault {vault.guid}"
    return [ok(VAULT_LOGIN, f"{account} is logged in to {of}")]


async def _asked(session: Session, token: str, guid: str) -> tuple[SessionInfo, str]:
    """Who is logged in, and what the vault is called, where the server tells.

    developer.m-files.com, REST API reference, /session and /server/vaults. Raises what `Session.answer` does.
    """
    info = await session.answer(token, "GET", "/session", SessionInfo)
    query = {"online": "true"}
    try:
        vaults = await session.answer(token, "GET", "/server/vaults", list[VaultOnServer], params=query)
    except (NotLoggedIn, RequestRefused, ConfigurationFault, Transient):
        return info, ""  # a token of one vault need not be good for a question to the server
    wanted = guid.strip("{}").casefold()
    return info, next((one.name for one in vaults if one.guid.strip("{}").casefold() == wanted), "")


def _why(fault: Exception, vault: VaultSection, account: str, key_vault_url: str) -> Finding:
    if isinstance(fault, LogInRefused):
        return _not_in_vault(vault) if fault.in_server else _not_in_server(vault, account, key_vault_url)
    if isinstance(fault, StoppedBefore):
        return failed(
            VAULT_LOGIN,
            "a web server in front of M-Files answers 403 in its place",
            "Let the app's addresses through there: a web application firewall, or in IIS the IP Address and "
            "Domain Restrictions and Request Filtering of the web site, which must allow POST to /REST.",
        )
    if isinstance(fault, RefusedByWebServer):
        return _no_web_service(fault, vault)
    if isinstance(fault, Transient) and fault.origin == "keyvault":
        return not_run(VAULT_LOGIN, f"not looked at: {fault}")
    if isinstance(fault, Permanent):
        return failed(VAULT_LOGIN, fault.reason, fault.remedy)
    if isinstance(fault, RequestRefused):
        return failed(
            VAULT_LOGIN,
            f"M-Files takes the log-in and refuses the first request ({fault})",
            "Look in M-Files Admin whether the vault is online, and the user's license: Vault > Users.",
        )
    return failed(
        VAULT_LOGIN,
        f"M-Files cannot be used now: {fault}",
        "Look whether the service M-Files Server runs on the vault's server, whether the vault is online in "
        "M-Files Admin, and whether the application pool of its web site runs in IIS.",
    )


def _not_in_server(vault: VaultSection, account: str, key_vault_url: str) -> Finding:
    """The names are not told: they are secrets. Of one of Windows the form tells."""
    commands, windows = Remedies(key_vault_url), ""
    if vault.domain is None and ("\\" in account or "@" in account):
        windows = (
            f"The user name looks like one of Windows: set vault.domain in mail-sources.toml, and {USERNAME} "
            "without the domain. "
        )
    elif vault.domain is not None:
        windows = "vault.domain makes it one of Windows: take it out for an account of M-Files itself. "
    return failed(
        VAULT_LOGIN,
        "M-Files refuses the account: user name or password is wrong"
        + ("" if vault.domain is None else f' in domain "{vault.domain}"')
        + ", it is locked, or it is no login account of the server",
        f"{windows}Look at M-Files Admin > Login Accounts. Then set the secrets, each out of a file: "
        f"{commands.set(USERNAME)}; {commands.set(PASSWORD)}",
    )


def _not_in_vault(vault: VaultSection) -> Finding:
    return failed(
        VAULT_LOGIN,
        f"M-Files takes the account, but does not let it into the vault {vault.guid}",
        "Compare vault.guid in mail-sources.toml with M-Files Admin > the vault > Properties > Unique ID; "
        "make the account a user of that vault (Users > New User), and see that it has a license.",
    )


def _no_web_service(fault: RefusedByWebServer, vault: VaultSection) -> Finding:
    if fault.status in _MOVED:
        return failed(
            VAULT_LOGIN,
            f"what answers at vault.url sends the app elsewhere ({fault.status}), which it does not follow: "
            "password and token go to that address alone",
            "Write the address that it leads to in vault.url.",
        )
    path = urlsplit(vault.url).path.rstrip("/")
    said = f"there is no M-Files Web Service at {path}/REST of vault.url (answer {fault.status})"
    if fault.status != HTTPStatus.NOT_FOUND:
        said = f"the web server at vault.url answers {fault.status} to {path}/REST, and not as M-Files does"
    return failed(
        VAULT_LOGIN,
        said,
        "Set up M-Files Classic Web on the vault's server, which the web service is part of (IIS), or write"
        " the part before /REST in vault.url, such as https://HOST/m-files.",
    )
