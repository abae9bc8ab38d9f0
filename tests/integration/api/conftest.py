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

from ioc.api.app import PREFIX, create_app, create_state
from ioc.api.deps import APIContext, APIState
from ioc.api.identity.passwords import Passwords
from ioc.api.routes.system.status import described_api
from ioc.api.stream.sse_events import FrameReader
from ioc.domain.feed import DeviceHealth, FeedSpec, FieldSpec, FieldType, Label
from ioc.domain.lookups.table import ColumnType, KeyMatch, LookupColumn, LookupTable
from ioc.domain.people.account import KeyKind
from ioc.domain.people.capabilities import Role
from ioc.domain.places.area import Area, Zone
from ioc.domain.places.location import Box
from ioc.ingest.adapters.registry import reader_of
from ioc.ingest.pipeline.manual import ManualDoor
from ioc.ingest.pipeline.registry_cache import CachedRegistry
from ioc.ingest.pipeline.release import ReleaseDoor
from ioc.packs.pack import Domain, Layer, Pack, SparkField
from ioc.runtime.clock import AnchoredLogClock, MonotonicIOClock, SteppedLogClock
from ioc.runtime.metrics import Metrics
from ioc.settings import Settings
from ioc.store.accounts import accounts
from ioc.store.changes.writer import ChangeRecord, append_changes
from ioc.store.log.event_log import EventLog
from ioc.store.postgres.engine import Database
from ioc.store.postgres.scope import Scope
from ioc.store.postgres.wakeup import CHANGE_CHANNEL, Wakeup
from ioc.store.registry import keys
from ioc.store.registry.registry import RegistryStore
from tests.answers import AnswerCheck, DeclaredAnswers, answer_check

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
PASSWORD = "a long enough password"
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
DESCRIBED: dict[frozenset[tuple[str, str, bool]], tuple[dict[str, Any], DeclaredAnswers]] = {}
"""By the routes of an application: its description, and what it declares of its answers."""
APPS: dict[APIRouter | None, FastAPI] = {}
"""By the ingest door in it: the first application, whose routes all later ones have."""
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


def reports() -> FeedSpec:
    """What people say, and how to reach them."""
    names = ("category", "text", "urgency", "media", "contact")
    fields = {
        name: FieldSpec(name, Label(name, name), type=FieldType.TEXT, personal=name == "contact") for name in names
    }
    return FeedSpec(
        "citizen_report", Label("Phản ánh", "Reports"), "security", fields, main_field="category", restricted=True,
        device_required=False, expected_period=timedelta(days=1),
    )  # fmt: skip


def air() -> FeedSpec:
    """Air stations, with what VN_AQI is made of, and how each station itself is."""
    fields = {name: FieldSpec(name, Label(name, name), unit="µg/m³") for name in ("pm2_5", "pm10", "o3", "no2")}
    for name, unit, kind in (("battery_pct", "%", DeviceHealth.BATTERY), ("rssi_dbm", "dBm", DeviceHealth.SIGNAL)):
        fields[name] = FieldSpec(name, Label(name, name), unit=unit, device_health=kind)
    text, kind = FieldType.TEXT, DeviceHealth.FIRMWARE
    fields["firmware"] = FieldSpec("firmware", Label("firmware", "firmware"), type=text, device_health=kind)
    return FeedSpec("air_quality", Label("Không khí", "Air"), "environment", fields, main_field="pm2_5")


