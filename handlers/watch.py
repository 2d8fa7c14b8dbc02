"""Timer: mail that nobody drives any more is queued again; what an operator has to know is looked at."""

from __future__ import annotations

import azure.functions as func

from shared.services import Services

EVERY_MINUTE = "0 * * * * *"


def blueprint(services: Services) -> func.Blueprint:
    """The function `watch`."""
    functions = func.Blueprint()

    @functions.function_name("watch")
    @functions.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE, run_on_startup=False)
    async def watch(timer: func.TimerRequest) -> None:
        await services.refresh()
        await services.gauge.run()
        await services.watch.run()
        await services.names.run()

    return functions
