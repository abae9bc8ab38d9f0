"""Gauges of state, asked at scrape: a counter in a process would forget them at its restart."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from ioc.api.parts import APIParts
from ioc.store.alerts import count_open
from ioc.store.domains import count_device_states
from ioc.store.scope import Scope

STATUSES = ("online", "silent", "never", "maintenance", "retired")


async def state_gauges(parts: APIParts) -> bytes:
    """Return `ioc_alerts_open` and `ioc_devices` in the text format."""
    feeds, seconds = parts.feed_periods
    async with parts.database.connection() as connection:
        opened = await count_open(connection, Scope())
        states = await count_device_states(connection, now=parts.clock.now(), feeds=feeds, seconds=seconds)
    registry = CollectorRegistry()
    alerts = Gauge("ioc_alerts_open", "Open alerts", ["severity", "domain", "area"], registry=registry)
    for row in opened:
        alerts.labels(row["severity"], row["domain"], row["area"]).set(row["n"])
    devices = Gauge("ioc_devices", "Registered devices by status", ["state"], registry=registry)
    for status in STATUSES:
        devices.labels(status).set(states.get(status, 0))
    return generate_latest(registry)
