"""Dead letters by cause: what a remedy would let in, letting it in batch by batch, and taking that back."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.api.auth import INTAKE_READERS, REGISTRARS
from ioc.api.context import ReleaseDoor
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import STORABLE, Input, Why, read_body, request_body
from ioc.api.http.filters import LetterGroupFilters, ReleaseFilters, check_values, many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import dead_letters as letters_json
from ioc.api.serializers.models.dead_letters import (
    LetterGroupListModel,
    LetterTrialModel,
    ReleaseModel,
    ReleasePageModel,
    ReleaseStepModel,
)
from ioc.api.serializers.nouns import JSONObject
from ioc.api.wall.caller import Caller
from ioc.api.wall.write_side import NAMES_DEVICE
from ioc.domain.release import NAMES_MAX, KeptLetter, LetterChoice, Remedy
from ioc.errors import InvalidInputError, NotFoundError, QueueFullError
from ioc.store.log import letter_groups as groups
from ioc.store.log import releases
from ioc.store.registry.adoption import undo_release

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])
TRIED_MAX = 5_000
"""Letters that one trial reads again; it says of how many it speaks."""
TRIED_AT_ONCE = 200
Name = Annotated[str, Field(min_length=1, max_length=64), STORABLE]


class LetterForm(Input):
    """Which dead letters, as their group says, and under which names their members are read."""

    feed: Name | None = None
    reason: Name
    field: Name | None = None
    device: Annotated[Name | None, NAMES_DEVICE] = None
    letter: Annotated[int | None, Field(ge=1, le=2**53)] = None
    names: Annotated[dict[Name, Name | None], Field(max_length=NAMES_MAX)] = {}  # noqa: RUF012 - a frozen model


class ReleaseForm(LetterForm):
    """The same, and why they are let in."""

    why: Why


class UndoForm(Input):
    """Why a release is taken back."""

    why: Why


def release_door(state: APIState) -> ReleaseDoor:
    """Return what reads dead letters again.

    Raises:
        QueueFullError: this process has none.
    """
    if state.context.release is None:
        raise QueueFullError("this process takes nothing in")
    return state.context.release


def _choice(form: LetterForm, state: APIState) -> LetterChoice:
    """Return the choice of a form.

    Raises:
        InvalidInputError: a member is renamed to what the feed does not have.
    """
    _check_names(form.feed, form.names, state)
    return LetterChoice(form.feed, form.reason, form.field, form.device, form.letter)


def _check_names(feed: str | None, names: Mapping[str, str | None], state: APIState) -> None:
    spec = state.context.pack.feeds.get(feed or "")
    known = {*(spec.fields if spec is not None else ()), "id", "time", "lat", "lon", "device"}
    wrong = next((new for new in names.values() if new is not None and new not in known), None)
    if wrong is not None:
        raise InvalidInputError(f"the feed has no field {wrong}; there are {', '.join(sorted(known))}", field="names")


def _reader(door: ReleaseDoor, names: Mapping[str, str | None], caller: Caller) -> releases.Read:
    remedy, wall = Remedy(names), None if caller.scope.areas is None else caller.scope

    def read(letter: KeptLetter) -> Any:
        return door.read(letter, remedy, wall=wall)

    return read


async def _release(text: str, caller: Caller, state: APIState) -> releases.Row:
    """Return a release inside the caller's wall.

    Raises:
        NotFoundError: there is none; a foreign one and none at all are told the same.
    """
    row = None
    if releases.is_number(text):
        async with state.context.database.connection() as connection:
            row = await releases.get_release(connection, int(text), caller.scope, caller.principal.name)
    if row is None:
        raise NotFoundError("no such release")
    return row


@router.get("/groups", summary="Dead letters by cause", **responses_of(LetterGroupListModel))
async def list_groups(
    caller: Annotated[Caller, Depends(INTAKE_READERS)],
    state: StateDep,
    filters: Annotated[LetterGroupFilters, Query()],
) -> Response:
    """Return the causes of dead letters that nobody has let in, the largest first, each with a sample as it came."""
    check_values(filters, state.context.pack)
    chosen = groups.GroupFilter(
        many(filters.feed), many(filters.reason), many(filters.device), by_source=filters.by == "source"
    )
    scope = caller.within(filters.area, filters.zone)
    async with state.context.database.connection() as connection:
        rows, scanned = await groups.list_groups(connection, chosen, scope, limit=filters.limit + 1)
    items = [letters_json.group(row, by_source=chosen.by_source) for row in rows[: filters.limit]]
    truncated = len(rows) > filters.limit or scanned >= groups.SCAN_MAX
    return responses.json_response({"items": items, "letters": scanned, "truncated": truncated, "next": None})


@router.post(
    "/try", summary="Try a remedy on dead letters", openapi_extra=request_body(LetterForm),
    **responses_of(LetterTrialModel),
)  # fmt: skip
async def try_letters(
    request: Request, caller: Annotated[Caller, Depends(INTAKE_READERS)], state: StateDep
) -> Response:
    """Read the letters of a cause again, with today's registry and feeds, and say what would come of them.

    Nothing is stored.
    """
    body = await read_body(request, LetterForm)
    choice, door, now = _choice(body, state), release_door(state), state.context.clock.now()
    await door.open()
    read, tally, after = _reader(door, body.names, caller), releases.ReleaseTally(), 0
    async with state.context.database.connection() as connection:
        total, upto = await groups.count_letters(connection, choice, caller.scope)
        while tally.letters < min(total, TRIED_MAX):
            found = await groups.read_letters(
                connection, choice, caller.scope, after=after, upto=upto, limit=TRIED_AT_ONCE
            )
            if not found:
                break
            await releases.try_letters(connection, found, read, tally, now=now)
            after = found[-1].id
    told = letters_json.tally(tally, state.context.pack.feeds)
    return responses.json_response({"total": total, "truncated": total >= groups.SCAN_MAX, **told})


@router.post(
    "/release", summary="Let dead letters in", openapi_extra=request_body(ReleaseForm),
    **responses_of(ReleaseStepModel, status=201, refused=(409,)),
)  # fmt: skip
async def release(request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Begin to let the letters of a cause in, as they are now, and let the first of them in.

    The answer's `release` goes on (`/continue`) until `done`. What is still refused stays a dead letter.
    """
    body = await read_body(request, ReleaseForm)
    choice, door = _choice(body, state), release_door(state)
    await door.open()
    person = releases.Requester(caller.principal.name, caller.address, body.why)
    number = await releases.begin_release(
        state.context.database, choice, body.names, person, scope=caller.scope, wall=state.context.wall.now()
    )
    told = await release_step(number, body.names, person, caller, state)
    return responses.json_response(told, status=201)


