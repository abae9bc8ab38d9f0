"""VN_AQI of every station, of the last hour that is over and of the day before: index, band, pollutant, advice."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ioc.api.auth import EVERYBODY
from ioc.api.deps import StateDep
from ioc.api.http import responses
from ioc.api.http.filters import Many, Place, many
from ioc.api.http.openapi_responses import responses_of
from ioc.api.serializers import nouns
from ioc.api.serializers.models.air import AirQualityModel
from ioc.api.views.air_index import (
    DAY_LOOK_BACK,
    HOUR,
    LOOK_BACK,
    POLLUTANTS,
    air_feeds,
    band_json,
    by_station,
    last_hour,
    station,
)  # fmt: skip
from ioc.api.wall.caller import Caller
from ioc.domain.moment import LOCAL_ZONE
from ioc.errors import InvalidInputError
from ioc.rules.aggregates.field.vn_aqi import SOURCE
from ioc.rules.aggregates.field.vn_aqi_bands import BANDS
from ioc.store.registry import devices
from ioc.store.series import reader as series_read

router = APIRouter(prefix="/air-quality", tags=["series"])
STATIONS_MAX = 500
STATIONS_OF_DAYS_MAX = 5


class AirFilters(BaseModel):
    """Which stations, and how far back."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    area: Place | None = None
    zone: Place | None = None
    device: Many | None = None
    hours: Annotated[int, Field(ge=1, le=72)] = 1
    days: Annotated[int, Field(ge=1, le=31)] = 1


@router.get("", summary="VN_AQI of the stations", **responses_of(AirQualityModel))
async def list_air(
    caller: Annotated[Caller, Depends(EVERYBODY)], state: StateDep, filters: Annotated[AirFilters, Query()]
) -> Response:
    """Return each station's VN_AQI by QĐ 1459/QĐ-TCMT, the bands, and where both come from.

    ``hours`` and ``days`` above 1 tell those before as well, of at most five stations that are named.
    """
    feeds, now = state.context.pack.feeds, state.context.clock.now()
    ids = many(filters.device)
    if (filters.hours > 1 or filters.days > 1) and (ids is None or len(ids) > STATIONS_OF_DAYS_MAX):
        raise InvalidInputError(f"name at most {STATIONS_OF_DAYS_MAX} stations to look back", field="device")
    named, scope = air_feeds(feeds), caller.within(filters.area, filters.zone)
    today = now.astimezone(LOCAL_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = today - timedelta(days=filters.days) - DAY_LOOK_BACK
    since = min(first_day, last_hour(now) - filters.hours * HOUR - LOOK_BACK)
    async with state.context.database.connection() as connection:
        rows = await devices.list_devices(
            connection, devices.DeviceFilter(feeds=named, ids=ids), scope,
            now=now, feeds=feeds, after=None, limit=STATIONS_MAX,
        )  # fmt: skip
        means = by_station(
            await series_read.read_hours(
                connection, scope, devices=[row["id"] for row in rows], fields=POLLUTANTS, since=since
            )
        )
    items = [
        {
            "device": row["id"],
            "device_name": nouns.both(row, "name"),
            "area": row["area"],
            "area_name": nouns.label(caller.book.name_of(row["area"], caller.today)),
            "zone": row["zone"],
            "lat": row["lat"],
            "lon": row["lon"],
            **station(means.get(row["id"], {}), now=now, hours=filters.hours, days=filters.days),
        }
        for row in rows
    ]
    valid_from = SOURCE.valid_from.isoformat() if SOURCE.valid_from else None
    source = {"text": SOURCE.text, "verified": SOURCE.verified, "valid_from": valid_from, "note": SOURCE.note}
    return responses.json_response(
        {"items": items, "next": None, "bands": [band_json(band) for band in BANDS], "source": source}
    )
