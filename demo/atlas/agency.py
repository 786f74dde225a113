"""Tours, which a travel agency keeps: an HTTP API that knows nothing of Holdall, and the atlas as its client.

The agency forgets what is booked when it ends. ``make run`` serves it below ``/agency``, as if it were elsewhere.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from demo.atlas.models import City
from holdall import Everyone, Holdall, Model, Policy, Ref, Role, field
from holdall.stores.rest import BodyVersion, PageSize, RestCollection

__all__ = ["PATH", "Tour", "add_agency", "beside_agency"]

PATH = "/agency"
_PAGE = 100  # tours
_TOURS = (
    ("Museums and bread", 2988507, 4, "690.00"),
    ("From garden to garden", 1850147, 9, "2480.00"),
    ("Pyramids by bicycle", 360630, 6, "1150.00"),
    ("The harbour at night", 2147714, 2, "240.00"),
    ("Up the Rhine", 2886242, 5, "830.00"),
)


class Tour(Model, collection="tours"):
    """A tour of the travel agency, which its HTTP API has."""

    id: int = field(pk=True, generated=True)
    name: str = field(length=(1, 100))
    city: Ref[City] = field(description="where it begins")
    days: int = field(default=1, ge=1, le=60)
    price: Decimal = field(default=Decimal("0.00"), ge=Decimal(0))
    version: int = field(version=True)


def add_agency(app: Holdall, address: str) -> None:
    """Add the tours of the agency at an address; where it does not answer, only they are missing."""
    tours = RestCollection(
        path="/tours/{id}",
        keys="server",
        list_at="tours",
        total_at="total",
        paging=PageSize(size="size", most=_PAGE),
        version=BodyVersion(),
        order=("id",),
        scan_limit=1_000,
    )
    app.add_store("agency", address, collections={"tours": tours})
    app.add(Tour, store="agency", policy=Policy(read=Everyone, write=Role("editor")))


def beside_agency(service: Any) -> Any:
    """The service with a travel agency below ``/agency``."""
    agency = Starlette(routes=[Mount(PATH, _Agency().app())])

    async def both(scope: Any, receive: Any, send: Any) -> None:
        is_agency = scope["type"] == "http" and scope["path"].startswith(f"{PATH}/")
        await (agency if is_agency else service)(scope, receive, send)

    return both


class _Agency:
    """The API: tours as JSON, pages of them, and a refusal of changes of what has changed."""

    def __init__(self) -> None:
        self._tours = dict[int, dict[str, Any]]()
        for name, city, days, price in _TOURS:
            self._keep({"name": name, "city": city, "days": days, "price": price})

    def app(self) -> Starlette:
        """The routes."""
        return Starlette(
            routes=[
                Route("/tours", self._list, methods=["GET"]),
                Route("/tours", self._add, methods=["POST"]),
                Route("/tours/{id:int}", self._one, methods=["GET", "PATCH", "DELETE"]),
            ]
        )

    def _keep(self, tour: dict[str, Any]) -> dict[str, Any]:
        key = max(self._tours, default=0) + 1
        self._tours[key] = tour | {"id": key, "version": 1}
        return self._tours[key]

    async def _list(self, request: Request) -> Response:
        page, size = (int(request.query_params.get(name, usual)) for name, usual in (("page", 1), ("size", _PAGE)))
        tours = list(self._tours.values())
        return JSONResponse({"tours": tours[(page - 1) * size : page * size], "total": len(tours)})

    async def _add(self, request: Request) -> Response:
        return JSONResponse(self._keep(await request.json()), 201)

    async def _one(self, request: Request) -> Response:
        key = request.path_params["id"]
        given = {} if request.method != "PATCH" else await request.json()
        tour = self._tours.get(key)
        if tour is None:
            return JSONResponse({"error": "no such tour"}, 404)
        if request.headers.get("if-match", f'"{tour["version"]}"') != f'"{tour["version"]}"':
            return JSONResponse({"error": "it has changed"}, 412)
        if request.method == "DELETE":
            del self._tours[key]
            return Response(status_code=204)
        if request.method == "PATCH":
            self._tours[key] = tour = tour | given | {"id": key, "version": tour["version"] + 1}
        return JSONResponse(tour)
