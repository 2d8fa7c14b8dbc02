"""The product's webhook alone: what it queues, nobody takes, so that nothing else uses the processor."""

from __future__ import annotations

import os

import azure.functions as func

from handlers import notifications
from sandbox.app import ROOT
from shared.services import Services

app = func.FunctionApp()
app.register_functions(notifications.blueprint(Services.from_environment(os.environ, ROOT)))
