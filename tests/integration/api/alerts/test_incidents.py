"""Incidents over the API: seen by whoever sees one of their alerts, and made of those alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.integration.api.conftest import NOW, OTHER, World, served
from tests.integration.api.test_stream import Listener

TITLE = {"vi": "Mưa lũ tại Hòa Bình", "en": "Storm in Hoa Binh"}


async def incident(world: World, name: str, alerts: list[str], *, ordinal: int = 1, **columns: object) -> str:
    """Put an incident of some alerts into the tables, as the engine does."""
    await world.insert("incident", {
        "id": name, "ordinal": ordinal, "number": f"TH-{ordinal}", "family": "storm", "key": "hoa-binh",
        "title": TITLE, "opened_at": NOW, "opened_position": ordinal, "changed_at": NOW, "position": ordinal,
        "moves": len(alerts), "firing": len(alerts), **columns,
    })  # fmt: skip
    for number, alert in enumerate(alerts, start=1):
        await world.insert("incident_member", {"alert": alert, "incident": name, "number": number, "position": ordinal})
    return name


async def storm(world: World) -> None:
    """Three gauges of the storm, the worst of them beyond the wall, and an alert that stands alone."""
    await world.device("g1")
    await world.device("g2")
    await world.alert("al_1", device="g1", severity="medium", severity_rank=2, peak_severity="medium")
    await world.alert("al_2", device="g2", opened_at=NOW + timedelta(minutes=1))
    await world.alert("al_far", area=OTHER, severity="critical", severity_rank=4, peak_severity="critical",
                      summary={"vi": "Mưa 300 mm", "en": "300 mm"})  # fmt: skip
    await world.alert("al_alone")
    await incident(world, "in_storm", ["al_1", "al_far", "al_2"])


async def test_an_incident_is_told_with_its_worst_alert_and_how_many_there_are(world: World):
    await storm(world)
    async with world.signed_in("op") as client:
        [found] = (await client.get("/api/v1/incidents?open=true")).json()["items"]
        assert (found["number"], found["title"], found["state"]) == ("TH-1", TITLE, "open")
        assert (found["severity"], found["worst"]) == ("critical", "al_far")
        assert found["headline"]["vi"].startswith("Mưa 300 mm")
        assert (found["alert_count"], found["open_count"], found["device_count"]) == (3, 3, 2)
        assert found["alerts"] == ["al_2", "al_far", "al_1"]
        assert set(found["areas"]) == {"04795", OTHER}
        assert (await client.get("/api/v1/incidents/TH-1")).json() == found
        listed = (await client.get("/api/v1/alerts?incident=in_storm")).json()["items"]
        assert [row["id"] for row in listed] == ["al_far", "al_2", "al_1"]
        assert listed[0]["incident"] == {"id": "in_storm", "number": "TH-1", "title": TITLE}
        assert (await client.get("/api/v1/alerts/al_alone")).json()["incident"] is None


async def test_who_sees_some_of_its_alerts_is_told_of_those_alone(world: World):
    await storm(world)
    async with world.signed_in("walled") as client:
        [found] = (await client.get("/api/v1/incidents?open=true")).json()["items"]
        assert (found["alerts"], found["alert_count"], found["areas"]) == (["al_far"], 1, [OTHER])
        await world.insert("alert_history", {
            "alert": "al_1", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
        })  # fmt: skip
        assert (await client.get("/api/v1/incidents/in_storm/history")).json()["items"] == []
        await incident(world, "in_other", ["al_alone"], ordinal=2)
        assert [each["id"] for each in (await client.get("/api/v1/incidents")).json()["items"]] == ["in_storm"]
        assert (await client.get("/api/v1/incidents/in_other")).status_code == 404
        assert (await client.get("/api/v1/incidents/in_other/history")).status_code == 404
        assert (await client.get("/api/v1/alerts?incident=in_other")).json()["items"] == []
    async with world.signed_in("op") as client:
        whole = (await client.get("/api/v1/incidents/in_storm")).json()
        narrow = (await client.get("/api/v1/incidents?open=true&area=04795")).json()["items"]
        told = {each["id"]: (each["alert_count"], each["severity"]) for each in narrow}
        assert (whole["severity"], told) == ("critical", {"in_storm": (2, "high"), "in_other": (1, "high")})
        assert (await client.get("/api/v1/incidents/in_storm/history")).json()["items"][0]["alert"] == "al_1"


async def test_a_display_sees_nothing_of_a_restricted_alert(world: World):
    await world.alert("al_1", restricted=True, feed="watch_list")
    await incident(world, "in_1", ["al_1"])
    async with world.client(key="display") as client:
        assert (await client.get("/api/v1/incidents")).json()["items"] == []
        assert (await client.get("/api/v1/incidents/in_1")).status_code == 404


async def test_it_is_closed_once_nobody_has_to_do_anything_with_its_alerts(world: World):
    await world.alert("al_1", condition="cleared", cleared_at=NOW)
    await incident(world, "in_1", ["al_1"])
    async with world.signed_in("op") as client:
        assert (await client.get("/api/v1/incidents/in_1")).json()["state"] == "open", "nobody has taken note of it"
        assert (await client.get("/api/v1/incidents?open=false")).json()["items"] == []
        tag = (await client.get("/api/v1/alerts/al_1")).json()["version"]
        before = (await client.get("/api/v1/incidents/in_1")).json()["version"]
        answer = await client.post("/api/v1/alerts/al_1/resolve", json={}, headers={"If-Match": f'"{tag}"'})
        assert answer.status_code == 200
        after = (await client.get("/api/v1/incidents/in_1")).json()
        assert (after["state"], after["open_count"], after["alert_count"]) == ("closed", 0, 1)
        assert after["version"] > before
        assert [each["id"] for each in (await client.get("/api/v1/incidents?open=false")).json()["items"]] == ["in_1"]
        assert (await client.get("/api/v1/incidents?open=true")).json()["items"] == []
        [line] = (await client.get("/api/v1/incidents/in_1/history")).json()["items"]
        assert (line["kind"], line["actor"], line["alert_number"]) == ("resolve", "op", "HB-al_1")


@pytest.mark.parametrize("open_ones", ["true", "false", None])
async def test_pages_show_each_once(world: World, open_ones):
    over: dict[str, Any] = {"condition": "cleared", "cleared_at": NOW} if open_ones == "false" else {}
    for number in range(1, 8):
        await world.alert(f"al_{number}", severity_rank=number % 3, opened_at=NOW + timedelta(minutes=number // 2),
                          **over)  # fmt: skip
        await incident(world, f"in_{number}", [f"al_{number}"], ordinal=number)
    if open_ones == "false":
        async with world.database.connection() as connection:
            await connection.execute("UPDATE alert_work SET state = 'resolved', resolved_at = $1", NOW)
    async with world.signed_in("op") as client:
        asked = f"/api/v1/incidents?limit=3{'' if open_ones is None else f'&open={open_ones}'}"
        found, cursor = [], ""
        for _ in range(3):
            page = (await client.get(f"{asked}{cursor}")).json()
            found += [each["id"] for each in page["items"]]
            cursor = f"&cursor={page['next']}"
        assert page["next"] is None
        assert sorted(found) == [f"in_{number}" for number in range(1, 8)]
        if open_ones != "true":
            assert found == [f"in_{number}" for number in range(7, 0, -1)]


async def test_a_change_of_an_alert_is_one_of_its_incident_on_the_stream_and_after_a_position(world: World):
    await storm(world)
    async with world.signed_in("op") as client:
        position = (await client.get("/api/v1/incidents")).json()["position"]
        answer = await client.post("/api/v1/alerts/al_2/acknowledge", json={}, headers={"If-Match": '"2"'})
        assert answer.status_code == 200
        changed = (await client.get(f"/api/v1/incidents?changed_after={position}")).json()
        [found] = changed["items"]
        assert (found["id"], found["change_position"]) == ("in_storm", changed["position"])
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    async with served(world) as url:
        listener = Listener(url, {"Cookie": cookies}, after=position)
        await listener.listen(until=changed["position"])
        assert ("incident", {"id": "in_storm"}) in listener.events
        walled = Listener(url, {"Authorization": f"Bearer {world.keys['district']}"}, after=position)
        await world.change("alert", "al_far", area=OTHER, zone="luong-son")
        await walled.listen(until=changed["position"] + 1)
        assert [name for name, _ in walled.events if name == "incident"] == [], "of what they see nothing has changed"
    assert orjson.loads(answer.content)["incident"]["id"] == "in_storm"


async def test_one_that_is_not_there_and_a_filter_that_nobody_knows_are_told(world: World):
    async with world.signed_in("op") as client:
        assert (await client.get("/api/v1/incidents/in_none")).status_code == 404
        assert (await client.get("/api/v1/incidents?rule=rain")).status_code == 422
        assert (await client.get("/api/v1/incidents?cursor=x")).status_code in (400, 422)
