"""Queue `mail-filed`: what is left to do in its mailbox for a mail that has ended."""

from __future__ import annotations

import azure.functions as func

from shared.queue_messages import MAIL_FILED, MailFiled
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """The function `mailbox`."""
    functions = func.Blueprint()

    @functions.function_name("mailbox")
    @functions.queue_trigger(arg_name="msg", queue_name=MAIL_FILED, connection="MailStorage")
    async def mailbox(msg: func.QueueMessage) -> None:
        await services.refresh()
        await services.receiver.receive(services.mailbox, MailFiled, msg.get_body())

    return functions
