"""Limits by device, class and area over the API on a real PostgreSQL: rows, history, log and audit as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import httpx2
import pytest

from ioc.domain.rules.limit_row import LimitRow
from ioc.store.audit import trail as audit
from ioc.store.log.event_log import EventLog
from ioc.store.rules.pack_apply import PackStore
from tests.integration.api.conftest import NOW, OTHER, OWN
from tests.integration.api.rule_world import RAIN, RuleWorld, open_rules, pack_with

TABLED = RAIN.replace("> 100.0", "> limit").replace("limit: {value", "limit: {table: rain.day, value")
ZONED = TABLED.replace("rain.24h", "rain.zone").replace("rain.day", "rain.zone").replace(
    "levels:", "by: [zone]\nlevels:"
)  # fmt: skip
PERMIT = {"name": "rain.day", "device": "rain-1", "value": 80.5, "unit": "mm", "source": "QĐ 12", "why": "Đất yếu"}
OF_CLASS: dict[str, Any] = {"device": None, "class": "slope", "value": 60}
OF_PACK = LimitRow(name="rain.day", area=OWN, value=90.0, unit="mm", source="QĐ 18", verified=False)


class Limits(RuleWorld):
    """The limits of the running API."""

    async def put(self, version: int | None = 0, **changes: Any) -> httpx2.Response:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        body = {name: value for name, value in {**PERMIT, **changes}.items() if value is not None}
        return await self.client.put("/api/v1/limits", json=body, headers=headers)

    async def written(self, version: int = 0, **changes: Any) -> dict[str, Any]:
        answer = await self.put(version, **changes)
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return dict(answer.json())

    async def listed(self, query: str = "") -> list[tuple[str, float]]:
        answer = await self.client.get(f"/api/v1/limits{query}")
        assert answer.status_code == 200, answer.text
        return [(item["device"] or item["class"] or item["area"], item["value"]) for item in answer.json()["items"]]

    async def logged(self) -> list[Mapping[str, Any] | None]:
        rows = await self.rows("SELECT data FROM event WHERE kind = 'limit' ORDER BY position")
        return [row["data"] for row in rows]


@pytest.fixture
async def limits(database_dsn: str) -> AsyncIterator[Limits]:
    async with open_rules(database_dsn, TABLED, ZONED) as opened:
        await opened.world.device("rain-1", device_class="slope")
        await opened.world.device("rain-2", area=OTHER)
        await opened.world.device("car-1", feed="camera_detection")
        yield Limits(opened.world, opened.client)


async def test_a_limit_is_row_history_log_and_audit_and_says_why(limits: Limits):
    made = await limits.written()
    assert (made["device"], made["value"], made["origin"], made["version"]) == ("rain-1", 80.5, "site", 1)
    assert (made["device_name"]["vi"], made["changed_by"], made["changed_why"]) == ("Trạm rain-1", "root", "Đất yếu")
    assert made["in_force"]
    (entry,) = await limits.logged()
    assert entry == {
        "name": "rain.day", "level": None, "device": "rain-1", "class": None, "area": None, "value": 80.5,
        "unit": "mm", "source": "QĐ 12", "verified": False, "valid_from": None, "valid_to": None,
    }  # fmt: skip
    (line,) = await limits.rows("SELECT actor, action, object, detail FROM audit WHERE action LIKE 'limit.%'")
    assert (line["actor"], line["action"], line["object"]) == ("root", "limit.put", made["id"])
    assert line["detail"]["limits"][0]["value"] == "80.5"
    assert (await limits.written(1))["version"] == 1, "the same once more changes nothing"
    changed = await limits.written(1, value=70, valid_to="2026-12-31", why="Đính chính")
    assert (changed["id"], changed["version"], changed["valid_to"]) == (made["id"], 2, "2026-12-31")
    history = (await limits.client.get(f"/api/v1/limits/{made['id']}/history")).json()["items"]
    assert [(step["action"], step["why"], step["limit"]["value"]) for step in history] == [
        ("put", "Đính chính", 70.0), ("put", "Đất yếu", 80.5)
    ]  # fmt: skip
    async with limits.world.database.connection() as connection:
        assert (await audit.verify_chain(connection)).broken_at is None


async def test_a_change_is_taken_back_step_by_step(limits: Limits):
    made = await limits.written()
    await limits.written(1, value=70)
    path, why = f"/api/v1/limits/{made['id']}", {"why": "Nhập nhầm"}
    undone = await limits.client.post(f"{path}/undo", json=why, headers={"If-Match": '"2"'})
    assert (undone.status_code, undone.json()["value"], undone.json()["version"]) == (200, 80.5, 3)
    lost = await limits.client.request("DELETE", path, json=why, headers={"If-Match": '"2"'})
    assert (lost.status_code, lost.json()["current"]["version"]) == (412, 3)
    gone = await limits.client.request("DELETE", path, json=why, headers={"If-Match": '"3"'})
    assert (gone.status_code, gone.json()["removed"], gone.json()["version"]) == (200, True, 4)
    assert (await limits.client.get(path)).status_code == 404
    back = await limits.client.post(f"{path}/undo", json=why, headers={"If-Match": '"4"'})
    assert (back.status_code, back.json()["value"]) == (200, 80.5)
    assert [entry and entry["value"] for entry in await limits.logged()] == [80.5, 70, 80.5, None, 80.5]


async def test_two_who_write_at_once_do_not_overwrite_each_other(limits: Limits):
    assert (await limits.put(None)).status_code == 428
    await limits.written()
    assert (await limits.put(0)).status_code == 412, "a new one, but somebody else was first"
    refused = await limits.put(7, value=1)
    assert (refused.status_code, refused.json()["current"]["value"]) == (412, 80.5)


FAULTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"name": "rain.daily"}, "name"),
    ({"level": "low"}, "level"),
    ({"unit": "cm"}, "unit"),
    ({"device": "rain-9"}, "device"),
    ({"device": "car-1"}, "device"),
    ({"device": None, "class": "none"}, "class"),
    ({"device": None, "area": "99999"}, "area"),
    ({"area": OWN}, "device"),
    ({"name": "rain.zone"}, "device"),
    ({"name": "rain.zone", "device": None, "area": OWN}, "area"),
    ({"valid_from": "2026-12-01", "valid_to": "2026-11-30"}, "valid_to"),
    ({"why": ""}, "why"),
)  # fmt: skip


async def test_a_limit_that_no_rule_would_ever_look_up_is_refused_by_its_member(limits: Limits):
    """A slip of the pen would leave the plant under another limit, and nobody would notice."""
    for changes, field in FAULTS:
        answer = await limits.put(**changes)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert await limits.logged() == []


async def test_a_device_shows_what_holds_for_it_and_a_wall_hides_what_lies_beyond(limits: Limits):
    await limits.written(valid_from="2026-12-01")
    await limits.written(0, **OF_CLASS)
    await limits.written(device=None, area="hoa-binh", value=110)
    await limits.written(device="rain-2", value=50)
    await limits.written(device=None, area=OTHER, value=40)
    await limits.written(name="rain.zone", device=None, area="hoa-binh", value=120)
    assert sorted(await limits.listed("?device=rain-1&inherited=true")) == [
        ("hoa-binh", 110.0), ("hoa-binh", 120.0), ("rain-1", 80.5), ("slope", 60.0)
    ]  # fmt: skip
    assert await limits.listed("?device=rain-1&on=2026-11-30") == []
    assert len(await limits.listed("?name=rain.day&limit=500")) == 5
    for area in ("hoa-binh", "148"):  # a zone, and the former district that it was
        assert sorted(await limits.listed(f"?area={area}")) == [("hoa-binh", 110.0), ("hoa-binh", 120.0)], area
    assert await limits.listed(f"?area={OTHER}") == [(OTHER, 40.0)]
    tables = (await limits.client.get("/api/v1/limits/tables")).json()["items"]
    assert [(one["name"], one["targets"], one["units"]) for one in tables] == [
        ("rain.day", ["area", "class", "device", "zone"], ["mm"]), ("rain.zone", ["zone"], ["mm"])
    ]  # fmt: skip
    async with limits.world.client(key="district") as walled:
        seen = (await walled.get("/api/v1/limits")).json()["items"]
    assert {one["device"] or one["class"] or one["area"] for one in seen} == {"rain-2", "slope", OTHER}


async def test_of_the_limits_of_one_target_one_holds_on_a_day(limits: Limits):
    """2026-11-29 is today: what a person reads as holding is what an evaluation takes."""
    await limits.written(value=90)
    await limits.written(value=80, valid_from="2026-10-01")
    await limits.written(value=70, valid_from="2026-09-01", valid_to="2026-10-31")
    await limits.written(value=60, valid_from="2027-01-01")
    await limits.written(value=75, level="high")

    async def states(query: str = "") -> dict[float, str]:
        answer = await limits.client.get(f"/api/v1/limits?device=rain-1{query}")
        return {item["value"]: item["state"] for item in answer.json()["items"]}

    assert await states() == {90.0: "replaced", 80.0: "holds", 70.0: "ended", 60.0: "coming", 75.0: "holds"}
    assert await states("&on=2026-10-15") == {90.0: "replaced", 80.0: "holds", 70.0: "replaced", 75.0: "holds"}
    assert await states("&on=2026-09-15") == {90.0: "replaced", 70.0: "holds", 75.0: "holds"}


async def test_what_was_taken_out_is_listed_apart_with_its_history(limits: Limits):
    made = await limits.written()
    path, why = f"/api/v1/limits/{made['id']}", {"why": "Nhập nhầm"}
    await limits.client.request("DELETE", path, json=why, headers={"If-Match": '"1"'})
    assert await limits.listed() == []
    assert await limits.listed("?removed=true") == [("rain-1", 80.5)]
    steps = (await limits.client.get(f"{path}/history")).json()["items"]
    assert [(step["action"], step["limit"] is None) for step in steps] == [("remove", True), ("put", False)]
    async with limits.world.client(key="district") as walled:
        assert (await walled.get("/api/v1/limits?removed=true")).json()["items"] == []
        assert (await walled.get(f"{path}/history")).status_code == 404


async def test_a_table_tells_what_its_rules_go_by_themselves(limits: Limits):
    tables = (await limits.client.get("/api/v1/limits/tables")).json()["items"]
    (own,) = tables[0]["own"]
    assert (own["rule"], own["level"], own["unit"], own["value"]) == ("rain.24h", "high", "mm", 100.0)
    assert own["source"]


async def test_a_pack_brings_limits_and_never_overwrites_the_site_s(limits: Limits):
    store = PackStore(limits.world.database, EventLog(limits.world.database))
    pack = replace(pack_with(TABLED, ZONED), limits=(OF_PACK,))
    assert (await store.apply(pack, NOW)).added == 1
    (of_pack,) = (await limits.client.get("/api/v1/limits")).json()["items"]
    assert (of_pack["origin"], of_pack["changed_by"], of_pack["value"]) == ("pack", None, 90.0)
    await limits.written(1, device=None, area=OWN, value=85, source="UBND")
    await store.apply(replace(pack, limits=(replace(OF_PACK, value=95.0),)), NOW)
    assert await limits.listed() == [(OWN, 85.0)]
    await store.apply(replace(pack, limits=()), NOW)
    assert await limits.listed() == [(OWN, 85.0)]
    other = replace(OF_PACK, valid_from=date(2026, 12, 1))
    await store.apply(replace(pack, limits=(other,)), NOW)
    await store.apply(replace(pack, limits=()), NOW)
    assert [entry and entry["value"] for entry in await limits.logged()] == [90.0, 85.0, 90.0, None]


async def test_only_an_administrator_of_every_area_writes_limits(limits: Limits):
    for who in ("op", "walled-admin"):
        async with limits.world.signed_in(who) as client:
            refused = await client.put("/api/v1/limits", json=PERMIT, headers={"If-Match": '"0"'})
            assert refused.status_code == 403, who
