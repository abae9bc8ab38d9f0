"""How alerts were handled, read from their history by the API: against what is counted by hand, and inside the wall."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.api.conftest import NOW, OTHER, World

PATH = "/api/v1/performance"
DAY = NOW - timedelta(days=1)


def after(minutes: float) -> datetime:
    return DAY + timedelta(minutes=minutes)


Move = tuple[float, str, str | None]
"""(minutes, kind, who)"""


async def alert(world: World, name: str, moves: list[Move], *, state: str = "new", **columns: Any) -> None:
    """An alert with its moves, and how far people are with it."""
    await world.alert(f"al_{name}", number=f"C-{name}", key=f"rain-{name}", opened_at=after(moves[0][0]), **columns)
    async with world.database.transaction() as connection:
        await connection.execute("UPDATE alert_work SET state = $2 WHERE alert = $1", f"al_{name}", state)
    for number, (minutes, kind, actor) in enumerate(moves, start=1):
        await world.insert("alert_history", {
            "alert": f"al_{name}", "number": number, "at": after(minutes), "log_time": after(minutes), "kind": kind,
            "actor": actor,
        })  # fmt: skip


async def asked(world: World, query: str = "", *, user: str = "op") -> dict[str, Any]:
    async with world.signed_in(user) as client:
        answer = await client.get(f"{PATH}{query}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def test_times_and_noise_are_those_of_the_history(world: World):
    moves: list[Move] = [(0, "opened", None), (2, "acknowledge", "op"), (30, "cleared", None), (40, "resolve", "op")]
    await alert(world, "one", moves, state="resolved", condition="cleared", cleared_at=after(30))
    moves = [(5, "opened", None), (7, "reopened", None), (14, "raised", None), (20, "comment", "op")]
    await alert(world, "two", [*moves, (25, "false-alarm", "op")], state="false_alarm")
    await alert(world, "three", [(60, "opened", None), (61, "reopened", None), (71, "raised", None)])
    found = await asked(world)
    told = found["handling"]
    assert (told["received"]["count"], told["received"]["mean_seconds"]) == (2, 60 * (2 + 20) / 2)
    assert (told["handled"]["count"], told["handled"]["mean_seconds"]) == (2, 60 * (40 + 20) / 2)
    assert (told["alerts"], told["waiting"], told["false_alarms"], told["false_share"]) == (3, 1, 1, 0.5)
    assert (told["chattering"], told["returned"]) == (1, 2), "three in eleven minutes are not within ten"
    assert sum(found["hours"]) == told["announcements"] == 7
    assert [(one["id"], one["label"]["vi"]) for one in found["items"]] == [("rain.24h", "Mưa rất to")]
    assert {one["name"]: one["value"] for one in found["figures"]}["chattering"] == 1
    assert found["verified"] is False


async def test_what_came_back_is_not_handled(world: World):
    await alert(world, "one", [(0, "opened", None), (2, "resolve", "op"), (9, "reopened", None)], state="resolved")
    told = (await asked(world))["handling"]
    assert (told["received"]["count"], told["handled"]["count"]) == (1, 0)


async def test_nobody_sees_figures_of_alerts_behind_their_wall(world: World):
    await alert(world, "one", [(0, "opened", None)])
    await alert(world, "two", [(0, "opened", None)], area=OTHER)
    whole, walled = await asked(world, user="root"), await asked(world, user="walled")
    assert (whole["handling"]["alerts"], walled["handling"]["alerts"]) == (2, 1)
    assert (sum(whole["hours"]), sum(walled["hours"])) == (2, 1)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("?from=2026-11-20&to=2026-11-19", 422, "from"),
        ("?from=2020-01-01", 422, "from"),
        ("?from=2999-01-01", 422, "from"),
        ("?by=colour", 400, "query.by"),
    ],
)
async def test_a_time_that_cannot_be_is_refused_by_name(world: World, query: str, status: int, field: str):
    async with world.signed_in("op") as client:
        answer = await client.get(f"{PATH}{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)


async def test_groups_are_rules_areas_domains_or_severities(world: World):
    await alert(world, "one", [(0, "opened", None)])
    for by in ("rule", "domain", "area", "severity"):
        [item] = (await asked(world, f"?by={by}"))["items"]
        assert item["alerts"] == 1
        assert (item["label"] is None) == (by in ("domain", "severity"))
