"""Indicators as they stand: plan, actual, achievement, the year so far, growth, who is late; as a workbook too."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import READERS
from ioc.api.deps import APIState, StateDep
from ioc.api.http import paging, responses
from ioc.api.http.filters import IndicatorFilters, IndicatorPage, check_values, many
from ioc.api.http.openapi_responses import XLSX_FILE, XLSX_TYPE, responses_of
from ioc.api.serializers import indicators as indicators_json
from ioc.api.serializers.models.indicators import IndicatorListModel, OneIndicatorModel
from ioc.api.wall.caller import Caller
from ioc.domain.indicators.indicator import Figure, Indicator, Period
from ioc.errors import NotFoundError, UnknownValueError
from ioc.indicators.standing import Standing, shown_period, standing
from ioc.indicators.workbook import standings, template
from ioc.store.indicators.figures import by_period, read_figures
from ioc.store.indicators.imports import read_imports
from ioc.store.postgres.scope import Scope

router = APIRouter(prefix="/indicators", tags=["indicators"])
Standings = list[tuple[Indicator, dict[str, Figure], Standing]]


def visible(state: APIState, scope: Scope) -> list[Indicator]:
    """Return the indicators inside a wall; one of the whole site is seen by who sees every area."""
    return [
        one for one in state.context.pack.indicators if scope.sees(area=one.area, zone=one.zone, feed=one.feed)
    ]  # fmt: skip


def local_day(state: APIState) -> date:
    """Return the local day of the log: what is late in a drill is late on its own clock."""
    return state.context.clock.now().astimezone(state.context.pack.zone).date()


async def chosen(filters: IndicatorFilters, caller: Caller, state: APIState) -> Standings:
    """Return the indicators that are asked for, each as it stands.

    Raises:
        UnknownValueError: there is no such domain, agency or area.
    """
    check_values(filters, state.context.pack)
    domains, agencies = many(filters.domain), many(filters.agency)
    known = sorted({one.agency.id for one in state.context.pack.indicators})
    unknown = next((agency for agency in agencies or () if agency not in known), None)
    if unknown is not None:
        raise UnknownValueError(f"there is no agency {unknown:.40}; there are {', '.join(known)}", field="agency")
    period = None if filters.period is None else Period.of_code(filters.period)
    if filters.period is not None and period is None:
        raise UnknownValueError("there is no such period", field="period")
    found = [
        one
        for one in visible(state, caller.within(filters.area, None))
        if (domains is None or one.domain in domains) and (agencies is None or one.agency.id in agencies)
        and (period is None or one.period_kind is period.kind)
    ]  # fmt: skip
    made = await stand(found, state, period)
    return [each for each in made if filters.late is None or each[2].late is filters.late]


async def stand(found: Sequence[Indicator], state: APIState, period: Period | None) -> Standings:
    """Return indicators as they stand in a period, or each in the one that is newest."""
    async with state.context.database.connection() as connection:
        figures = await read_figures(connection, [one.code for one in found])
    today = local_day(state)
    made = []
    for one in found:
        own = by_period(figures, one.code)
        made.append((one, own, standing(one, own, period or shown_period(one, own, today), today)))
    return made


@router.get("", summary="List indicators", **responses_of(IndicatorListModel))
async def list_indicators(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[IndicatorPage, Query()]
) -> Response:
    """Return indicators in the order of the pack, each in its newest period or in `period`; `late`: those overdue."""
    keys = responses.cursor_keys("indicators", filters, (paging.SmallNumber,))
    start = 0 if keys is None else max(0, int(keys[0]))
    made = await chosen(filters, caller, state)
    today = local_day(state)
    items = [indicators_json.indicator(*each, today) for each in made[start : start + filters.limit]]
    end = start + filters.limit
    following = paging.make_cursor("indicators", filters.model_dump(), [end]) if end < len(made) else None
    return responses.json_response({"items": items, "next": following})


@router.get("/template", summary="The workbook to fill in", response_class=Response, **XLSX_FILE)
async def get_template(caller: Annotated[Caller, Depends(READERS)], state: StateDep) -> Response:
    """Return the workbook that agencies fill in, with a row for each indicator that the caller may see."""
    body = template(visible(state, caller.scope), language=caller.language)
    return workbook(body, "chi-tieu-mau.xlsx" if caller.language == "vi" else "indicators-template.xlsx")


@router.get("/export", summary="Indicators as a workbook", response_class=Response, **XLSX_FILE)
async def export(
    caller: Annotated[Caller, Depends(READERS)], state: StateDep, filters: Annotated[IndicatorFilters, Query()]
) -> Response:
    """Return what the list shows, all of it, as a workbook; text is text in it, never a formula."""
    made = await chosen(filters, caller, state)
    body = standings([(one, stands) for one, _, stands in made], language=caller.language)
    return workbook(body, f"chi-tieu-{local_day(state)}.xlsx")


@router.get("/{code}", summary="One indicator", **responses_of(OneIndicatorModel))
async def get_indicator(
    request: Request, code: str, caller: Annotated[Caller, Depends(READERS)], state: StateDep
) -> Response:
    """Return an indicator with its figures, newest period first, and who sent and approved each."""
    del request
    one = next((each for each in visible(state, caller.scope) if each.code == code), None)
    if one is None:
        raise NotFoundError("no such indicator")
    today = local_day(state)
    async with state.context.database.connection() as connection:
        own = by_period(await read_figures(connection, [code]), code)
        imports = await read_imports(connection, sorted({figure.changed_by for figure in own.values()}))
    periods = sorted((period for each in own if (period := Period.of_code(each)) is not None), reverse=True)
    figures = [
        indicators_json.figure(
            standing(one, own, period, today), own[period.code], imports.get(own[period.code].changed_by)
        )
        for period in periods
    ]
    stands = standing(one, own, shown_period(one, own, today), today)
    return responses.json_response({**indicators_json.indicator(one, own, stands, today), "figures": figures})


def workbook(body: bytes, name: str) -> Response:
    """Return a workbook as a file."""
    return Response(body, 200, {"Content-Disposition": f'attachment; filename="{name}"'}, XLSX_TYPE)
