"""VN_AQI of a station from its stored hourly means: of an hour, of a day, with its band (pure)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from ioc.api.serializers import nouns
from ioc.domain.feed import FeedSpec
from ioc.domain.moment import LOCAL_ZONE
from ioc.rules.aggregates.field import vn_aqi
from ioc.rules.aggregates.field.nowcast import HOURS as NOWCAST_HOURS
from ioc.rules.aggregates.field.nowcast import nowcast
from ioc.rules.aggregates.field.vn_aqi import HOURLY, PARTICLES, Pollutant, StationIndex
from ioc.rules.aggregates.field.vn_aqi_bands import Band, band_of
from ioc.rules.aggregates.field.vn_aqi_day import DAY_HOURS, OZONE_HOURS, day_figures

HOUR = timedelta(hours=1)
POLLUTANTS = [str(name) for name in HOURLY]
LOOK_BACK = NOWCAST_HOURS * HOUR
"""What an hour's index looks back on."""
DAY_LOOK_BACK = OZONE_HOURS * HOUR
"""What a day's index looks back on before its midnight."""
Hours = Mapping[tuple[str, datetime], float]
"""Hourly means of one station by (pollutant, beginning of the hour)."""


def air_feeds(feeds: Mapping[str, FeedSpec]) -> list[str]:
    """Return the feeds that measure dust, without which there is no VN_AQI."""
    return sorted(spec.id for spec in feeds.values() if any(str(particle) in spec.fields for particle in PARTICLES))


def hourly_index(means: Hours, begins: datetime) -> StationIndex | None:
    """Return the VN_AQI of the hour that begins at ``begins``: NowCast of dust, the hour's means of the rest."""
    figures: dict[str, float | None] = {name: means.get((name, begins)) for name in POLLUTANTS}
    for name in PARTICLES:
        figures[str(name)] = nowcast([means.get((str(name), begins - age * HOUR)) for age in range(NOWCAST_HOURS)])
    return vn_aqi.hourly(figures)


def daily_index(means: Hours, day: date) -> StationIndex | None:
    """Return the VN_AQI of a local day, whose 24 hourly means are those of 01:00 to 00:00."""
    begins = datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE)
    hours = {name: [means.get((name, begins + hour * HOUR)) for hour in range(DAY_HOURS)] for name in POLLUTANTS}
    before = [means.get((str(Pollutant.O3), begins - age * HOUR)) for age in reversed(range(1, OZONE_HOURS))]
    return vn_aqi.daily(day_figures(hours, ozone_before=before))


def last_hour(now: datetime) -> datetime:
    """Return the beginning of the last hour that is over: the running one says nothing yet."""
    return datetime.fromtimestamp(int(now.timestamp()) // 3_600 * 3_600, tz=LOCAL_ZONE) - HOUR


def index_json(found: StationIndex | None) -> nouns.JSONObject | None:
    """Return an index with its band; null is "no data", never zero."""
    if found is None:
        return None
    band = band_of(found.value)
    return {"index": found.value, "pollutant": str(found.pollutant), **band_json(band)}


def band_json(band: Band) -> nouns.JSONObject:
    """Return what a band is called, its official colour and what it means for health."""
    return {
        "band": nouns.label(band.label),
        "from": band.lowest,
        "to": band.highest,
        "colour": band.colour_hex,
        "colour_name": nouns.label(band.colour),
        "advice": str(band.advice),
        "health": nouns.label(band.health),
    }


def station(means: Hours, *, now: datetime, hours: int, days: int) -> nouns.JSONObject:
    """Return the indices of one station: the newest of each, and those before, oldest first."""
    newest = last_hour(now)
    begins = [newest - age * HOUR for age in reversed(range(hours))]
    today = now.astimezone(LOCAL_ZONE).date()
    told_days = [today - timedelta(days=age) for age in reversed(range(1, days + 1))]
    of_hours = [{"t": nouns.moment(hour + HOUR), "value": index_json(hourly_index(means, hour))} for hour in begins]
    of_days = [{"day": day.isoformat(), "value": index_json(daily_index(means, day))} for day in told_days]
    return {"hourly": of_hours[-1], "daily": of_days[-1], "hours": of_hours[:-1], "days": of_days[:-1]}


def by_station(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[tuple[str, datetime], float]]:
    """Return hourly means by station; what is below zero is no concentration and is left out."""
    found: dict[str, dict[tuple[str, datetime], float]] = {}
    for row in rows:
        if row["v"] is not None and row["v"] >= 0:
            found.setdefault(row["device"], {})[row["field"], row["bucket"].astimezone(LOCAL_ZONE)] = row["v"]
    return found


def worst_station(rows: Sequence[Mapping[str, Any]], now: datetime) -> nouns.JSONObject | None:
    """Return the station with the highest index of the last hour that is over; null: none has one."""
    hour, names = last_hour(now), {row["device"]: nouns.both(row, "name") for row in rows}
    found = [(device, hourly_index(means, hour)) for device, means in sorted(by_station(rows).items())]
    known = [(device, index) for device, index in found if index is not None]
    if not known:
        return None
    device, index = max(known, key=lambda one: one[1].value)
    told = {"t": nouns.moment(hour + HOUR), "value": index_json(index), "stations": len(known)}
    return {"device": device, "device_name": names[device], **told}
