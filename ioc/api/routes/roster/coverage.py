"""Who is on duty now, and where nobody is; what a repeating pattern would make, and its writing and taking back."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import OPERATORS, REGISTRARS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.body import Reasoned, read_body, request_body
from ioc.api.http.filters import check_values
from ioc.api.http.openapi_responses import responses_of
from ioc.api.routes.roster import entries
from ioc.api.routes.roster.forms import CoverageFilters, PatternForm, check_times, window_of
from ioc.api.serializers.roster import shifts as roster_json
from ioc.api.serializers.roster.models import CoverageModel, PatternDoneModel, PatternPreviewModel, PatternUndoneModel
from ioc.api.views.duty import read_coverage
from ioc.api.wall.caller import Caller
from ioc.domain.contacts.directory import unit_of
from ioc.domain.roster.shift import Shift, ShiftAction, ShiftRole
from ioc.errors import InvalidInputError
from ioc.roster.pattern import SHIFTS_MAX, Pattern, PlannedShift, expand
from ioc.store.contacts import reader as directory
from ioc.store.personal.values import open_personal
from ioc.store.roster import reader
from ioc.store.roster.changes import add_pattern, undo_pattern

router = APIRouter(prefix="/shifts", tags=["roster"])


@router.get("/coverage", summary="Who is on duty now, and where nobody is", **responses_of(CoverageModel))
async def get_coverage(
    caller: Annotated[Caller, Depends(OPERATORS)], state: StateDep, filters: Annotated[CoverageFilters, Query()]
) -> Response:
    """Return each unit that keeps a roster: who of it is on duty now, and its gaps between two moments.

    A unit keeps a roster from its first shift on until a week after its last; it needs somebody in its own hours.
    """
    context = state.context
    check_values(filters, context.pack)
    now = context.clock.now()
    start, end = window_of(filters, now)
    scope = caller.scope if filters.area is None else caller.within(filters.area, None)
    async with context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        wanted = directory.DirectoryFilter(domain=filters.domain)
        rows = await directory.list_units(
            connection, wanted, inside=directory.places_of(scope, caller.book), after=None, limit=directory.UNITS_READ
        )
        units = {row["id"]: unit_of(row) for row in rows}
        found = await read_coverage(connection, units, at=now, start=start, end=end, pack=context.pack)
        named = [
            each
            for unit in found.units
            for one in found.duty.on_duty.get(unit, ())
            for each in (one.contact, *([] if one.stands_for is None else [one.stands_for]))
        ]
        titles = await reader.contact_titles(connection, named)
        persons = await open_personal(connection, [row["person"] for row in titles.values()])
    told = roster_json.coverage(found, units=units, titles=titles, persons=persons, at=now, start=start, end=end)
    return responses.json_response(told)


@router.post(
    "/patterns/preview", summary="What a repeating pattern would make", openapi_extra=request_body(PatternForm),
    **responses_of(PatternPreviewModel),
)  # fmt: skip
async def preview_pattern(
    request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Return the shifts that a pattern would make, and those among them whose contact is on another shift already."""
    form = await read_body(request, PatternForm)
    planned = _planned(form, state)
    inside = directory.places_of(caller.scope, caller.book)
    async with state.context.database.connection() as connection:
        wanted = reader.ShiftFilter(starts_before=planned[-1].ends_at, ends_after=planned[0].starts_at, unit=form.unit)
        rows = await reader.list_shifts(connection, wanted, inside=inside, after=None, limit=reader.SHIFTS_READ_MAX)
        titles = await reader.contact_titles(connection, form.contacts)
    taken = [(row["contact"], row["starts_at"], row["ends_at"]) for row in rows]
    return responses.json_response(roster_json.preview(planned, taken=taken, titles=titles))


@router.post(
    "/patterns", summary="Write what a repeating pattern makes", openapi_extra=request_body(PatternForm),
    **responses_of(PatternDoneModel, status=201, refused=(409,)),
)  # fmt: skip
async def write_pattern(request: Request, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep) -> Response:
    """Write every shift of a pattern, or none: crews in turn, for at most 92 days."""
    form = await read_body(request, PatternForm)
    pattern = entries.new_id("sp")
    shifts = [
        Shift(id=entries.new_id("sh"), unit=form.unit, contact=one.contact, role=ShiftRole(form.role),
              starts_at=one.starts_at, ends_at=one.ends_at, pattern=pattern)
        for one in _planned(form, state)
    ]  # fmt: skip
    step = entries.step_of(ShiftAction.PUT, form.why, caller, state)
    await add_pattern(state.context.database, shifts, step, scope=caller.scope)
    return responses.json_response({"pattern": pattern, "shifts": len(shifts)}, status=201)


@router.post(
    "/patterns/{pattern}/undo", summary="Take back what a pattern made", openapi_extra=request_body(Reasoned),
    **responses_of(PatternUndoneModel, refused=(409,)),
)  # fmt: skip
async def undo(
    request: Request, pattern: str, caller: Annotated[Caller, Depends(REGISTRARS)], state: StateDep
) -> Response:
    """Take out the shifts of a pattern; those that somebody has changed since stay, and are counted."""
    form = await read_body(request, Reasoned)
    step = entries.step_of(ShiftAction.REMOVE, form.why, caller, state)
    removed, kept = await undo_pattern(state.context.database, pattern, step, scope=caller.scope)
    return responses.json_response({"removed": removed, "kept": kept})


def _planned(form: PatternForm, state: APIState) -> list[PlannedShift]:
    """Return the shifts of a pattern.

    Raises:
        InvalidInputError: they are too many, or lie too far away.
    """
    every = form.every_hours or form.shift_hours
    pattern = Pattern(
        crews=tuple(form.contacts), starts_at=form.starts_at, shift_hours=form.shift_hours, every_hours=every,
        days=form.days,
    )  # fmt: skip
    now = state.context.clock.now()
    check_times(form.starts_at, form.starts_at + timedelta(hours=form.shift_hours), now)
    planned = list(expand(pattern, state.context.pack.zone))
    if len(planned) > SHIFTS_MAX:
        raise InvalidInputError(f"this makes more than {SHIFTS_MAX} shifts: fewer days, or longer shifts", field="days")
    return planned
