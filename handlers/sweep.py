"""Timer and queue `folder-sweep`: what no notification has announced is looked for."""

from __future__ import annotations

import azure.functions as func

from shared.queue_messages import FOLDER_SWEEP, FolderSweep
from shared.services import Services

EVERY_HALF_HOUR = "0 */30 * * * *"


def blueprint(services: Services) -> func.Blueprint:
    """The functions `sweep` and `sweep_folder`."""
    functions = func.Blueprint()

    @functions.function_name("sweep")
    @functions.timer_trigger(arg_name="timer", schedule=EVERY_HALF_HOUR, run_on_startup=False)
    async def sweep(timer: func.TimerRequest) -> None:
        await services.refresh()
        await services.sweeper.order_all()

    @functions.function_name("sweep_folder")
    @functions.queue_trigger(arg_name="msg", queue_name=FOLDER_SWEEP, connection="MailStorage")
    async def sweep_folder(msg: func.QueueMessage) -> None:
        await services.refresh()
        work = services.sweeper.sweep
        await services.receiver.receive_event(FOLDER_SWEEP, FolderSweep, msg.get_body(), work)

    return functions
