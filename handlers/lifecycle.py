"""`POST /api/lifecycle` and queue `lifecycle-event`: what Graph says of the subscriptions themselves."""

from __future__ import annotations

import azure.functions as func

from handlers.notifications import answer
from shared.queue_messages import LIFECYCLE_EVENT, LifecycleEvent
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """The functions `lifecycle` and `lifecycle_event`."""
    functions = func.Blueprint()

    @functions.function_name("lifecycle")
    @functions.route(route="lifecycle", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def lifecycle(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(services, req)

    @functions.function_name("lifecycle_event")
    @functions.queue_trigger(arg_name="msg", queue_name=LIFECYCLE_EVENT, connection="MailStorage")
    async def lifecycle_event(msg: func.QueueMessage) -> None:
        await services.refresh()
        work = services.subscriptions.care
        await services.receiver.receive_event(LIFECYCLE_EVENT, LifecycleEvent, msg.get_body(), work)

    return functions