def lookup_tables() -> tuple[LookupTable, ...]:
    """What is known of gauges, and of plates whoever is looked for: nobody's to read on a wall."""
    kinds = {"stolen": Label("xe bị trộm cắp", "stolen"), "priority": Label("xe ưu tiên", "priority")}
    return (
        LookupTable(
            "gauge-permit", Label("Giấy phép trạm đo", "Permits of gauges"), Label("giấy phép", "permit"),
            KeyMatch.DEVICE, Label("Mã thiết bị", "Device"), ("rainfall",),
            (
                LookupColumn("permit", Label("Số giấy phép", "Permit"), needed=True),
                LookupColumn("volume", Label("Lưu lượng", "Volume"), ColumnType.NUMBER, "m³"),
                LookupColumn("issued_on", Label("Ngày cấp", "Issued on"), ColumnType.DATE),
            ),
        ),
        LookupTable(
            "plate", Label("Biển số xe", "Number plates"), Label("biển số", "plate"), KeyMatch.PLATE,
            Label("Biển số", "Plate"), ("camera_detection",),
            (
                LookupColumn("kind", Label("Loại", "Kind"), ColumnType.WORD, needed=True, words=kinds),
                LookupColumn("agency", Label("Báo cho", "Agency")),
            ),
            field="plate", restricted=True,
        ),
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
        "citizen_report": reports(),
        "air_quality": air(),
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
        Domain("environment", "X14", Label("Môi trường", "Environment"), ("air_quality",)),
        Domain("health", "D08", Label("Y tế", "Health")),
    )
    layer = Layer("rivers", Label("Sông", "Rivers"), "sketch", {"type": "FeatureCollection", "features": []})
    return Pack(
        id="test", title=Label("Thử", "Test"), timezone="Asia/Ho_Chi_Minh", number_prefix="HB", areas=areas,
        zones=zones, feeds=feeds, devices=(), domains=domains, rules=(), layers=(layer,),
        lookups=lookup_tables(), box=Box(104.7, 20.2, 106.0, 21.85),
    )  # fmt: skip


@dataclass
class World:
    """Everything a test asks of the running API."""

    state: APIState
    app: FastAPI
    database: Database
    clock: SteppedLogClock
    keys: dict[str, str] = field(default_factory=dict)
    answers: AnswerCheck = field(init=False)

    def __post_init__(self) -> None:
        # Hundreds of tests have the same routes: describing them takes longer than most of what is tested.
        routes = frozenset((route.method, route.path, route.door) for route in self.app.state.access)
        if routes not in DESCRIBED:
            description = described_api(self.app, self.state)
            DESCRIBED[routes] = description, answer_check(self.app, description).declared
        self.app.state.description, declared = DESCRIBED[routes]
        self.answers = AnswerCheck(declared)

    async def _hold(self, response: httpx2.Response) -> None:
        if self.answers.is_held(response):
            await response.aread()
            self.answers.hold(response)

    def client(
        self, *, key: str | None = None, base_url: str = "http://127.0.0.1", **others: Any
    ) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False, client=("127.0.0.1", 5_000))
        hooks = {"response": [self._hold]}
        return httpx2.AsyncClient(transport=transport, base_url=base_url, headers=headers, event_hooks=hooks, **others)

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
            change = ChangeRecord(kind=kind, id=name, log_time=NOW, area=area, zone=zone, **others)
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
    for unit in world.state.context.pack.areas:
        await world.insert("area", {
            "code": unit.code, "valid_from": unit.valid_from, "valid_to": unit.valid_to, "name_vi": unit.name.vi,
            "name_en": unit.name.en, "level": unit.level, "zone": unit.zone, "successors": list(unit.successors),
        })  # fmt: skip
    await populate_people(world)


async def populate_people(world: World) -> None:
    """People and keys alone: a pack has brought its areas."""
    people = {"root": Role.ADMIN, "op": Role.OPERATOR, "op2": Role.OPERATOR, "view": Role.VIEWER,
              "chief": Role.SHIFT_LEADER, "officer": Role.UNIT_OFFICER, "mayor": Role.LEADER, "auditor": Role.AUDITOR,
              "walled": Role.OPERATOR, "walled-admin": Role.ADMIN}  # fmt: skip
    for username, role in people.items():
        await accounts.create_account(
            world.database, username=username, name=username.title(), role=role, now=world.state.context.wall.now(),
            area=OTHER if username.startswith("walled") else None, password_hash=FAST.hash(PASSWORD),
            temporary=False,
            actor=accounts.Actor("test"),
        )  # fmt: skip
    for kind in (KeyKind.FEED, KeyKind.DISTRICT, KeyKind.METRICS, KeyKind.DISPLAY):
        request = keys.KeyRequest(
            kind, kind.value, "test", feed="rainfall" if kind is KeyKind.FEED else None,
            area=OTHER if kind is KeyKind.DISTRICT else None,
        )  # fmt: skip
        _, world.keys[kind.value] = await keys.issue_key(
            world.database, request, scope=Scope(), now=world.state.context.wall.now()
        )


