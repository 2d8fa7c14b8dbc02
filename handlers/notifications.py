"""`POST /api/notifications`: Graph announces new mail."""

from __future__ import annotations

import azure.functions as func

from shared.notification import is_answerable
from shared.services import Services

_PLAIN = {"X-Content-Type-Options": "nosniff"}


def blueprint(services: Services) -> func.Blueprint:
    """The function `notifications`."""
    functions = func.Blueprint()

    @functions.function_name("notifications")
    @functions.route(route="notifications", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def notifications(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(services, req)

    return functions


async def answer(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    """The answer to the handshake, or to notifications of either kind, at whichever address they come."""
    token = req.params.get("validationToken")
    if token is not None:
        return _handshake(token)
    status = await services.webhook.take(req.get_body(), req.headers.get("traceparent"))
    return func.HttpResponse(status_code=int(status), headers=_PLAIN)


def _handshake(token: str) -> func.HttpResponse:
    if not is_answerable(token):
        return func.HttpResponse(status_code=400, headers=_PLAIN)
    return func.HttpResponse(token, status_code=200, mimetype="text/plain", charset="utf-8", headers=_PLAIN)
