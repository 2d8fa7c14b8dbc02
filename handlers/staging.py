"""Queue `mail-arrived`: announced mail is staged."""

from __future__ import annotations

import azure.functions as func

from shared.queue_messages import MAIL_ARRIVED, MailArrived
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """The function `staging`."""
    functions = func.Blueprint()

    @functions.function_name("staging")
    @functions.queue_trigger(arg_name="msg", queue_name=MAIL_ARRIVED, connection="MailStorage")
    async def staging(msg: func.QueueMessage) -> None:
        await services.refresh()
        await services.receiver.receive(services.staging, MailArrived, msg.get_body())

    return functions
