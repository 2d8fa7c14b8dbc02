"""Key Vault's REST interface for secrets: learn.microsoft.com/rest/api/keyvault/secrets."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from sandbox.keyvault import bodies
from sandbox.keyvault.errors import (
    AUDIENCE,
    Unauthorized,
    VaultRefused,
    access_denied,
    bad_parameter,
    challenge,
    disabled,
    is_deleted,
    not_deleted,
    not_found,
)
from sandbox.keyvault.store import Permission, SecretDeleted, SecretStore, SecretVersion
from sandbox.tenant.tokens import TokenIssuer, TokenRefused

API_VERSIONS = (
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    "2026-04-01",
)
NAME = re.compile("[0-9a-zA-Z-]{1,127}")
PAGE = 25

APP_ID = web.RequestKey("app_id", str)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SecretService:
    """Answers the requests to one vault; `authority_url` is `https://HOST/TENANT`, for the challenge."""

    def __init__(self, store: SecretStore, issuer: TokenIssuer, authority_url: str) -> None:
        self._store = store
        self._issuer = issuer
        self._challenge = challenge(authority_url)

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Token first, then version, then the rest; every refusal leaves in Key Vault's shape."""
        try:
            request[APP_ID] = self._authenticate(request)
            _check_api_version(request)
            return await handler(request)
        except VaultRefused as refusal:
            return self._refuse(refusal)
        except web.HTTPClientError as refusal:
            return self._refuse(bad_parameter(refusal.reason, HTTPStatus(refusal.status)))

    async def get(self, request: web.Request) -> web.Response:
        """GET /secrets/{name}/{version}; without a version, or with an empty one, the current one.

        One whose time has not come or has run out is given like any other
        (learn.microsoft.com/azure/key-vault/secrets/about-secrets, date-time controlled operations).
        """
        self._permit(request, "get")
        _check_options(request)
        name, version = _name(request), request.match_info.get("version") or None
        secret = self._store.get(name, version)
        if secret is None:
            raise not_found(f"{name}/{version}" if version else name)
        if not secret.enabled:
            raise disabled()
        return web.json_response(bodies.bundle(secret, _origin(request)))

    async def get_deleted(self, request: web.Request) -> web.Response:
        """GET /deletedsecrets/{name}: a deleted secret, without its value."""
        self._permit(request, "get")
        _check_options(request)
        name = _name(request)
        secret = self._store.deleted(name)
        if secret is None:
            raise not_deleted(name)
        return web.json_response(bodies.deleted_bundle(secret, _origin(request)))

    async def set(self, request: web.Request) -> web.Response:
        """PUT /secrets/{name}: a new version."""
        self._permit(request, "set")
        _check_options(request)
        name = _name(request)
        if request.content_type != "application/json":
            raise bad_parameter("The request body is not JSON.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        value, arguments = bodies.set_arguments(await request.read())
        try:
            secret = self._store.set(name, value, **arguments)
        except SecretDeleted:
            raise is_deleted(name) from None
        return web.json_response(bodies.bundle(secret, _origin(request)))

    async def list_secrets(self, request: web.Request) -> web.Response:
        """GET /secrets: the current version of each, without values."""
        self._permit(request, "list")
        return _page(request, self._store.current(), versioned=False)

    async def list_versions(self, request: web.Request) -> web.Response:
        """GET /secrets/{name}/versions: all without values; 404 without a secret (unverified)."""
        self._permit(request, "list")
        name = _name(request)
        versions = self._store.versions(name)
        if not versions:
            raise not_found(name)
        return _page(request, versions, versioned=True)

    def _authenticate(self, request: web.Request) -> str:
        header = request.headers.get("Authorization")
        if header is None:
            raise Unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
        try:
            return self._issuer.verify(header, AUDIENCE).app_id
        except TokenRefused as refusal:
            message = f"[BearerReadAccessTokenFailed] Error validating token: {refusal.reason}."
            raise Unauthorized(message) from refusal

    def _permit(self, request: web.Request, permission: Permission) -> None:
        app_id = request[APP_ID]
        if permission not in self._store.permissions(app_id):
            raise access_denied(app_id, self._issuer.issuer, permission, self._store.name)

    def _refuse(self, refusal: VaultRefused) -> web.Response:
        headers = self._challenge if isinstance(refusal, Unauthorized) else None
        return web.json_response(refusal.body(), status=refusal.status, headers=headers)


def application(store: SecretStore, issuer: TokenIssuer, authority_url: str) -> web.Application:
    """One vault, to be served with TLS; `authority_url` is `https://HOST:PORT/TENANT` of the tenant."""
    service = SecretService(store, issuer, authority_url)
    served = web.Application(middlewares=[service.guard])
    served.router.add_get("/secrets", service.list_secrets, allow_head=False)
    served.router.add_get("/secrets/{name}/versions", service.list_versions, allow_head=False)
    served.router.add_get("/secrets/{name}", service.get, allow_head=False)
    served.router.add_get("/secrets/{name}/{version:[^/]*}", service.get, allow_head=False)
    served.router.add_put("/secrets/{name}", service.set)
    served.router.add_get("/deletedsecrets/{name}", service.get_deleted, allow_head=False)
    return served


def _check_api_version(request: web.Request) -> None:
    version = request.query.get("api-version")
    if not version:
        raise bad_parameter("api-version must be specified")
    if version not in API_VERSIONS:
        raise bad_parameter(
            f"The specified version ({version}) is not recognized. "
            f"Consider using the latest supported version ({API_VERSIONS[-1]})."
        )


def _check_options(request: web.Request, *further: str) -> None:
    """Refuse a query option that the operation does not have; the real service is not known to accept any."""
    if unknown := sorted(set(request.query) - {"api-version", *further}):
        raise bad_parameter(f"The query options {', '.join(unknown)} are not known.")


def _name(request: web.Request) -> str:
    name = request.match_info["name"]
    if not NAME.fullmatch(name):
        raise bad_parameter(f"The request URI contains an invalid name: {name}")
    return name


def _origin(request: web.Request) -> str:
    return str(request.url.origin())


def _page(request: web.Request, secrets: Sequence[SecretVersion], *, versioned: bool) -> web.Response:
    """One page of a list; its link to the next one is opaque to clients."""
    _check_options(request, "maxresults", "$skiptoken")
    size = _number(request, "maxresults", PAGE)
    start = _number(request, "$skiptoken", 0)
    if not 1 <= size <= PAGE:
        raise bad_parameter(f"maxresults must be between 1 and {PAGE}")
    origin = _origin(request)
    answer: dict[str, Any] = {
        "value": [
            bodies.item(each, bodies.identifier(each, origin, versioned=versioned))
            for each in secrets[start : start + size]
        ],
        "nextLink": None,
    }
    if start + size < len(secrets):
        following = {"$skiptoken": str(start + size), "maxresults": str(size)}
        answer["nextLink"] = str(request.url.update_query(following))
    return web.json_response(answer)


def _number(request: web.Request, option: str, default: int) -> int:
    text = request.query.get(option, str(default))
    if not (text.isascii() and text.isdecimal()):
        raise bad_parameter(f"{option} must be a number")
    return int(text)
