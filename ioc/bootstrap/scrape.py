"""What a scrape of /metrics gives of the roles: every role's own metrics with a `role` label."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric

from ioc.assembly.context import ProcessContext, door_names
from ioc.domain.scope import Scope
from ioc.runtime.metrics_socket import join_metrics, read_metrics, socket_path
from ioc.settings import DOORS_MAX

ROLES = ("api", *door_names(DOORS_MAX), "bridge", "rollup", "rules", "keeper")


class _Scrape:
    """A collector over metrics that are gathered already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._metrics


async def metrics_text(context: ProcessContext, scope: Scope) -> bytes:
    """Return the joined text of all roles that answer.

    What they count is of the whole site: who has an area gets none of it.
    """
    roles = ROLES if scope.areas is None else ()
    texts = await asyncio.gather(*(_role_text(context, role) for role in roles))
    return await asyncio.to_thread(_join_expositions, [item for item in texts if item is not None])


def _join_expositions(texts: list[tuple[str, str]]) -> bytes:
    """Join and write all of it: work for a thread, since it grows with the city."""
    registry = CollectorRegistry()
    registry.register(_Scrape(join_metrics(texts)))
    return generate_latest(registry)


async def _role_text(context: ProcessContext, role: str) -> tuple[str, str] | None:
    if role == context.role:
        return role, (await asyncio.to_thread(generate_latest, context.metrics.registry)).decode()
    text = await read_metrics(socket_path(context.settings.data_dir, role))
    return (role, text) if text is not None else None
