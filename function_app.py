"""The function app: registers the handlers, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import azure.functions as func

from handlers import (
    dead_letters,
    doctor,
    filing,
    lifecycle,
    mailbox,
    notifications,
    staging,
    subscriptions,
    sweep,
    watch,
)
from shared.services import Services

services = Services.from_environment(os.environ, Path(__file__).parent)
app = func.FunctionApp()
for module in (
    notifications,
    lifecycle,
    staging,
    filing,
    mailbox,
    subscriptions,
    sweep,
    watch,
    dead_letters,
    doctor,
):
    app.register_functions(module.blueprint(services))
