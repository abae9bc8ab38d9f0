"""The domains' tiles, computed at most once a second for each wall."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ioc.api.context import APIContext
from ioc.api.serializers import nouns
from ioc.api.views.air_index import LOOK_BACK, POLLUTANTS, air_feeds, last_hour, worst_station
from ioc.api.views.working_time import working_time_over
from ioc.domain.feed import FeedSpec
from ioc.domain.severity import Severity
from ioc.packs.pack import Domain, Pack
from ioc.store.alerts import domains
from ioc.store.alerts import reader as alerts
from ioc.store.postgres.scope import Scope
from ioc.store.series import reader as series_read

FRESH_SECONDS = 1.0
AIR_FRESH_SECONDS = 20.0
WALLS_MAX = 64
SPARK_POINTS = 24
SPARK_STEPS_SECONDS = (3_600, 300)
"""A day by the hour; while there is less than two hours of it, as on the first morning, two hours by five minutes."""
KNOWN_MIN = 2
Line = Mapping[tuple[str, str], Mapping[datetime, float]]


class Tiles:
    """Answers `/domains`; a wall asked within the second is answered from memory."""

    def __init__(self, context: APIContext) -> None:
        self._context = context
        self._made: OrderedDict[Scope, tuple[float, list[nouns.JSONObject]]] = OrderedDict()
        self._air: OrderedDict[Scope, tuple[float, nouns.JSONObject | None]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def read(self, scope: Scope) -> list[nouns.JSONObject]:
        """Return the tiles of one wall, in the pack's order."""
        async with self._lock:
            seconds = self._context.io_clock.seconds()
            known = self._made.get(scope)
            if known is not None and seconds - known[0] < FRESH_SECONDS:
                return known[1]
            made = await self._make(scope)
            self._made[scope] = (seconds, made)
            self._made.move_to_end(scope)
            while len(self._made) > WALLS_MAX:
                self._made.popitem(last=False)
            return made

    async def _make(self, scope: Scope) -> list[nouns.JSONObject]:
        context, now = self._context, self._context.clock.now()
        air, of_air = await self._read_air(scope, now), set(air_feeds(context.pack.feeds))
        feeds, seconds = context.feed_periods
        pairs = [(item.spark_field.feed, item.spark_field.field) for item in context.pack.domains if item.spark_field]
        async with context.database.connection() as connection:
            pulse = await domains.feed_pulse(connection, scope, now=now, feeds=feeds, seconds=seconds)
            counted = await alerts.count_open(connection, scope)
            sparks: dict[int, dict[tuple[str, str], dict[datetime, float]]] = {}
            for step in SPARK_STEPS_SECONDS:
                line = sparks.setdefault(step, {})
                since = points(now, step)[0]
                for row in await domains.lines(connection, scope, pairs=pairs, since=since, step_seconds=step):
                    line.setdefault((row["feed"], row["field"]), {})[row["bucket"]] = row["v"]
        return [
            _tile(domain, context.pack, pulse=pulse, counted=counted, sparks=sparks, now=now)
            | {"air": air if of_air & set(domain.feeds) else None}
            for domain in context.pack.domains
        ]

    async def _read_air(self, scope: Scope, now: datetime) -> nouns.JSONObject | None:
        """Return the station with the worst air of the last hour, at most 20 seconds old: an hour changes slowly."""
        seconds = self._context.io_clock.seconds()
        known = self._air.get(scope)
        if known is not None and seconds - known[0] < AIR_FRESH_SECONDS:
            return known[1]
        feeds = air_feeds(self._context.pack.feeds)
        rows: Sequence[Mapping[str, Any]] = []
        if feeds:
            async with self._context.database.connection() as connection:
                since = last_hour(now) - LOOK_BACK
                rows = await series_read.read_hours(connection, scope, fields=POLLUTANTS, since=since, feeds=feeds)
        found = worst_station(rows, now)
        self._air[scope] = (seconds, found)
        self._air.move_to_end(scope)
        while len(self._air) > WALLS_MAX:
            self._air.popitem(last=False)
        return found


