"""Domains: one tile each, whose state says alert, normal or no data."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ioc.api.auth import EVERYBODY
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers.models.city import DomainListModel, DomainModel
from ioc.api.wall.caller import Caller
from ioc.errors import NotFoundError

router = APIRouter(prefix="/domains", tags=["domains"])


@router.get("", summary="List domains", **responses_of(DomainListModel))
async def list_domains(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return every domain's tile, at most a second old."""
    return responses.json_response({"items": await state.tiles.read(caller.scope), "next": None})


@router.get("/{domain}", summary="One domain", **responses_of(DomainModel))
async def get_domain(domain: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one domain's tile."""
    for tile in await state.tiles.read(caller.scope):
        if tile["id"] == domain:
            return responses.json_response(tile)
    raise NotFoundError("no such domain")
