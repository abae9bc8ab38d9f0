"""What people see of how rules do: one word with its reason, figures, and what monitored rules saw inside the wall."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import NOW, OTHER, OWN
from tests.integration.api.rule_world import RAIN, SPEED, WHY, RuleWorld, open_rules

HEALTH = {
    "rule": "rain.24h", "version": 1, "since": NOW - timedelta(hours=1), "evaluated": 9, "errors": 1, "no_data": 2,
    "late": 3, "full": 4, "monitored": 5, "keys": 6, "degraded_keys": 0, "refused": None,
    "last_evaluated_at": NOW - timedelta(minutes=1), "last_transition_at": None, "updated_at": NOW,
}  # fmt: skip
WATCH = {
    "rule": "rain.24h", "number": 1, "at": NOW, "log_time": NOW, "version": 1, "alert": "al_x", "key": "rain-1",
    "kind": "opened", "severity": "high", "summary": {"vi": "Mưa 120", "en": "120 mm"}, "reason": "",
    "feed": "rainfall",
    "evidence": {"clause": "rain_24h_mm > 100.0", "values": {"rain_24h_mm": 120.0, "plate": "29A"}, "limit": None},
    "device": "rain-1", "area": OWN, "zone": "hoa-binh", "retrospective": False, "restricted": False,
}  # fmt: skip


@pytest.fixture
async def rules(database_dsn: str) -> AsyncIterator[RuleWorld]:
    async with open_rules(
        database_dsn, RAIN, SPEED, RAIN.replace("rain.24h", "rain.off") + "enabled: false\n"
    ) as opened:
        yield opened


async def states(rules: RuleWorld) -> dict[str, tuple[str, str | None]]:
    items = (await rules.client.get("/api/v1/rules")).json()["items"]
    return {item["id"]: (item["health"]["state"], item["health"]["reason"]) for item in items}


async def test_figures_are_the_engines(rules: RuleWorld):
    await rules.world.insert("rule_health", HEALTH)
    health = (await rules.rule())["health"]
    assert health["state"] == "ok"
    assert {name: health[name] for name in ("evaluated", "errors", "no_data", "late", "full", "monitored", "keys")} == {
        "evaluated": 9, "errors": 1, "no_data": 2, "late": 3, "full": 4, "monitored": 5, "keys": 6,
    }  # fmt: skip
    assert health["since"] == "2026-11-23T12:00:00.000Z"
    assert health["last_evaluated_at"] == "2026-11-23T12:59:00.000Z"


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        ({"refused": "feed: no feed 'x'", "degraded_keys": 1}, "refused", "feed: no feed 'x'"),
        ({"degraded_keys": 1, "last_evaluated_at": None}, "degraded", None),
        ({"last_evaluated_at": NOW - timedelta(minutes=31)}, "idle", "từ 2026-11-23T12:29:00.000Z"),
        ({"last_evaluated_at": NOW - timedelta(minutes=29)}, "ok", None),
        ({"last_evaluated_at": None}, "idle", "Chưa có số liệu nào"),
    ],
)
async def test_the_word_for_a_rule(rules: RuleWorld, change: dict[str, Any], state: str, reason: str | None):
    """Rainfall is expected every ten minutes: three of them without any reading are idle."""
    await rules.world.insert("rule_health", {**HEALTH, **change})
    found = (await states(rules))["rain.24h"]
    assert found[0] == state
    assert (reason or "") in (found[1] or "")
    assert (await states(rules))["rain.off"] == ("off", None)


async def test_a_form_that_the_engine_does_not_take_is_refused_after_a_while(rules: RuleWorld):
    """The engine says version 1 while version 2 should be in force: at first that is on its way."""
    await rules.world.insert("rule_health", HEALTH)
    await rules.do("PUT", "/rain.24h", {"yaml": RAIN.replace("100.0", "50.0"), **WHY}, version=1)
    assert (await states(rules))["rain.24h"][0] == "ok"
    rules.world.clock.step_to(NOW + timedelta(seconds=31))
    state, reason = (await states(rules))["rain.24h"]
    assert state == "refused"
    assert "phiên bản 1" in str(reason)


async def test_a_rule_that_waits_for_a_rare_value_is_not_idle_while_its_feed_is_heard(rules: RuleWorld):
    rare = SPEED.replace("levels:", "where: 'plate == \"29A-1\"'\nlevels:")
    await rules.do("PUT", "/car.speed", {"yaml": rare, **WHY}, version=1)
    rules.world.clock.step_to(NOW + timedelta(hours=1))
    await rules.world.insert("rule_health", {**HEALTH, "rule": "car.speed", "version": 2, "last_evaluated_at": None})
    assert (await states(rules))["car.speed"][0] == "idle"
    heard = NOW + timedelta(minutes=50)
    seen = {"device": "cam-1", "feed": "camera_detection", "effective": heard, "log_time": heard, "events": 1}
    await rules.world.insert("device_seen", {**seen, "position": 1})
    assert (await states(rules))["car.speed"][0] == "ok"


async def test_what_a_monitored_rule_saw_comes_in_pages_inside_the_wall(rules: RuleWorld):
    for position, area, zone in ((11, OWN, "hoa-binh"), (12, OTHER, "luong-son"), (13, OWN, "hoa-binh")):
        await rules.world.insert("rule_monitored", {**WATCH, "position": position, "area": area, "zone": zone})
    first = (await rules.client.get("/api/v1/rules/rain.24h/monitored", params={"limit": 2})).json()
    assert [(item["id"], item["area"]) for item in first["items"]] == [("13-1", OWN), ("12-1", OTHER)]
    assert first["items"][0]["values"] == {"rain_24h_mm": 120.0, "plate": "29A"}
    params = {"limit": 2, "cursor": first["next"]}
    second = (await rules.client.get("/api/v1/rules/rain.24h/monitored", params=params)).json()
    assert ([item["position"] for item in second["items"]], second["next"]) == ([11], None)
    async with rules.world.signed_in("walled") as client:
        mine = (await client.get("/api/v1/rules/rain.24h/monitored")).json()["items"]
        assert [item["position"] for item in mine] == [12]
    assert (await rules.client.get("/api/v1/rules/no.such/monitored")).status_code == 404


async def test_evidence_of_an_older_version_is_told_in_the_words_of_that_version(rules: RuleWorld):
    """The alert fired at 100; the rule now says 50; the evidence must not say 50."""
    await rules.world.device("rain-1")
    await rules.world.alert("al_old", device="rain-1", rule_version=1)
    await rules.do("PUT", "/rain.24h", {"yaml": RAIN.replace("100.0", "50.0"), **WHY}, version=1)
    found = (await rules.client.get("/api/v1/alerts/al_old/evidence")).json()
    assert "100" in found["rule"]["text"]["vi"]
    assert "50" not in found["rule"]["text"]["vi"]
