"""Areas, zones and map layers: geography is no secret, so no wall stands here, only the sign-in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api.auth import EVERYBODY
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.filters import DayQuery
from ioc.api.http.openapi_responses import GEOJSON_TYPE, responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.city import (
    AreaListModel,
    AreaModel,
    FeatureCollectionModel,
    LayerListModel,
    ZoneListModel,
)
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError
from ioc.store.registry import layers

router = APIRouter(tags=["areas"])


@router.get("/areas", summary="List areas", **responses_of(AreaListModel))
async def list_areas(caller: Annotated[Caller, Depends(EVERYBODY)], chosen: Annotated[DayQuery, Query()]) -> Response:
    """Return the units of a day (today unless `on` says otherwise), or every validity with `on=all`."""
    book, keys = caller.book, responses.cursor_keys("areas", chosen, (str, str))
    units = book.areas if chosen.on == "all" else book.on(chosen.on or caller.today)
    if keys is not None:
        units = tuple(unit for unit in units if (unit.code, unit.valid_from.isoformat()) > (keys[0], keys[1]))
    places = [{"code": unit.code, "valid_from": unit.valid_from.isoformat()} for unit in units]
    following = responses.next_cursor("areas", chosen, places, ("code", "valid_from"))
    return responses.json_response({"items": [nouns.area(unit) for unit in units[: chosen.limit]], "next": following})


@router.get("/areas/{code}", summary="One area", **responses_of(AreaModel))
async def get_area(code: str, caller: Annotated[Caller, Depends(EVERYBODY)]) -> Response:
    """Return a unit of today, or of a day with `code@date`."""
    return responses.json_response(nouns.area(caller.book.unit(code, caller.today)))


@router.get("/zones", summary="List zones", **responses_of(ZoneListModel))
async def list_zones(caller: Annotated[Caller, Depends(EVERYBODY)]) -> Response:
    """Return the zones: the former city and the former district, as sets of today's units."""
    return responses.json_response({"items": [nouns.zone(zone) for zone in caller.book.zones], "next": None})


@router.get("/layers", summary="List map layers", **responses_of(LayerListModel))
async def list_layers(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return the layers of the pack and of the site, without their geometry; the site's go before the pack's."""
    del caller
    async with state.context.database.connection() as connection:
        own = await layers.list_layers(connection)
    items = [{"id": row["id"], "label": row["label"], "source": "import", "kind": row["kind"]} for row in own]
    names = {row["id"] for row in own}
    items += [
        {"id": layer.id, "label": nouns.label(layer.label), "source": layer.source, "kind": None}
        for layer in state.context.pack.layers
        if layer.id not in names
    ]
    return responses.json_response({"items": items, "next": None})


@router.get(
    "/layers/{name}", summary="One map layer", response_class=responses.GeoJSON, **responses_of(FeatureCollectionModel)
)
async def get_layer(name: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return a layer as GeoJSON."""
    del caller
    async with state.context.database.connection() as connection:
        drawn = await layers.read_layer(connection, name)
    if drawn is None:
        drawn = next((layer.geojson for layer in state.context.pack.layers if layer.id == name), None)
    if drawn is None:
        raise NotFoundError("no such layer")
    response = responses.json_response(drawn, headers={"Cache-Control": "private, max-age=60"})
    response.headers["Content-Type"] = GEOJSON_TYPE
    return response
