"""Queue `vault-import`: staged mail is filed in the vault."""

from __future__ import annotations

import azure.functions as func

from shared.queue_messages import VAULT_IMPORT, VaultImport
from shared.services import Services


def blueprint(services: Services) -> func.Blueprint:
    """The function `filing`."""
    functions = func.Blueprint()

    @functions.function_name("filing")
    @functions.queue_trigger(arg_name="msg", queue_name=VAULT_IMPORT, connection="MailStorage")
    async def filing(msg: func.QueueMessage) -> None:
        await services.refresh()
        await services.receiver.receive(services.filing, VaultImport, msg.get_body())

    return functions
