"""What a scrape of /metrics gives: every role's own metrics with a `role` label, and the gauges of state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from ioc.bootstrap.parts import Parts
from ioc.metrics_socket import join_metrics, read_metrics, socket_path
from ioc.store.gauges import StateGauges, state_gauges

ROLES = ("api", "door", "rollup", "rules", "keeper")


class _Collected:
    """A collector over metrics that are gathered already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._metrics


async def metrics_text(parts: Parts) -> bytes:
    """Return the joined text of all roles that answer, and the gauges of state.

    Raises:
        StoreUnavailableError: PostgreSQL does not answer; a scrape without state would look like calm.
    """
    texts = await asyncio.gather(*(_role_text(parts, role) for role in ROLES))
    feeds = list(parts.pack.feeds.values())
    periods = ([feed.id for feed in feeds], [int(feed.expected_period.total_seconds()) for feed in feeds])
    shown = [feed for feed in feeds if feed.main_field and not feed.restricted]
    fields = ([feed.id for feed in shown], [feed.main_field for feed in shown])
    state = await state_gauges(parts.database, parts.log_clock.now(), periods=periods, fields=fields)
    registry = CollectorRegistry()
    registry.register(_Collected([*join_metrics([item for item in texts if item is not None]), *_gauges(state)]))  # type: ignore[arg-type]
    return generate_latest(registry)


async def _role_text(parts: Parts, role: str) -> tuple[str, str] | None:
    if role == parts.role:
        return role, generate_latest(parts.metrics.registry).decode()
    text = await read_metrics(socket_path(parts.settings.data_dir, role))
    return (role, text) if text is not None else None


def _gauges(state: StateGauges) -> list[Metric]:
    return [
        _gauge("ioc_alerts_open", "Firing alerts", ("severity", "domain", "area"), state.alerts_open),
        _gauge("ioc_devices", "Registered devices by state", ("state",), state.devices),
        _gauge(
            "ioc_reading", "Newest value of a feed's main field", ("feed", "field", "device", "area"), state.readings
        ),
        _gauge("ioc_log_position", "Last position of the log", (), [((), state.log_position)]),
    ]


def _gauge(name: str, words: str, labels: Sequence[str], rows: Iterable[tuple[Any, float]]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family