class OpenIntake:
    """An intake that takes everything."""

    def check_room(self, door: str) -> None:
        assert door in ("manual", "release")


async def manual_door(database: Database, metrics: Metrics) -> ManualDoor:
    """The door of what people enter, over the registry of this database."""
    pack = make_pack()
    registry = CachedRegistry(RegistryStore(database, pack.zones), AnchoredLogClock())
    return ManualDoor(pipeline=OpenIntake(), registry=registry, feeds=pack.feeds, metrics=metrics)


async def release_door(database: Database, metrics: Metrics) -> ReleaseDoor:
    """What reads dead letters of this database again."""
    pack = make_pack()
    registry = CachedRegistry(RegistryStore(database, pack.zones), AnchoredLogClock())
    return ReleaseDoor(
        pipeline=OpenIntake(), registry=registry, feeds=pack.feeds, metrics=metrics, events_max=100, reader_of=reader_of
    )


@asynccontextmanager
async def open_world(
    dsn: str, *, site: ASGIApp | None = None, door: APIRouter | None = None, reader: Any = None, fresh: bool = True,
    pack: Pack | None = None, **settings: Any,
) -> AsyncIterator[World]:  # fmt: skip
    database = Database(dsn, name="test", connections_max=10)
    await database.open()
    clock = SteppedLogClock(NOW)

    async def metrics_text(scope: Scope) -> bytes:
        return b"# joined\n" if scope.areas is None else b"# inside\n"

    metrics = Metrics(CollectorRegistry())
    try:
        async with Wakeup(database, CHANGE_CHANNEL) as wakeup:
            context = APIContext(
                settings=Settings(**{"poll_milliseconds": 100, **settings}), database=database,
                pack=pack or make_pack(), metrics=metrics, clock=clock, wall=AnchoredLogClock(),
                io_clock=MonotonicIOClock(), log=EventLog(database), wakeup=wakeup, metrics_text=metrics_text,
                version="0.1.0", started_at=NOW, manual=await manual_door(database, metrics),
                release=await release_door(database, metrics),
            )  # fmt: skip
            state = create_state(context, passwords=Passwords(FAST))
            if reader is not None:
                state.hub._reader = FrameReader(context, state.areas, reader)
            app = create_app(state, site=site, door=door, like=APPS.get(door))
            APPS.setdefault(door, app)
            world = World(state, app, database, clock)
            if fresh:
                await populate(world)
            async with app.router.lifespan_context(app):
                yield world
            assert undeclared(world) == [], "statuses that the API's description does not name"
            assert world.answers.faults == [], "answers that are not as the API's description has them"
    finally:
        await database.close()


def undeclared(world: World) -> list[tuple[str, str, str]]:
    """Return (method, path, status) of answers that this world has given and its description does not name."""
    paths = described_api(world.app, world.state)["paths"]
    found = []
    for family in world.state.context.metrics.http_requests.collect():
        for sample in family.samples:
            route, status, method = (sample.labels[name] for name in ("route", "status", "method"))
            operations = paths.get(f"{PREFIX}{route}") or paths.get(route) or {}
            operation = operations.get("get" if method == "HEAD" else method.lower())
            # 405 is of a path without such a method; 500 is our own mistake, and never declared.
            if operation is not None and status not in (*operation["responses"], "405", "500"):
                found.append((method, route, status))
    return sorted(set(found))


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
