"""Whose an object of M-Files is."""

from __future__ import annotations

from shared.errors import ConfigurationFault
from shared.vault.answers import Lookup, ObjectProperty, SessionInfo
from shared.vault.protocol import VaultObject
from shared.vault.refusals import NotLoggedIn, RequestRefused
from shared.vault.session import Session

CREATED_BY = 25
"""The built-in property Created by, a lookup over the vault's users (developer.m-files.com,
MFBuiltInPropertyDef)."""


async def made_by_own_account(session: Session, found: VaultObject) -> bool:
    """Whether the account that `session` logs in with has created the object; False when in doubt.

    Who is logged in is asked of `/session` (developer.m-files.com, REST API reference, Session); that its
    UserID counts as Created by does is the COM API's word, and no recorded answer shows it. Where a server
    does not say, the user's shown name decides, if it is the log-in name.
    Raises ConfigurationFault, Unavailable, and Transient when the log-in is refused.
    """

    async def work(token: str) -> bool:
        creator = await _creator(session, token, found)
        if creator is None:
            return False
        own = await _own_id(session, token)
        if own is not None:
            return creator.item == own
        return same_account(creator.display_value or "", session.account)

    try:
        return await session.with_login(work)
    except RequestRefused:
        return False


async def _creator(session: Session, token: str, found: VaultObject) -> Lookup | None:
    path = f"/objects/{found.type}/{found.id}/latest/properties"
    properties = await session.answer(token, "GET", path, list[ObjectProperty])
    return next((one.typed_value.lookup for one in properties if one.property_def == CREATED_BY), None)


async def _own_id(session: Session, token: str) -> int | None:
    try:
        return (await session.answer(token, "GET", "/session", SessionInfo)).user_id
    except (NotLoggedIn, RequestRefused, ConfigurationFault):
        # The token was good a moment ago: it is the address that this server does not have for it.
        return None


def same_account(shown: str, username: str) -> bool:
    """Whether a user's shown name is the log-in name, in any case, where one has no domain without it."""
    domain, name = _parts(shown)
    own_domain, own_name = _parts(username)
    return name != "" and name == own_name and (domain == own_domain or not domain or not own_domain)


def _parts(account: str) -> tuple[str, str]:
    domain, _, name = account.casefold().rpartition("\\")
    return domain, name
