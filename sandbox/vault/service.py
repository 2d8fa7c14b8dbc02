"""The web service of the example vault as an application of aiohttp."""

from __future__ import annotations

from aiohttp import web

from sandbox.vault.chunk_routes import ROUTES as CHUNK_ROUTES
from sandbox.vault.dispatch import Dispatcher
from sandbox.vault.file_routes import ROUTES as FILE_ROUTES
from sandbox.vault.item_routes import ROUTES as ITEM_ROUTES
from sandbox.vault.object_routes import ROUTES as OBJECT_ROUTES
from sandbox.vault.relationship_routes import ROUTES as RELATIONSHIP_ROUTES
from sandbox.vault.server_routes import ROUTES as SERVER_ROUTES
from sandbox.vault.structure_routes import ROUTES as STRUCTURE_ROUTES
from sandbox.vault.vault import ExampleVault

NO_LIMIT = 0
"""The limit is the vault's `max_upload_bytes`, as it is IIS's in front of the real service."""


ROUTES = (
    *SERVER_ROUTES,
    *STRUCTURE_ROUTES,
    *ITEM_ROUTES,
    *FILE_ROUTES,
    *CHUNK_ROUTES,
    *OBJECT_ROUTES,
    *RELATIONSHIP_ROUTES,
)


def application(vault: ExampleVault) -> web.Application:
    """The site that holds `vault`; the web service is below `/REST/`, everything else is not found."""
    site = web.Application(client_max_size=NO_LIMIT)
    site.router.add_route("*", "/{address:.*}", Dispatcher(vault, ROUTES).__call__)
    return site
