"""Faults at the control address: what is set, set one more, take them away."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from sandbox.faults import AnyFault, Faults, Placed, ServiceFaults


class FaultRoutes:
    """The handlers on faults."""

    def __init__(self, faults: ServiceFaults) -> None:
        self._faults = faults

    def table(self) -> list[web.RouteDef]:
        """The routes."""
        service = "/faults/{service}"
        return [
            web.get("/faults", self.show, allow_head=False),
            web.delete("/faults", self.clear_all),
            web.post(service, self.add),
            web.delete(service, self.clear),
            web.put(f"{service}/seed", self.seed),
        ]

    async def show(self, _: web.Request) -> web.Response:
        """Every service with its seed and its faults, and how often each was met and has struck."""
        return web.json_response({name: _shown(faults) for name, faults in self._faults.by_name().items()})

    async def add(self, request: web.Request) -> web.Response:
        """Set the fault of the body: 201 with all that holds for it; 400 with what is wrong."""
        faults = self._service(request)
        try:
            placed = faults.add(await _body(request, AnyFault))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        return web.json_response(msgspec.to_builtins(placed.fault), status=201)

    async def seed(self, request: web.Request) -> web.Response:
        """Draw odds from the number in the body, from now on."""
        self._service(request).seed = await _body(request, int)
        return web.Response(status=204)

    async def clear(self, request: web.Request) -> web.Response:
        """Take the faults of one service away."""
        self._service(request).clear()
        return web.Response(status=204)

    async def clear_all(self, _: web.Request) -> web.Response:
        """Take the faults of every service away."""
        self._faults.clear()
        return web.Response(status=204)

    def _service(self, request: web.Request) -> Faults:
        name = request.match_info["service"]
        try:
            return self._faults.by_name()[name]
        except KeyError:
            raise web.HTTPNotFound(text=f"no faults can be provoked in '{name}'") from None


async def _body(request: web.Request, shape: Any) -> Any:
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.DecodeError as error:
        raise web.HTTPBadRequest(text=str(error)) from None


def _shown(faults: Faults) -> dict[str, Any]:
    return {"seed": faults.seed, "faults": [_placed(one) for one in faults.placed]}


def _placed(one: Placed) -> dict[str, Any]:
    return {"fault": msgspec.to_builtins(one.fault), "seen": one.seen, "struck": one.struck}
