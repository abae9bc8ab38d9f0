"""Where people say that something is: found by name, or by the kilometre of a road, for whoever enters it by hand."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ioc.api.auth import READERS
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.filters import PlaceQuery
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.city import PlaceListModel
from ioc.api.wall.caller import Caller
from ioc.domain.feed import Label
from ioc.domain.places import gazetteer
from ioc.domain.places.gazetteer import FoundPlace, NamedPlace, PlaceKind
from ioc.domain.search import words_of
from ioc.packs.pack import Pack, roads_of

router = APIRouter(tags=["areas"])


def _units(caller: Caller) -> Iterator[NamedPlace]:
    for unit in caller.book.areas:
        if unit.lat is None or unit.lon is None or not unit.zone:
            continue
        kind = PlaceKind.UNIT if unit.valid_on(caller.today) else PlaceKind.FORMER
        texts = (unit.name.vi, unit.name.en, *unit.aliases, *(() if unit.short is None else (unit.short.vi,)))
        words = tuple(word for text in texts for word in words_of(text))
        yield NamedPlace(FoundPlace(kind, unit.name, unit.lat, unit.lon, estimated=True), words)


def _sites(pack: Pack, caller: Caller) -> Iterator[NamedPlace]:
    for device in pack.devices:
        if caller.scope.sees(area=device.area, zone=device.zone, feed=device.feed):
            words = words_of(f"{device.name.vi} {device.name.en} {device.place or ''}")
            yield NamedPlace(FoundPlace(PlaceKind.SITE, device.name, device.lat, device.lon), words)


def _of_today_first(one: NamedPlace) -> bool:
    return one.place.kind is not PlaceKind.UNIT


@router.get("/places", summary="Find a place by what people call it", **responses_of(PlaceListModel))
async def find_places(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, asked: Annotated[PlaceQuery, Query()]
) -> Response:
    """Return kilometres of roads (`QL6 km 45+300`), units by present and former names, and where devices stand.

    The twenty best; `estimated` is read off our own drawing, or the middle of a unit.
    """
    pack = state.context.pack
    named = [*sorted(_units(caller), key=_of_today_first), *_sites(pack, caller)]
    found = gazetteer.find(asked.q, roads_of(pack.layers), named)
    items = [
        {"kind": place.kind, "name": nouns.label(Label(place.name.vi, place.name.en)), "lat": place.lat,
         "lon": place.lon, "estimated": place.estimated}
        for place in found
    ]  # fmt: skip
    return responses.json_response({"items": items, "next": None})
