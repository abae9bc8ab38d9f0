"""Areas, zones and map layers: geography is no secret, so no wall stands here, only the sign-in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api import answer, wire
from ioc.api.auth import EVERYBODY
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.api.filters import OnDay
from ioc.errors import NotFoundError

router = APIRouter(tags=["areas"])


@router.get("/areas", summary="List areas")
async def list_areas(caller: Annotated[Caller, Depends(EVERYBODY)], chosen: Annotated[OnDay, Query()]) -> Response:
    """Return the units of a day (today unless `on` says otherwise), or every validity with `on=all`."""
    book = caller.book
    units = book.areas if chosen.on == "all" else book.on(chosen.on or caller.today)
    return answer.json_answer({"items": [wire.area(unit) for unit in units], "next": None})


@router.get("/areas/{code}", summary="One area")
async def get_area(code: str, caller: Annotated[Caller, Depends(EVERYBODY)]) -> Response:
    """Return a unit of today, or of a day with `code@date`."""
    return answer.json_answer(wire.area(caller.book.unit(code, caller.today)))


@router.get("/zones", summary="List zones")
async def list_zones(caller: Annotated[Caller, Depends(EVERYBODY)]) -> Response:
    """Return the zones: the former city and the former district, as sets of today's units."""
    return answer.json_answer({"items": [wire.zone(zone) for zone in caller.book.zones], "next": None})


@router.get("/layers", summary="List map layers")
async def list_layers(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return the layers of the pack, without their geometry."""
    del caller
    items = [
        {"id": layer.id, "label": wire.label(layer.label), "source": layer.source} for layer in state.parts.pack.layers
    ]
    return answer.json_answer({"items": items, "next": None})


@router.get("/layers/{name}", summary="One map layer")
async def get_layer(name: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return a layer as GeoJSON."""
    del caller
    layer = next((layer for layer in state.parts.pack.layers if layer.id == name), None)
    if layer is None:
        raise NotFoundError("no such layer")
    response = answer.json_answer(layer.geojson, headers={"Cache-Control": "private, max-age=3600"})
    response.headers["Content-Type"] = answer.GEOJSON_TYPE
    return response
