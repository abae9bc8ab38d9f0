"""The tour: the flood on virtual time for who visits, beside the instance; and the screens of the tour itself."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ioc.api.auth import DRILLERS, PEOPLE, PUBLIC, VISITORS, check_origin
from ioc.api.context import TourDesk, TourHost
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Input, Line, read_body, request_body
from ioc.api.http.openapi_responses import responses_of
from ioc.api.http.problems import PlainHTTPError
from ioc.api.routes.people.session import answer_session, is_loopback
from ioc.api.serializers.models.drills import TourEntryModel, TourModel
from ioc.api.serializers.models.people import SessionModel
from ioc.api.wall.caller import Caller
from ioc.errors import TransitionError, UnauthenticatedError
from ioc.store.accounts import accounts

router = APIRouter(prefix="/tour", tags=["tour"])
CODE_CHARS_MAX = 64


@dataclass(frozen=True, slots=True)
class TourVisitor:
    """Who goes from here into the tour."""

    username: str
    name: str
    role: str
    area: str | None


class Steering(Input):
    """What visitors change: whether the clock stands still, and its seconds in one of ours. Absent: as it is."""

    paused: bool | None = None
    speed: Annotated[float, Field(ge=1, le=10_000, allow_inf_nan=False)] | None = None


class WayIn(Input):
    """The code that the instance beside the tour has given."""

    code: Annotated[Line, Field(min_length=1, max_length=CODE_CHARS_MAX)]


def _host(state: APIState) -> TourHost:
    if state.context.tours is None:
        raise TransitionError("this is a drill: a tour is started from the real instance")
    return state.context.tours


def _desk(state: APIState) -> TourDesk:
    if state.context.tour is None:
        raise TransitionError("this instance is no tour")
    return state.context.tour


@router.get("", summary="How the tour stands", **responses_of(TourModel))
async def get_tour(caller: Annotated[Caller, Depends(PEOPLE)], state: StateDep) -> Response:
    """Return its state here: beside the instance with the port of its screens, in the tour with its clock."""
    del caller
    if state.context.tour is not None:
        return responses.json_response({"here": True, "state": "ready", **state.context.tour.state()})
    if state.context.tours is None:
        return responses.json_response(
            {"here": False, "state": "none", "title": None, "port": None, "started_by": None}
        )
    return responses.json_response({"here": False, **state.context.tours.state()})


@router.post("", summary="Start the tour", **responses_of(TourModel, refused=(404, 409)))
async def start_tour(caller: Annotated[Caller, Depends(DRILLERS)], state: StateDep) -> Response:
    """Start it, or a new one where it is over; one that runs is shared. Ready some seconds later."""
    host = _host(state)
    await host.start(actor=caller.principal.name, address=caller.address)
    return responses.json_response({"here": False, **host.state()})


@router.post("/entry", summary="A way into the tour", **responses_of(TourEntryModel, refused=(409,)))
async def enter_tour(caller: Annotated[Caller, Depends(VISITORS)], state: StateDep) -> Response:
    """Return the tour's port, and a code that signs the caller in there once, in a minute; 409 until it is ready."""
    host = _host(state)
    async with state.context.database.connection() as connection:
        account = await accounts.get_account(connection, caller.principal.name)
    if account is None:
        raise UnauthenticatedError("sign in again")
    visitor = TourVisitor(account["username"], account["name"], str(account["role"]), account["area"])
    return responses.json_response(await host.entry(visitor))


@router.post(
    "/session",
    summary="Enter the tour",
    dependencies=[Depends(PUBLIC)],
    openapi_extra=request_body(WayIn),
    **responses_of(SessionModel, refused=(401, 403, 409, 503)),
)
async def come_in(request: Request, state: StateDep) -> Response:
    """Sign in here with a code of one use; 409 where this is no tour."""
    check_origin(request, required=True)
    if request.url.scheme != "https" and not is_loopback(request):
        raise PlainHTTPError("this address is plain HTTP: open the centre over https://, or on its own machine")
    desk, body = _desk(state), await read_body(request, WayIn)
    return await answer_session(request, state, await desk.admit(body.code))


@router.put(
    "", summary="Steer the tour", openapi_extra=request_body(Steering), **responses_of(TourModel, refused=(409,))
)
async def steer_tour(request: Request, caller: Annotated[Caller, Depends(DRILLERS)], state: StateDep) -> Response:
    """Pause, go on, or change the speed, for everybody who looks; 409 where this is no tour."""
    del caller
    desk, body = _desk(state), await read_body(request, Steering)
    desk.steer(paused=body.paused, speed=body.speed)
    return responses.json_response({"here": True, "state": "ready", **desk.state()})
