"""`POST /api/notifications`: Graph announces new mail."""

from __future__ import annotations

import azure.functions as func

from shared.endpoint import ANSWER_HEADERS, Answer, Handshake, Refusal, sort
from shared.services import Services


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
    body = req.get_body()
    asked = sort(req.url, req.params, req.headers, len(body))
    if isinstance(asked, Handshake):
        return func.HttpResponse(
            asked.token,
            status_code=int(Answer.TOKEN),
            mimetype="text/plain",
            charset="utf-8",
            headers=ANSWER_HEADERS,
        )
    if isinstance(asked, Refusal):
        status = services.webhook.refuse(asked)
    else:
        status = await services.webhook.take(body, req.headers.get("traceparent"))
    return func.HttpResponse(status_code=int(status), headers=ANSWER_HEADERS)
