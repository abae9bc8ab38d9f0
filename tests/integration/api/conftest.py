"""A real API over a real PostgreSQL: the pack's areas and devices, people of each role, keys of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import uvicorn
from argon2 import PasswordHasher
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from ioc.api.app import create_app, create_state
from ioc.api.deps import APIParts, APIState
from ioc.api.frames import FrameReader
from ioc.api.passwords import Passwords
from ioc.clock import AnchoredLogClock, MonotonicIOClock, SteppedLogClock
from ioc.domain.account import KeyKind, Role
from ioc.domain.area import Area, Zone
from ioc.domain.feed import FeedSpec, FieldSpec, FieldType, Label
from ioc.metrics import Metrics
from ioc.packs.pack import Domain, Layer, Pack, SparkField
from ioc.settings import Settings
from ioc.store import accounts, keys
from ioc.store.changes import Change, append_changes
from ioc.store.engine import Database
from ioc.store.event_log import EventLog
from ioc.store.scope import Scope
from ioc.store.wakeup import CHANGE_CHANNEL, Wakeup

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
OWN, OTHER = "04795", "05086"
"""One unit of each zone: the wall stands between them."""


def feed(name: str, domain: str, field_name: str, unit: str, *, restricted: bool = False) -> FeedSpec:
    fields = {
        field_name: FieldSpec(field_name, Label("Giá trị", "Value"), unit=unit),
        "plate": FieldSpec("plate", Label("Biển số", "Plate"), type=FieldType.TEXT),
    }
    return FeedSpec(
        name, Label(name, name), domain, fields, main_field=field_name, restricted=restricted,
        expected_period=timedelta(minutes=10),
    )  # fmt: skip


def make_pack() -> Pack:
    day = datetime(2025, 7, 1, tzinfo=UTC).date()
    old = datetime(2020, 1, 1, tzinfo=UTC).date()
    areas = (
        Area(OWN, day, Label("Phường Hòa Bình", "Hoa Binh ward"), "ward", "hoa-binh"),
        Area("04792", day, Label("Phường Tân Hòa", "Tan Hoa ward"), "ward", "hoa-binh"),
        Area(OTHER, day, Label("Xã Lương Sơn", "Luong Son commune"), "commune", "luong-son"),
        Area(OWN, old, Label("Phường cũ", "Old ward"), "ward", "hoa-binh", valid_to=day, successors=("04792",)),
        Area("04801", old, Label("Phường đã sáp nhập", "Merged ward"), "ward", "hoa-binh", valid_to=day,
             successors=(OWN, "04792")),
    )  # fmt: skip
    zones = (
        Zone("hoa-binh", Label("Khu vực Hòa Bình", "Hoa Binh"), "148", (OWN, "04792")),
        Zone("luong-son", Label("Khu vực Lương Sơn", "Luong Son"), "152", (OTHER,)),
    )
    feeds = {
        "rainfall": feed("rainfall", "disaster", "rain_24h_mm", "mm"),
        "camera_detection": feed("camera_detection", "traffic", "speed_kmh", "km/h"),
        "watch_list": feed("watch_list", "security", "matches", "", restricted=True),
        "slope": feed("slope", "disaster", "displacement_mm", "mm"),  # nobody has connected one
    }
    domains = (
        Domain(
            "disaster",
            "X15",
            Label("Thiên tai", "Disaster"),
            ("rainfall", "slope"),
            SparkField("rainfall", "rain_24h_mm"),
        ),
        Domain("traffic", "D05", Label("Giao thông", "Traffic"), ("camera_detection",)),
        Domain("security", "D06", Label("An ninh", "Security"), ("watch_list",)),
        Domain("health", "D08", Label("Y tế", "Health")),
    )
    layer = Layer("rivers", Label("Sông", "Rivers"), "sketch", {"type": "FeatureCollection", "features": []})
    return Pack(
        id="test", title=Label("Thử", "Test"), timezone="Asia/Ho_Chi_Minh", number_prefix="HB", areas=areas,
        zones=zones, feeds=feeds, devices=(), domains=domains, rules=(), layers=(layer,),
    )  # fmt: skip


@dataclass
class World:
    """Everything a test asks of the running API."""

    state: APIState
    app: FastAPI
    database: Database
    clock: SteppedLogClock
    keys: dict[str, str] = field(default_factory=dict)

    def client(
        self, *, key: str | None = None, base_url: str = "http://127.0.0.1", **others: Any
    ) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False, client=("127.0.0.1", 5_000))
        return httpx2.AsyncClient(transport=transport, base_url=base_url, headers=headers, **others)

    @asynccontextmanager
    async def signed_in(self, username: str, password: str = PASSWORD) -> AsyncIterator[httpx2.AsyncClient]:
        async with self.client() as client:
            client.headers["Origin"] = "http://127.0.0.1"
            answer = await client.post("/api/v1/session", json={"username": username, "password": password})
            assert answer.status_code == 200, answer.text
            yield client

    async def device(self, name: str, *, area: str | None = OWN, feed: str = "rainfall", **columns: Any) -> None:
        zone = {OWN: "hoa-binh", "04792": "hoa-binh", OTHER: "luong-son"}.get(area or "")
        values = {
            "id": name, "feed": feed, "name_vi": f"Trạm {name}", "name_en": f"Station {name}", "area": area,
            "zone": zone, "lat": 20.8, "lon": 105.3, "registered_at": NOW, "updated_at": NOW, **columns,
        }  # fmt: skip
        await self.insert("device", values)

    async def insert(self, table: str, values: Mapping[str, Any]) -> None:
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        async with self.database.connection() as connection:
            names = ", ".join(f'"{name}"' for name in values)
            await connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", *values.values())

    async def alert(
        self, name: str = "al_one", *, area: str | None = OWN, device: str | None = None, **columns: Any
    ) -> str:
        zone = {OWN: "hoa-binh", "04792": "hoa-binh", OTHER: "luong-son"}.get(area or "")
        position = columns.pop("opened_position", 1)
        values = {
            "id": name, "number": f"HB-{name}", "rule": "rain.24h", "rule_version": 1, "rule_hash": "h", "key": name,
            "condition": "firing", "severity": "high", "severity_rank": 3, "peak_severity": "high",
            "title": {"vi": "Mưa rất to", "en": "Heavy rain"}, "summary": {"vi": "Mưa 120 mm", "en": "120 mm"},
            "domain": "disaster", "feed": "rainfall", "device": device, "area": area, "zone": zone, "lat": 20.8,
            "lon": 105.3, "opened_at": NOW, "opened_position": position, "changed_at": NOW, "log_time": NOW,
            "position": position, **columns,
        }  # fmt: skip
        await self.insert("alert", values)
        await self.insert("alert_work", {"alert": name, "updated_at": NOW})
        await self.change("alert", name, area=area, zone=zone)
        return name

    async def change(
        self, kind: str, name: str, *, area: str | None = OWN, zone: str | None = "hoa-binh", **others: Any
    ) -> int:
        async with self.database.transaction() as connection:
            change = Change(kind=kind, id=name, log_time=NOW, area=area, zone=zone, **others)
            return await append_changes(connection, [change])

    async def event(
        self, device: str, position: int, *, area: str | None = OWN, when: datetime = NOW, **columns: Any
    ) -> None:
        zone = columns.pop("zone", {OWN: "hoa-binh", "04792": "hoa-binh", OTHER: "luong-son"}.get(area or ""))
        values = {
            "position": position, "log_time": when, "kind": "event", "key": position.to_bytes(16, "big"),
            "feed": "rainfall", "device": device, "effective": when, "received_at": when, "area": area, "zone": zone,
            "data": {"rain_24h_mm": 10.0 + position}, "door": "test", **columns,
        }  # fmt: skip
        await self.insert("event", values)

    async def database_rows(self, canary: str) -> None:
        """One event, dead letter, latest value, bucket and history line of the first zone that hold a word."""
        await self.event("rain-1", 1, id=canary, data={"note": canary, "rain_24h_mm": 120.0}, key=bytes(16))
        await self.insert("dead_letter", {
            "log_time": NOW, "received_at": NOW, "door": "test", "feed": "rainfall", "device": "rain-1",
            "reason": "not_json", "detail": canary, "raw": canary.encode(), "raw_bytes": 10,
        })  # fmt: skip
        await self.insert("latest", {
            "device": "rain-1", "feed": "rainfall", "field": "plate", "value": canary, "effective": NOW,
            "log_time": NOW, "position": 1,
        })  # fmt: skip
        await self.insert("alert_history", {
            "alert": "al_one", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
            "text": canary, "evidence": {"clause": canary, "values": {"x": canary}, "position": 1},
        })  # fmt: skip


async def populate(world: World) -> None:
    """Areas, people of each role with and without an area, and a key of each kind."""
    for unit in world.state.parts.pack.areas:
        await world.insert("area", {
            "code": unit.code, "valid_from": unit.valid_from, "valid_to": unit.valid_to, "name_vi": unit.name.vi,
            "name_en": unit.name.en, "level": unit.level, "zone": unit.zone, "successors": list(unit.successors),
        })  # fmt: skip
    await populate_people(world)


async def populate_people(world: World) -> None:
    """People and keys alone: a pack has brought its areas."""
    people = {"root": Role.ADMIN, "op": Role.OPERATOR, "op2": Role.OPERATOR, "view": Role.VIEWER,
              "walled": Role.OPERATOR, "walled-admin": Role.ADMIN}  # fmt: skip
    for username, role in people.items():
        await accounts.create_account(
            world.database, username=username, name=username.title(), role=role, now=world.state.parts.wall.now(),
            area=OTHER if username.startswith("walled") else None, password_hash=FAST.hash(PASSWORD),
            actor=accounts.Actor("test"),
        )  # fmt: skip
    for kind in (KeyKind.FEED, KeyKind.DISTRICT, KeyKind.METRICS, KeyKind.DISPLAY):
        request = keys.KeyRequest(
            kind, kind.value, "test", feed="rainfall" if kind is KeyKind.FEED else None,
            area=OTHER if kind is KeyKind.DISTRICT else None,
        )  # fmt: skip
        _, world.keys[kind.value] = await keys.issue_key(
            world.database, request, scope=Scope(), now=world.state.parts.wall.now()
        )


@asynccontextmanager
async def open_world(
    dsn: str, *, site: ASGIApp | None = None, door: APIRouter | None = None, reader: Any = None, fresh: bool = True,
    **settings: Any,
) -> AsyncIterator[World]:  # fmt: skip
    database = Database(dsn, name="test", connections_max=10)
    await database.open()
    clock = SteppedLogClock(NOW)

    async def metrics_text() -> bytes:
        return b"# joined\n"

    try:
        async with Wakeup(database, CHANGE_CHANNEL) as wakeup:
            parts = APIParts(
                settings=Settings(**{"poll_milliseconds": 100, **settings}), database=database, pack=make_pack(),
                metrics=Metrics(CollectorRegistry()), clock=clock, wall=AnchoredLogClock(),
                io_clock=MonotonicIOClock(), log=EventLog(database), wakeup=wakeup, metrics_text=metrics_text,
                version="0.1.0", started_at=NOW,
            )  # fmt: skip
            state = create_state(parts, passwords=Passwords(FAST))
            if reader is not None:
                state.hub._reader = FrameReader(parts, state.areas, reader)
            app = create_app(state, site=site, door=door)
            world = World(state, app, database, clock)
            if fresh:
                await populate(world)
            async with app.router.lifespan_context(app):
                yield world
    finally:
        await database.close()


@pytest.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    async with open_world(database_dsn) as opened:
        yield opened


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """Serve over a real socket and yield the address; streams are ended before the server waits for them."""
    config = uvicorn.Config(world.app, host="127.0.0.1", port=0, lifespan="off", log_level="error", proxy_headers=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        world.state.hub.stop_streams()
        server.should_exit = True
        await asyncio.wait_for(task, 10)
