"""The API's description as a file, for the screens' types and for clients: with the pack of this repository, no server.

`python -m tests.docs.reference` writes it, a test compares.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, cast

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from ioc import __version__
from ioc.api.app import create_app, create_state
from ioc.api.context import APIContext
from ioc.api.routes.system.status import described_api
from ioc.domain.scope import Scope
from ioc.ingest.http.routes import HTTPBounds, HTTPDoor
from ioc.packs.loader import load_pack
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock
from ioc.runtime.metrics import Metrics
from ioc.settings import Settings
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.postgres.wakeup import CHANGE_CHANNEL, Wakeup

NEVER = datetime(2026, 1, 1, tzinfo=UTC)


def described_app() -> tuple[FastAPI, dict[str, Any]]:
    """Return an application with this pack, its door included, and the description that it serves."""
    database, clock, io_clock = Database("", name="description"), AnchoredLogClock(), MonotonicIOClock()

    async def no_metrics(_: Scope) -> bytes:
        return b""

    context = APIContext(
        settings=Settings(), database=database, pack=load_pack("hoabinh", shapes=False),
        metrics=Metrics(CollectorRegistry()), clock=clock, wall=clock, io_clock=io_clock, log=EventLog(database),
        wakeup=Wakeup(database, CHANGE_CHANNEL), metrics_text=no_metrics, version=__version__, started_at=NEVER,
    )  # fmt: skip
    nothing = cast("Any", None)  # its routes are described, and never called
    door = HTTPDoor(
        pipeline=nothing, registry=nothing, feeds={}, log_clock=clock, metrics=context.metrics, quota=nothing,
        bounds=HTTPBounds(events_max=1, body_bytes_max=1, gathered_bytes_max=1, answer_seconds_max=1.0),
    )  # fmt: skip
    state = create_state(context)
    app = create_app(state, door=door.router())
    return app, described_api(app, state)


def openapi_file() -> str:
    """Return it as the file has it."""
    return json.dumps(described_app()[1], ensure_ascii=False, indent=1) + "\n"
