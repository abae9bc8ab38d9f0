"""Series and latest values."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.auth import EVERYBODY
from ioc.api.deps import APIState, StateDep
from ioc.api.http import responses
from ioc.api.http.filters import LatestFilters, SeriesFilters, check_values, many
from ioc.api.http.openapi_responses import CSV_TYPE, GEOJSON_TYPE, responses_of
from ioc.api.routes.city.events import feeds_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.events import LatestPageModel, SeriesModel
from ioc.api.wall.caller import Caller
from ioc.domain.feed import FieldType
from ioc.errors import InvalidInputError, NotFoundError
from ioc.store.registry import devices
from ioc.store.series import reader as series_read

router = APIRouter(tags=["series"])
STEPS = {"5m": 300, "1h": 3_600, "1d": 86_400}
WIDER = {"raw": "5m", "5m": "1h", "1h": "1d", "1d": "a shorter range"}
DEFAULT_SPAN = timedelta(hours=24)
SPAN_MAX = timedelta(days=366 * 30)


def too_many(step: str) -> InvalidInputError:
    """Return the refusal that says what to ask instead."""
    return InvalidInputError(
        f"more than {series_read.POINTS_MAX} points: shorten from..to or use step={WIDER[step]}", field="step"
    )


def span_of(filters: SeriesFilters, now: datetime) -> tuple[datetime, datetime]:
    """Return [from, to): the last day unless said otherwise.

    Raises:
        InvalidInputError: empty, too wide, or more points than the bound.
    """
    until = filters.until or now
    since = filters.since or until - DEFAULT_SPAN
    if since >= until or until - since > SPAN_MAX:
        raise InvalidInputError("from must be before to, at most thirty years", field="from")
    seconds = STEPS.get(filters.step)
    if seconds is not None and (until - since).total_seconds() / seconds > series_read.POINTS_MAX:
        raise too_many(filters.step)
    return since, until


def unit_of(state: APIState, feed: str | None, field: str) -> str:
    """Return the unit of a field, empty where no feed declares it."""
    specs = state.context.pack.feeds.values()
    return next((spec.fields[field].unit for spec in specs if feed in (None, spec.id) and field in spec.fields), "")


def numeric(state: APIState, filters: SeriesFilters, caller: Caller) -> None:
    """Refuse a masked reader everything but declared numbers: undeclared fields may hold anything."""
    if not caller.principal.masked:
        return
    types = {FieldType.NUMBER, FieldType.INTEGER, FieldType.BOOLEAN}
    for spec in state.context.pack.feeds.values():
        if (
            filters.feed in (None, spec.id)
            and filters.field in spec.fields
            and spec.fields[filters.field].type in types
        ):
            return
    raise NotFoundError("no such series")


@router.get("/series", summary="One line of a chart", **responses_of(SeriesModel, forms=(CSV_TYPE,)))
async def get_series(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[SeriesFilters, Query()],
) -> Response:
    """Return a field of one device, or of a feed's devices together, by step; at most 5,000 points."""
    check_values(filters, state.context.pack)
    if filters.device is None and filters.feed is None:
        raise InvalidInputError("name a device or a feed", field="device")
    since, until = span_of(filters, state.context.clock.now())
    scope = caller.within(filters.area, filters.zone)
    numeric(state, filters, caller)
    query = series_read.SeriesQuery(filters.field, since, until, filters.feed, filters.device)
    async with state.context.database.connection() as connection:
        foreign = filters.device is not None and caller.scope.areas is not None
        if foreign and not await devices.sees_device(connection, str(filters.device), caller.scope):
            raise NotFoundError("no such device")
        if filters.step == "raw":
            rows = await series_read.read_raw(connection, query, scope)
        else:
            rows = await series_read.read_buckets(
                connection, query, scope, step_seconds=STEPS[filters.step], aggregate=filters.aggregate
            )
    if len(rows) > series_read.POINTS_MAX:
        raise too_many(filters.step)
    items = [_point(row) for row in rows]
    if responses.wanted_form(request) == "csv":
        return responses.list_response(request, items, following=None, position=0, name="series")
    return responses.json_response(
        {"step": filters.step, "unit": unit_of(state, filters.feed, filters.field), "items": items}
    )


def _point(row: series_read.Row) -> nouns.JSONObject:
    """Return one point; a raw reading is its own least and most."""
    value = float(row["v"]) if row["v"] is not None else None
    if "n" not in row:
        return {"t": nouns.moment(row["t"]), "v": value, "n": 1, "min": value, "max": value}
    return {"t": nouns.moment(row["t"]), "v": value, "n": row["n"], "min": row["min"], "max": row["max"]}


@router.get("/latest", summary="Newest values", **responses_of(LatestPageModel, forms=(CSV_TYPE, GEOJSON_TYPE)))
async def get_latest(
    request: Request,
    caller: Annotated[Caller, Depends(EVERYBODY)],
    state: StateDep,
    filters: Annotated[LatestFilters, Query()],
) -> Response:
    """Return the newest value of each field of each device."""
    check_values(filters, state.context.pack)
    keys = responses.cursor_keys("latest", filters, (str, str, str))
    chosen = series_read.LatestFilter(
        feeds_of(state, filters.feed, filters.domain),
        many(filters.device),
        many(filters.field),
        numbers_only=caller.principal.masked,
    )
    scope = caller.within(filters.area, filters.zone)
    after = (keys[0], keys[1], keys[2]) if keys else None
    async with state.context.database.connection() as connection, connection.transaction(isolation="repeatable_read"):
        position = await responses.begin_snapshot(connection)
        rows = await series_read.list_latest(connection, chosen, scope, after=after, limit=filters.limit + 1)
    following = responses.next_cursor("latest", filters, rows, ("device", "feed", "field"))
    items = [nouns.latest(row, state.context.pack.feeds) for row in rows[: filters.limit]]
    return responses.list_response(request, items, following=following, position=position, name="latest")
