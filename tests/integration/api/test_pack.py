"""The shipped city through the real API: an alert the engine's own way, its evidence, and every list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ioc.domain.alert import Evidence, EvidenceReading, Limit, Transition, TransitionKind
from ioc.domain.feed import Label
from ioc.domain.severity import Severity
from ioc.packs.loader import load_pack
from ioc.packs.pack import Pack
from ioc.store.alerts.engine import write_transitions
from ioc.store.changes.writer import append_changes
from ioc.store.log.event_log import EventLog
from ioc.store.log.partitions import ensure_partitions
from ioc.store.rules.pack_apply import PackStore
from tests.integration.api import conftest
from tests.integration.api.conftest import NOW, World, open_world


@pytest.fixture
def pack(monkeypatch: pytest.MonkeyPatch) -> Pack:
    found = load_pack("hoabinh")
    monkeypatch.setattr(conftest, "make_pack", lambda: found)
    return found


@pytest.fixture
async def city(database_dsn: str, pack: Pack) -> AsyncIterator[World]:
    async with open_world(database_dsn, fresh=False) as world:
        await ensure_partitions(world.database, NOW)
        await PackStore(world.database, EventLog(world.database)).apply(pack, NOW)
        await conftest.populate_people(world)
        world.state.areas._checked = float("-inf")  # it had read the areas before the pack came
        yield world


async def test_every_list_of_the_city_has_what_the_pack_has(city: World, pack: Pack):
    async with city.signed_in("op") as client:
        for path, count in (
            ("feeds", len(pack.feeds)), ("domains", len(pack.domains)), ("rules", len(pack.rules)), ("zones", 2),
            ("areas?on=all", len(pack.areas)), ("devices?limit=500", len(pack.devices)), ("layers", len(pack.layers)),
        ):  # fmt: skip
            answer = await client.get(f"/api/v1/{path}")
            assert answer.status_code == 200, (path, answer.text)
            assert len(answer.json()["items"]) == count, path
        for layer in pack.layers:
            assert (await client.get(f"/api/v1/layers/{layer.id}")).headers["content-type"] == "application/geo+json"
        for zone in ("148", "152"):
            areas = (await client.get("/api/v1/devices", params={"area": zone})).json()["items"]
            assert areas, zone
        for rule in (await client.get("/api/v1/rules")).json()["items"]:
            assert rule["text"]["vi"], rule["id"]
            assert rule["yaml"].count("\n") > 3
            assert rule["levels"]


async def test_the_evidence_of_an_alert_that_the_engine_wrote(city: World, pack: Pack):
    device = next(device for device in pack.devices if device.feed == "rainfall")
    rule = next(rule for rule in pack.rules if rule.body.get("feed") == "rainfall" and "rain_24h_mm" in str(rule.body))
    level = rule.body["levels"][0]
    for number in range(1, 80):
        when, data = NOW - timedelta(minutes=10 * (80 - number)), {"rain_24h_mm": 1.5 * number}
        await city.event(device.id, 10_000 + number, area=device.area, zone=device.zone, when=when, data=data)
    reading = EvidenceReading(10_079, device.id, NOW, {"rain_24h_mm": 118.5})
    evidence = Evidence(str(level["when"]), {"rain_24h_mm": 118.5}, (reading,), 10_079,
                        Limit(100, "mm", "QĐ 18/2021", verified=False))  # fmt: skip
    opened = Transition(
        TransitionKind.OPENED, "al_real", rule.id, 1, rule.hash, device.id, 10_079, 10_079, NOW, NOW,
        Severity(level["severity"]), Label("Mưa rất to", "Heavy rain"), Label("Mưa 118,5 mm", "118.5 mm"), "disaster",
        evidence, feed="rainfall", device=device.id, area=device.area, zone=device.zone,
    )  # fmt: skip
    async with city.database.transaction() as connection:
        await append_changes(connection, await write_transitions(connection, [opened], number_prefix="HB"))
    async with city.signed_in("op") as client:
        alert = (await client.get("/api/v1/alerts/al_real")).json()
        assert alert["number"] == "HB-261123-0001"
        assert (await client.get("/api/v1/alerts/HB-261123-0001")).json() == alert
        assert alert["device_name"]["vi"] == device.name.vi
        found = (await client.get("/api/v1/alerts/al_real/evidence")).json()
        assert (found["field"], found["device"], found["clause"]) == ("rain_24h_mm", device.id, level["when"])
        assert (found["limit"]["source"], found["limit"]["verified"]) == ("QĐ 18/2021", False)
        assert found["readings"][0]["values"] == {"rain_24h_mm": 118.5}
        assert len(found["series"]) == 50
        assert found["series"][-1] == {"t": "2026-11-23T12:50:00.000Z", "v": 118.5, "position": 10_079}
        assert found["transitions"] == [
            {"at": "2026-11-23T13:00:00.000Z", "kind": "opened", "severity": level["severity"]}
        ]
        assert found["rule"]["hash"] == rule.hash
        assert "mm" in found["rule"]["text"]["vi"]
        answer = await client.post(
            "/api/v1/alerts/al_real/acknowledge", json={"text": "Đã gọi"}, headers={"If-Match": '"2"'}
        )
        assert (answer.json()["owner"], answer.json()["comments"]) == ("op", 1)
        history = (await client.get("/api/v1/alerts/al_real/history")).json()["items"]
        assert [(line["number"], line["kind"], line["actor"]) for line in history] == [
            (1, "opened", None),
            (2, "acknowledge", "op"),
        ]
