"""`GET /api/doctor`: what a check of the whole set-up finds. `GET /api/health`: whether it is well."""

from __future__ import annotations

import json
from typing import Any

import azure.functions as func

from shared.services import Services

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def blueprint(services: Services) -> func.Blueprint:
    """The functions `doctor`, for who has a function key, and `health`, for anybody."""
    functions = func.Blueprint()

    @functions.function_name("doctor")
    @functions.route(route="doctor", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    async def doctor(req: func.HttpRequest) -> func.HttpResponse:
        return await examination(services, req)

    @functions.function_name("health")
    @functions.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    async def health(req: func.HttpRequest) -> func.HttpResponse:
        return await state(services)

    return functions


async def examination(services: Services, req: func.HttpRequest) -> func.HttpResponse:
    """200 with the findings, whatever they are; `?write=true` lets documents be written."""
    report = await services.doctor.examine(write=req.params.get("write", "").casefold() == "true")
    return _json(report.as_json())


async def state(services: Services) -> func.HttpResponse:
    """One word: 200 for `healthy`, else 503."""
    found = await services.health.answer()
    return _json({"status": found}, 200 if found == "healthy" else 503)


def _json(body: dict[str, Any], status: int = 200) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(body), status_code=status, mimetype="application/json", headers=_HEADERS
    )
