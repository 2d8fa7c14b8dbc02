"""The function app: registers the handlers, and nothing else."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import azure.functions as func

# What is imported stays as long as the process does: to look through it for garbage, again and again while it
# grows, is a fifth of a cold start.
gc.disable()
try:
    from handlers import MODULES
    from shared.services import Services

    services = Services.from_environment(os.environ, Path(__file__).parent)
    app = func.FunctionApp()
    for module in MODULES:
        app.register_functions(module.blueprint(services))
finally:
    gc.enable()
# Nor is it looked through while mail is filed.
gc.freeze()
