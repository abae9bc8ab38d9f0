"""What a scrape of /metrics gives: every role's own metrics with a `role` label, and the city's newest readings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from ioc.bootstrap.parts import Parts, door_names
from ioc.metrics_socket import join_metrics, read_metrics, socket_path
from ioc.settings import DOORS_MAX
from ioc.store.gauges import newest_readings

ROLES = ("api", *door_names(DOORS_MAX), "bridge", "rollup", "rules", "keeper")


class _Collected:
    """A collector over metrics that are gathered already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._metrics


async def metrics_text(parts: Parts) -> bytes:
    """Return the joined text of all roles that answer, and the newest readings.

    Raises:
        StoreUnavailableError: PostgreSQL does not answer; a scrape without state would look like calm.
    """
    texts = await asyncio.gather(*(_role_text(parts, role) for role in ROLES))
    shown = [feed for feed in parts.pack.feeds.values() if feed.main_field and not feed.restricted]
    readings = await newest_readings(
        parts.database, feeds=[feed.id for feed in shown], fields=[feed.main_field for feed in shown]
    )
    gauge = GaugeMetricFamily(
        "ioc_reading", "Newest value of a feed's main field", labels=("feed", "field", "device", "area")
    )
    for labels, value in readings:
        gauge.add_metric(labels, value)
    registry = CollectorRegistry()
    registry.register(_Collected([*join_metrics([item for item in texts if item is not None]), gauge]))
    return generate_latest(registry)


async def _role_text(parts: Parts, role: str) -> tuple[str, str] | None:
    if role == parts.role:
        return role, generate_latest(parts.metrics.registry).decode()
    text = await read_metrics(socket_path(parts.settings.data_dir, role))
    return (role, text) if text is not None else None
