"""The domains' tiles, computed at most once a second for each wall."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ioc.api import wire
from ioc.api.parts import APIParts
from ioc.domain.feed import FeedSpec
from ioc.domain.severity import Severity
from ioc.packs.pack import Domain
from ioc.store import alerts, domains
from ioc.store.scope import Scope

FRESH_SECONDS = 1.0
WALLS_MAX = 64
SPARK_HOURS = 24


class Tiles:
    """Answers `/domains`; a wall asked within the second is answered from memory."""

    def __init__(self, parts: APIParts) -> None:
        self._parts = parts
        self._made: OrderedDict[Scope, tuple[float, list[wire.JSONObject]]] = OrderedDict()
        self._lock = asyncio.Lock()

    async def read(self, scope: Scope) -> list[wire.JSONObject]:
        """Return the tiles of one wall, in the pack's order."""
        async with self._lock:
            seconds = self._parts.io_clock.seconds()
            known = self._made.get(scope)
            if known is not None and seconds - known[0] < FRESH_SECONDS:
                return known[1]
            made = await self._make(scope)
            self._made[scope] = (seconds, made)
            self._made.move_to_end(scope)
            while len(self._made) > WALLS_MAX:
                self._made.popitem(last=False)
            return made

    async def _make(self, scope: Scope) -> list[wire.JSONObject]:
        parts, now = self._parts, self._parts.clock.now()
        feeds, seconds = parts.feed_periods
        hour = now.replace(minute=0, second=0, microsecond=0)
        since = hour - timedelta(hours=SPARK_HOURS - 1)
        pairs = [(item.spark_field.feed, item.spark_field.field) for item in parts.pack.domains if item.spark_field]
        async with parts.database.connection() as connection:
            pulse = await domains.feed_pulse(connection, scope, now=now, feeds=feeds, seconds=seconds)
            counted = await alerts.count_open(connection, scope)
            lines = await domains.hourly_lines(connection, scope, pairs=pairs, since=since)
        sparks: dict[tuple[str, str], dict[datetime, float]] = {}
        for row in lines:
            sparks.setdefault((row["feed"], row["field"]), {})[row["bucket"]] = row["v"]
        hours = [since + timedelta(hours=number) for number in range(SPARK_HOURS)]
        return [
            _tile(domain, parts.pack.feeds, pulse=pulse, counted=counted, sparks=sparks, hours=hours, now=now)
            for domain in parts.pack.domains
        ]


def silent_since(spec: FeedSpec, heard: datetime | None, now: datetime) -> datetime | None:
    """Return when a feed fell silent (it was last heard), null while it reports or when it need not report regularly.

    A feed never heard is silent from the beginning of time: the caller says `no data` without a time.
    """
    if not spec.device_required:
        return None
    if heard is None:
        return datetime.min.replace(tzinfo=now.tzinfo)
    return heard if now - heard > 2 * spec.expected_period else None


def _tile(
    domain: Domain,
    feeds: Mapping[str, FeedSpec],
    *,
    pulse: Mapping[str, Mapping[str, Any]],
    counted: Sequence[Mapping[str, Any]],
    sparks: Mapping[tuple[str, str], Mapping[datetime, float]],
    hours: Sequence[datetime],
    now: datetime,
) -> wire.JSONObject:
    opened = {
        str(severity): sum(row["n"] for row in counted if (row["domain"], row["severity"]) == (domain.id, severity))
        for severity in reversed(Severity)
    }
    known = [feeds[name] for name in domain.feeds if name in feeds]
    rows = [pulse[spec.id] for spec in known if spec.id in pulse]
    heard = {spec.id: pulse[spec.id]["last_log_time"] for spec in known if spec.id in pulse}
    silences = [since for spec in known if (since := silent_since(spec, heard.get(spec.id), now)) is not None]
    # Silence is never green, and never hides an alert either.
    worst = next((name for name, count in opened.items() if count), None)
    state = worst or ("no_data" if silences or not known else "normal")
    told = [since for since in silences if since.year > 1]
    return {
        "id": domain.id,
        "number": domain.number,
        "label": wire.label(domain.label),
        "feeds": list(domain.feeds),
        "open": opened,
        "state": state,
        "last_log_time": wire.moment(max((time for time in heard.values() if time is not None), default=None)),
        "no_data_since": wire.moment(min(told, default=None)),
        "devices": sum(row["devices"] for row in rows),
        "online": sum(row["online"] for row in rows),
        **_spark(domain, feeds, sparks, hours),
    }


def _spark(
    domain: Domain,
    feeds: Mapping[str, FeedSpec],
    sparks: Mapping[tuple[str, str], Mapping[datetime, float]],
    hours: Sequence[datetime],
) -> wire.JSONObject:
    """Return the hourly line, oldest first, and what it is of."""
    chosen = domain.spark_field
    spec = feeds.get(chosen.feed) if chosen else None
    field = spec.fields.get(chosen.field) if chosen and spec else None
    if chosen is None or field is None:
        return {"spark": [None] * len(hours), "spark_field": None}
    line = sparks.get((chosen.feed, chosen.field), {})
    told = {"feed": chosen.feed, "field": chosen.field, "label": wire.label(field.label), "unit": field.unit}
    return {"spark": [line.get(hour) for hour in hours], "spark_field": told}
