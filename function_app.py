"""The function app: registers the handlers, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import azure.functions as func

from handlers import filing, lifecycle, notifications, staging, subscriptions
from shared.services import Services

services = Services.from_environment(os.environ, Path(__file__).parent)
app = func.FunctionApp()
for module in (notifications, lifecycle, staging, filing, subscriptions):
    app.register_functions(module.blueprint(services))
