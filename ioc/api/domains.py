"""Domains: one tile each, whose state says alert, normal or no data."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from ioc.api import answer
from ioc.api.auth import EVERYBODY
from ioc.api.caller import Caller
from ioc.api.deps import StateDep
from ioc.errors import NotFoundError

router = APIRouter(prefix="/domains", tags=["domains"])


@router.get("", summary="List domains")
async def list_domains(caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return every domain's tile, at most a second old."""
    return answer.json_answer({"items": await state.tiles.read(caller.scope), "next": None})


@router.get("/{domain}", summary="One domain")
async def get_domain(domain: str, caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep) -> Response:
    """Return one domain's tile."""
    for tile in await state.tiles.read(caller.scope):
        if tile["id"] == domain:
            return answer.json_answer(tile)
    raise NotFoundError("no such domain")
