"""Microsoft Graph v1.0, as far as mail and change notifications need it."""

from __future__ import annotations

from aiohttp import web

from sandbox.tenant.graph.announcing import Announcer
from sandbox.tenant.graph.batch_routes import BatchRoutes
from sandbox.tenant.graph.change_routes import ChangeRoutes
from sandbox.tenant.graph.delta_routes import DeltaRoutes
from sandbox.tenant.graph.envelope import Issuer, identify, middleware
from sandbox.tenant.graph.folder_routes import FolderRoutes
from sandbox.tenant.graph.mail_routes import MailRoutes
from sandbox.tenant.graph.notifier import Notifier
from sandbox.tenant.graph.subscription_routes import SubscriptionRoutes
from sandbox.tenant.graph.tenant import Tenant


def application(tenant: Tenant, issuer: Issuer, *, audience: str, notify: Notifier) -> web.Application:
    """The service for tokens to `audience`; it starts `notify` with itself and closes it at its end."""
    app = web.Application(middlewares=[middleware(issuer, audience, tenant.now)])
    app.add_routes(DeltaRoutes(tenant).table())  # first: its name could be the id of a message
    app.add_routes(MailRoutes(tenant).table())
    app.add_routes(ChangeRoutes(tenant).table())
    app.add_routes(FolderRoutes(tenant).table())
    app.add_routes(SubscriptionRoutes(tenant, notify).table())
    app.add_routes(BatchRoutes(notify).table())
    app.on_response_prepare.append(identify)

    announcer = Announcer(tenant, notify)

    async def start(_: web.Application) -> None:
        await notify.start()
        announcer.start()

    async def close(_: web.Application) -> None:
        announcer.stop()
        await notify.close()

    app.on_startup.append(start)
    app.on_cleanup.append(close)
    return app
