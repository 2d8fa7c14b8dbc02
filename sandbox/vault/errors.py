"""Errors as the web service sends them (recorded shape), and the pages of IIS in front of it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

OAEP_FAULT = ("CryptographicException", "Error occurred while decoding OAEP padding.")


@dataclass(frozen=True)
class Login:
    """How far a request got: to the server, to the vault."""

    application: bool = False
    vault: bool = False


@dataclass
class ServiceError(Exception):
    """A request that the web service refuses, in its own words."""

    status: int
    name: str
    message: str
    inner: tuple[str, str] | None = None
    login: Login = field(default_factory=lambda: Login(application=True, vault=True))


def invalid(message: str) -> ServiceError:
    """What a request asks for is not possible in this vault.

    Status and exception name are not recorded anywhere: 400 with a message is one of those that the
    official client expects.
    """
    return ServiceError(HTTPStatus.BAD_REQUEST, "ArgumentException", message)


def not_found() -> ServiceError:
    """Nothing at this address; name and message as recorded, in English."""
    return ServiceError(
        HTTPStatus.NOT_FOUND,
        "NotFoundException",
        'Exception of type "MFWS.NotFoundException" was thrown.',
    )


def wrong_verb(method: str) -> ServiceError:
    """The address is known, the verb is not."""
    return ServiceError(
        HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowedException", f"Method {method} is not allowed."
    )


def automatic_title() -> ServiceError:
    """A title that nobody can set, since it is an automatic value.

    developer.m-files.com/APIs/REST-API/Reference, objects/(type)/(objectid)/(version)/title says 401; the
    name of the exception is unverified.
    """
    return ServiceError(HTTPStatus.UNAUTHORIZED, "UnauthorizedAccessException", "The title is automatic.")


def access_denied() -> ServiceError:
    """What the account has no right to.

    Unverified: the status is the one that the official client expects for it, the name that of a recorded
    refusal.
    """
    return ServiceError(HTTPStatus.FORBIDDEN, "UnauthorizedAccessException", "Access denied.")


def login_failed(login: Login = Login()) -> ServiceError:
    """Credentials that are no good, or none at all."""
    target = "vault" if login.application else "application"
    return ServiceError(
        HTTPStatus.FORBIDDEN, "UnauthorizedAccessException", f"Login to {target} failed", login=login
    )


def token_refused(*, other_node: bool) -> ServiceError:
    """A token that this server cannot read: given by another node, or no longer valid.

    developer.m-files.com/APIs/REST-API/Authentication, Multi-Server Mode
    """
    return ServiceError(
        HTTPStatus.FORBIDDEN,
        "ForbiddenException",
        "Token-based authentication failed.",
        OAEP_FAULT if other_node else None,
        Login(),
    )


def json_response(value: Any, status: int = HTTPStatus.OK) -> web.Response:
    """An answer of the web service."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", charset="utf-8"
    )


def error_response(error: ServiceError, path: str, method: str) -> web.Response:
    """The error as it is sent; `path` is the address below /REST, without its query."""
    exception: dict[str, Any] = {"Name": error.name, "Message": error.message}
    if error.inner is not None:
        name, message = error.inner
        exception["InnerException"] = {"Name": name, "Message": message}
    body = {
        "Status": int(error.status),
        "URL": path,
        "Method": method,
        "Exception": exception,
        "Stack": f"Error reference ID: {uuid.uuid4().hex}",
        "Message": error.message,
        "IsLoggedToVault": error.login.vault,
        "IsLoggedToApplication": error.login.application,
        "ExceptionName": error.name,
    }
    return json_response(body, error.status)


def iis_page(status: int, title: str, detail: str) -> web.Response:
    """A page that IIS answers with before a request reaches the web service."""
    page = (
        "<!DOCTYPE html>\r\n<html><head><title>" + title + "</title></head>\r\n"
        "<body><div id='header'><h1>Server Error</h1></div><div id='content'><fieldset>"
        f"<h2>{title}</h2><h3>{detail}</h3></fieldset></div></body></html>\r\n"
    )
    return web.Response(text=page, status=status, content_type="text/html")


def page_not_found() -> web.Response:
    """Outside the web service there is nothing."""
    return iis_page(
        HTTPStatus.NOT_FOUND,
        "404 - File or directory not found.",
        "The resource you are looking for might have been removed, had its name changed, "
        "or is temporarily unavailable.",
    )


def page_too_large(status: int) -> web.Response:
    """A body over a limit of the web server.

    maxAllowedContentLength: 404.13, which the status line shows as 404, or 413 in other versions of IIS;
    maxRequestLength of ASP.NET: 500 (learn.microsoft.com, requestLimits and httpRuntime).
    """
    if status == HTTPStatus.NOT_FOUND:
        return iis_page(
            status,
            "HTTP Error 404.13 - Not Found",
            "The request filtering module is configured to deny a request that exceeds "
            "the request content length.",
        )
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return iis_page(status, "413 - Request Entity Too Large", "The page was not displayed.")
    return iis_page(status, "Runtime Error", "Maximum request length exceeded.")


def page_server_error() -> web.Response:
    """An error of the application that nobody caught."""
    return iis_page(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "500 - Internal server error.",
        "There is a problem with the resource you are looking for, and it cannot be displayed.",
    )


def page_length_required() -> web.Response:
    """A body without its length.

    The limit of IIS goes by the announced length; whether the real service takes a chunked upload is
    unverified, so this one does not.
    """
    return iis_page(
        HTTPStatus.LENGTH_REQUIRED,
        "Length Required",
        "HTTP Error 411. The request must have a content length.",
    )


def page_unavailable() -> web.Response:
    """The M-Files server is down."""
    return iis_page(
        HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable", "HTTP Error 503. The service is unavailable."
    )
