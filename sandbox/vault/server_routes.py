"""Addresses of the server itself: status, tokens, vaults, the end of a session."""

from __future__ import annotations

import secrets
from http import HTTPStatus

import msgspec
from aiohttp import web

from sandbox.vault.authentication import Authentication
from sandbox.vault.dispatch import NODE_COOKIE, Access, Call, Route
from sandbox.vault.errors import ServiceError, invalid, json_response

SIMPLE_PERMISSIONS = 0
SPECIFIC_WINDOWS_USER = 2
SPECIFIC_M_FILES_USER = 3
"""Of MFACLMode and MFAuthType (developer.m-files.com/APIs/REST-API/Reference/enumerations)."""


async def status(_: Call) -> web.StreamResponse:
    """Whether the M-Files server answers; while it does not, the whole site says 503."""
    return json_response({"Successful": True, "Message": ""})


async def begin_session(call: Call) -> web.StreamResponse:
    """A token, whether or not the credentials are any good: the next call tells."""
    authentication = await call.body(Authentication)
    if authentication.unsupported:
        raise invalid(f"Not supported in this vault: {', '.join(authentication.unsupported)}.")
    node = call.request.cookies.get(NODE_COOKIE) or secrets.token_hex(16)
    session = call.vault.sessions.begin(authentication, node)
    response = json_response({"Value": session.token})
    response.set_cookie(NODE_COOKIE, node, secure=True, httponly=True, samesite="Lax")
    return response


async def session_info(call: Call) -> web.StreamResponse:
    """Who is logged in to the vault.

    Fields: developer.m-files.com/APIs/REST-API/Reference/structs/sessioninfo. What an ordinary account may
    do, and how the account's name is written, is unverified.
    """
    rights = {
        "CanForceUndoCheckout": False,
        "CanManageCommonUISettings": False,
        "CanManageCommonViews": False,
        "CanManageTraditionalFolders": False,
        "CanMaterializeViews": True,
        "CanSeeAllObjects": False,
        "CanSeeDeletedObjects": True,
        "InternalUser": True,
        "LicenseAllowsModifications": True,
    }
    account = call.vault.accounts.of(call.session.authentication)
    info = {
        "AccountName": f"{account.domain}\\{account.username}" if account.domain else account.username,
        "ACLMode": SIMPLE_PERMISSIONS,
        "AuthenticationType": SPECIFIC_WINDOWS_USER if account.domain else SPECIFIC_M_FILES_USER,
        **rights,
        "UserID": account.user,
    }
    return json_response(info)


async def end_session(call: Call) -> web.StreamResponse:
    """Log out, which only a session with an id of its own can; others get an exception.

    developer.m-files.com/APIs/REST-API/Authentication, Logging out sessions; its status is unverified.
    """
    if not call.session.authentication.session_id:
        raise ServiceError(
            HTTPStatus.BAD_REQUEST, "InvalidOperationException", "The session was begun without a session ID."
        )
    call.vault.sessions.end(call.session)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def vaults(call: Call) -> web.StreamResponse:
    """The vaults of the server, each with a token that leads into it."""
    if call.options.get("online", "true") != "true":
        raise invalid("Only vaults that are online are listed.")
    authentication = msgspec.structs.replace(call.session.authentication, vault_guid=call.vault.guid)
    session = call.vault.sessions.begin(authentication, call.session.node)
    entry = {
        "Name": call.vault.name,
        "GUID": call.vault.guid,
        "Authentication": session.token,
        "DNSNames": [],
    }
    return json_response([entry])


ROUTES = (
    Route("GET", "server/status", status, Access.ANYBODY),
    Route("POST", "server/authenticationtokens", begin_session, Access.ANYBODY),
    Route("GET", "server/vaults", vaults, Access.SERVER, options=frozenset({"online"})),
    Route("GET", "session", session_info),
    Route("DELETE", "session", end_session, Access.SERVER),
)