class LetterReleaseForm(Input):
    """Under which names the members of one letter are read, and why it is let in."""

    names: Annotated[dict[Name, Name | None], Field(max_length=NAMES_MAX)] = {}  # noqa: RUF012 - a frozen model
    why: Why


@router.post(
    "/{letter}/release", summary="Let one dead letter in", openapi_extra=request_body(LetterReleaseForm),
    **responses_of(ReleaseStepModel, status=201, refused=(409,)),
)  # fmt: skip
async def release_letter(
    request: Request, letter: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Let one letter in as it is read today; the answer's `release` can be taken back as any other."""
    body, door = await read_body(request, LetterReleaseForm), release_door(state)
    choice = None
    if releases.is_number(letter):
        async with state.context.database.connection() as connection:
            choice = await groups.choice_of_letter(connection, int(letter), caller.scope)
    if choice is None:
        raise NotFoundError("no such dead letter, or it was let in already")
    _check_names(choice.feed, body.names, state)
    await door.open()
    person = releases.Requester(caller.principal.name, caller.address, body.why)
    number = await releases.begin_release(
        state.context.database, choice, body.names, person, scope=caller.scope, wall=state.context.wall.now()
    )
    told = await release_step(number, body.names, person, caller, state)
    return responses.json_response(told, status=201)


async def release_step(
    number: int, names: Mapping[str, str | None], person: releases.Requester, caller: Caller, state: APIState
) -> JSONObject:  # fmt: skip
    """Let the next letters of a release in; return the release and what the step did."""
    context, door = state.context, release_door(state)
    tally, row = await releases.release_batch(
        context.database, context.log, number, _reader(door, names, caller), person, scope=caller.scope,
        now=context.clock.now(), wall=context.wall.now(),
    )  # fmt: skip
    for feed, events in tally.by_feed.items():
        door.count(feed, events)
    told = letters_json.tally(tally, context.pack.feeds)
    return {"release": letters_json.release(row), "step": told}


@router.get("/releases", summary="What was let in", **responses_of(ReleasePageModel))
async def list_releases(
    caller: Annotated[Caller, Depends(INTAKE_READERS)], state: StateDep, filters: Annotated[ReleaseFilters, Query()]
) -> Response:
    """Return releases of what the caller may see, newest first."""
    keys = responses.cursor_keys("releases", filters, (int,))
    async with state.context.database.connection() as connection:
        rows = await releases.list_releases(
            connection, caller.scope, caller.principal.name, before=keys[0] if keys else None, limit=filters.limit + 1
        )
    following = responses.next_cursor("releases", filters, rows, ("id",))
    items = [letters_json.release(row) for row in rows[: filters.limit]]
    return responses.json_response({"items": items, "next": following})


@router.get("/releases/{release}", summary="One release", **responses_of(ReleaseModel))
async def get_release(
    release: str, caller: Annotated[Caller, Depends(INTAKE_READERS)], state: StateDep
) -> Response:  # fmt: skip
    """Return how far a release is."""
    return responses.json_response(letters_json.release(await _release(release, caller, state)))


@router.post("/releases/{release}/continue", summary="Let more in", **responses_of(ReleaseStepModel, refused=(409,)))
async def continue_release(
    release: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:  # fmt: skip
    """Let the next letters of a release in; of one that is done nothing more."""
    row = await _release(release, caller, state)
    await release_door(state).open()
    person = releases.Requester(caller.principal.name, caller.address, row["why"])
    return responses.json_response(await release_step(row["id"], row["names"], person, caller, state))


@router.post(
    "/releases/{release}/undo", summary="Take a release back", openapi_extra=request_body(UndoForm),
    **responses_of(ReleaseModel, refused=(409,)),
)  # fmt: skip
async def undo(
    request: Request, release: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:  # fmt: skip
    """Take the next events of a release back, as a person takes an entry back; ask again until `undone_at` is set.

    Charts drop them, alerts that rest on them are judged without them. What was revised since stays and is counted.
    Of one that adopted its device, the device goes last, unless it has reported since or something rests on it.
    """
    body = await read_body(request, UndoForm)
    row = await _release(release, caller, state)
    context = state.context
    person = releases.Requester(caller.principal.name, caller.address, body.why)
    found = await undo_release(
        context.database, context.log, row["id"], person, now=context.clock.now(), wall=context.wall.now()
    )
    return responses.json_response(letters_json.release(found))
