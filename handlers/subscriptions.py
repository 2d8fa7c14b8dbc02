"""Timer: subscriptions are created and renewed."""

from __future__ import annotations

import azure.functions as func

from shared.services import Services

EVERY_QUARTER_OF_AN_HOUR = "0 */15 * * * *"


def blueprint(services: Services) -> func.Blueprint:
    """The function `subscriptions`."""
    functions = func.Blueprint()

    @functions.function_name("subscriptions")
    @functions.timer_trigger(arg_name="timer", schedule=EVERY_QUARTER_OF_AN_HOUR, run_on_startup=False)
    async def subscriptions(timer: func.TimerRequest) -> None:
        await services.refresh()
        await services.subscriptions.maintain()

    return functions