def points(now: datetime, step_seconds: int) -> list[datetime]:
    """Return the starts of the newest steps, oldest first, the running one last."""
    newest = datetime.fromtimestamp(int(now.timestamp()) // step_seconds * step_seconds, tz=now.tzinfo)
    return [newest - timedelta(seconds=step_seconds * number) for number in reversed(range(SPARK_POINTS))]


def silent_since(spec: FeedSpec, heard: datetime | None, now: datetime, pack: Pack) -> datetime | None:
    """Return when a feed fell silent (it was last heard), null while it reports.

    A feed never heard is silent from the beginning of time: the caller says `no data` without a time.
    """
    if heard is None:
        return datetime.min.replace(tzinfo=now.tzinfo)
    allowed = 2 * spec.expected_period
    if not spec.working_days:
        return heard if now - heard > allowed else None
    days_off = {holiday.date for holiday in pack.holidays}
    return heard if now > working_time_over(heard, allowed, zone=pack.zone, holidays=days_off) else None


def expected_to_speak(connected: Sequence[FeedSpec]) -> Sequence[FeedSpec]:
    """Return the feeds whose silence a tile tells: the regular ones; where there is none, the occasional ones.

    An hour without a crime report is a good hour, but where citizens' reports are all that a domain has, days without
    one are no calm.
    """
    return [spec for spec in connected if not spec.occasional] or connected


def _tile(
    domain: Domain,
    pack: Pack,
    *,
    pulse: Mapping[str, Mapping[str, Any]],
    counted: Sequence[Mapping[str, Any]],
    sparks: Mapping[int, Line],
    now: datetime,
) -> nouns.JSONObject:
    feeds = pack.feeds
    opened = {
        str(severity): sum(
            row["n"] - row["silenced"] for row in counted if (row["domain"], row["severity"]) == (domain.id, severity)
        )
        for severity in reversed(Severity)
    }
    known = [feeds[name] for name in domain.feeds if name in feeds]
    rows = [pulse[spec.id] for spec in known if spec.id in pulse]
    heard = {spec.id: pulse[spec.id]["last_log_time"] for spec in known if spec.id in pulse}
    # A feed without registered devices that was never heard is not connected: it is neither silent nor normal.
    connected = [spec for spec in known if heard.get(spec.id) or (spec.id in pulse and pulse[spec.id]["devices"])]
    silences = [
        since
        for spec in expected_to_speak(connected)
        if (since := silent_since(spec, heard.get(spec.id), now, pack)) is not None
    ]
    # Silence is never green, and never hides an alert either.
    worst = next((name for name, count in opened.items() if count), None)
    state = worst or ("no_data" if silences or not connected else "normal")
    told = [since for since in silences if since.year > 1]
    return {
        "id": domain.id,
        "number": domain.number,
        "label": nouns.label(domain.label),
        "feeds": list(domain.feeds),
        "open": opened,
        "silenced": sum(row["silenced"] for row in counted if row["domain"] == domain.id),
        "state": state,
        "last_log_time": nouns.moment(max((time for time in heard.values() if time is not None), default=None)),
        "no_data_since": nouns.moment(min(told, default=None)),
        "devices": sum(row["devices"] for row in rows),
        "online": sum(row["online"] for row in rows),
        **_spark(domain, feeds, sparks, now),
    }


def _spark(
    domain: Domain, feeds: Mapping[str, FeedSpec], sparks: Mapping[int, Line], now: datetime
) -> nouns.JSONObject:
    """Return the line, oldest first, its step, and what it is of."""
    chosen = domain.spark_field
    spec = feeds.get(chosen.feed) if chosen else None
    field = spec.fields.get(chosen.field) if chosen and spec else None
    if chosen is None or field is None:
        return {"spark": [None] * SPARK_POINTS, "spark_step_seconds": SPARK_STEPS_SECONDS[0], "spark_field": None}
    told = {"feed": chosen.feed, "field": chosen.field, "label": nouns.label(field.label), "unit": field.unit}
    drawn = {step: sparks[step].get((chosen.feed, chosen.field), {}) for step in SPARK_STEPS_SECONDS}
    hourly, fine = SPARK_STEPS_SECONDS
    step = fine if len(drawn[hourly]) < KNOWN_MIN < len(drawn[fine]) else hourly
    line = [drawn[step].get(start) for start in points(now, step)]
    return {"spark": line, "spark_step_seconds": step, "spark_field": told}
