"""Gauges of state, asked at scrape: a counter in a process would forget them at its restart."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from ioc.api.context import APIContext
from ioc.api.views.duty import read_roster_state
from ioc.domain.places.area_book import AreaBook
from ioc.store.alerts.domains import count_device_states
from ioc.store.alerts.reader import Row, count_open
from ioc.store.operations.cursor_lag import cursor_lags
from ioc.store.operations.gauges import DeviceLine, GaugeReading, ShownField, device_lines, newest_readings
from ioc.store.postgres.database_state import STATES, DatabaseState, read_database_state
from ioc.store.postgres.scope import Scope

STATUSES = ("online", "silent", "never", "maintenance", "retired")


@dataclass(frozen=True, slots=True)
class StateRead:
    """What one scrape has read; ``lags`` and ``database`` are of the whole site, null for a reader of one area."""

    opened: list[Row]
    states: dict[str, int]
    readings: list[GaugeReading]
    readings_left_out: int
    devices: list[DeviceLine]
    devices_left_out: int
    lags: Mapping[str, float] | None
    database: DatabaseState | None
    unstaffed: int


async def state_gauges(context: APIContext, scope: Scope, book: AreaBook) -> bytes:
    """Return alerts, devices, readings and the database in the text format, inside the wall of who scrapes."""
    read = await _read(context, scope, book)
    # Thousands of lines take a tenth of a second to write: the event loop has devices and screens to serve meanwhile.
    return await asyncio.to_thread(_exposition, read)


async def _read(context: APIContext, scope: Scope, book: AreaBook) -> StateRead:
    feeds, seconds = context.feed_periods
    now = context.clock.now()
    async with context.database.connection() as connection:
        opened = await count_open(connection, scope)
        states = await count_device_states(connection, scope, now=now, feeds=feeds, seconds=seconds)
        readings, readings_left_out = await newest_readings(connection, scope, shown_fields(context), now=now)
        devices, devices_left_out = await device_lines(connection, scope)
        whole = scope.areas is None
        lags = await cursor_lags(connection, now) if whole else None
        database = await read_database_state(connection, context.wall.now()) if whole else None
        unstaffed = (await read_roster_state(connection, context, book)).unstaffed_inside(scope)
    return StateRead(opened, states, readings, readings_left_out, devices, devices_left_out, lags, database, unstaffed)


def shown_fields(context: APIContext) -> list[ShownField]:
    """Return the fields that are gauges: each feed's main one, and those that its file marks with `metric: true`."""
    return [
        ShownField(feed.id, field.name, int(feed.expected_period.total_seconds()))
        for feed in context.pack.feeds.values()
        if not feed.restricted
        for field in feed.fields.values()
        if not field.personal and (field.metric or field.name == feed.main_field)
    ]


def _exposition(read: StateRead) -> bytes:
    registry = CollectorRegistry()
    alerts = Gauge("ioc_alerts_open", "Open alerts", ["severity", "domain", "area"], registry=registry)
    for row in read.opened:
        alerts.labels(row["severity"], row["domain"], row["area"]).set(row["n"])
    silenced = Gauge(
        "ioc_alerts_silenced", "Open alerts that a silence hides; ioc_alerts_open counts them too",
        ["severity", "domain", "area"], registry=registry,
    )  # fmt: skip
    for row in read.opened:
        if row["silenced"]:
            silenced.labels(row["severity"], row["domain"], row["area"]).set(row["silenced"])
    devices = Gauge("ioc_devices", "Registered devices by status", ["state"], registry=registry)
    for status in STATUSES:
        devices.labels(status).set(read.states.get(status, 0))
    Gauge("ioc_duty_unstaffed_units", "Units that keep a duty roster and have nobody on duty", registry=registry).set(
        read.unstaffed
    )
    _write_city(read, registry)
    if read.lags is not None:
        _write_lags(read.lags, registry)
    if read.database is not None:
        _write_database(read.database, registry)
    return generate_latest(registry)


def _write_city(read: StateRead, registry: CollectorRegistry) -> None:
    reading = Gauge(
        "ioc_reading", "Newest value of a field that is shown as a metric, while its device reports",
        ["feed", "field", "device", "area"], registry=registry,
    )  # fmt: skip
    for one in read.readings:
        reading.labels(one.feed, one.field, one.device, one.area).set(one.value)
    info = Gauge("ioc_device_info", "1 for each device: its name", ["device", "feed", "area", "name", "state"],
                 registry=registry)  # fmt: skip
    seen = Gauge(
        "ioc_device_last_seen_timestamp_seconds", "When a device in use was last heard, since 1970",
        ["device", "feed", "area"], registry=registry,
    )  # fmt: skip
    for device in read.devices:
        info.labels(device.id, device.feed, device.area, device.name, device.state).set(1)
        if device.seen is not None and device.state == "active":
            seen.labels(device.id, device.feed, device.area).set(device.seen)
    left_out = Gauge(
        "ioc_series_left_out", "Series beyond the bound of 5,000 that a scrape did not get", ["metric"],
        registry=registry,
    )  # fmt: skip
    left_out.labels("ioc_reading").set(read.readings_left_out)
    left_out.labels("ioc_device_info").set(read.devices_left_out)


def _write_lags(lags: Mapping[str, float], registry: CollectorRegistry) -> None:
    rules = Gauge("ioc_rules_cursor_lag_seconds", "Age of the oldest entry not yet evaluated", registry=registry)
    rules.set(lags.get("rules", 0.0))
    rollup = Gauge("ioc_rollup_cursor_lag_seconds", "Age of the oldest entry not yet rolled up", registry=registry)
    rollup.set(lags.get("rollup", 0.0))


def _write_database(state: DatabaseState, registry: CollectorRegistry) -> None:
    Gauge("ioc_database_size_bytes", "Size of the database on disk", registry=registry).set(state.size_bytes)
    connections = Gauge(
        "ioc_database_connections", "Connections to the database by what they do", ["state"], registry=registry
    )
    for name in STATES:
        connections.labels(name).set(state.connections[name])
    Gauge("ioc_database_connections_max", "Connections that the server takes", registry=registry).set(
        state.connections_max
    )
    Gauge(
        "ioc_database_oldest_transaction_seconds", "Age of the oldest open transaction of the database",
        registry=registry,
    ).set(state.oldest_transaction_seconds)  # fmt: skip
