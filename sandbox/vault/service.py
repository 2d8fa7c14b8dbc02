"""The web service of the example vault as an application of aiohttp."""

from __future__ import annotations

from aiohttp import web

from sandbox.vault import file_routes, object_routes, server_routes, structure_routes
from sandbox.vault.dispatch import Dispatcher
from sandbox.vault.vault import ExampleVault

NO_LIMIT = 0
"""The limit is the vault's `max_upload_bytes`, as it is IIS's in front of the real service."""


ROUTES = (
    *server_routes.ROUTES,
    *structure_routes.ROUTES,
    *file_routes.ROUTES,
    *object_routes.ROUTES,
)


def application(vault: ExampleVault) -> web.Application:
    """The site that holds `vault`; the web service is below `/REST/`, everything else is not found."""
    site = web.Application(client_max_size=NO_LIMIT)
    site.router.add_route("*", "/{address:.*}", Dispatcher(vault, ROUTES).__call__)
    return site
