"""Silences over the API: what is hidden is counted, kept as ever, and back at once when the silence ends."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx2

from ioc.api.views.open_hours import PackCalendar
from ioc.domain.moment import LOCAL_ZONE
from ioc.runtime.clock import AnchoredLogClock
from ioc.store.operations.keeper import Keeper, Retention
from ioc.store.silences import changes
from ioc.store.silences.schedule import SilenceSchedule
from tests.integration.api.conftest import NOW, OTHER, OWN, World, served
from tests.integration.api.test_stream import Listener, bearer

HOUR = timedelta(hours=1)


async def rule(world: World, name: str = "rain.24h") -> None:
    await world.insert("rule", {
        "id": name, "origin": "pack", "hash": "h", "version": 1, "body": {}, "enabled": True, "removed": False,
        "updated_at": NOW,
    })  # fmt: skip


def body(end: float = 2, start: float | None = None, **match: Any) -> dict[str, Any]:
    others: dict[str, Any] = {name: match.pop(name) for name in ("active", "reason") if name in match}
    begin: dict[str, Any] = {} if start is None else {"from": (NOW + start * HOUR).isoformat()}
    return {"match": match, "to": (NOW + end * HOUR).isoformat(), "reason": "Thử còi", **begin, **others}


async def made(client: httpx2.AsyncClient, sent: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post("/api/v1/silences", json=sent)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/silences/{found['id']}"
    return found


def field_of(answer: httpx2.Response) -> str:
    found: str = answer.json()["errors"][0]["field"]
    return found


async def pass_time(world: World, hours: float) -> None:
    """Let the keeper look at that hour from the start: a new one each time, as after a kill."""
    world.clock.step_to(NOW + hours * HOUR)
    schedule = SilenceSchedule(
        database=world.database, calendar=PackCalendar(world.state.context.pack), log_clock=world.clock,
        wall=AnchoredLogClock(),
    )  # fmt: skip
    for _ in range(20):
        if not await schedule.work(world.clock.now()):
            return
    raise AssertionError("the schedule does not come to rest")


async def silenced(client: httpx2.AsyncClient) -> list[str]:
    """The open alerts that a silence hides, by the alerts themselves and by the filter, which must agree."""
    items = (await client.get("/api/v1/alerts?open=true")).json()["items"]
    marked = sorted(one["id"] for one in items if one["silence"] is not None)
    asked = (await client.get("/api/v1/alerts?open=true&silenced=true")).json()["items"]
    heard = (await client.get("/api/v1/alerts?open=true&silenced=false")).json()["items"]
    assert sorted(one["id"] for one in asked) == marked
    assert len(asked) + len(heard) == len(items)
    return marked


async def change(client: httpx2.AsyncClient, silence: dict[str, Any], **members: Any) -> httpx2.Response:
    return await client.patch(
        f"/api/v1/silences/{silence['id']}", json=members, headers={"If-Match": f'"{silence["version"]}"'}
    )


async def end(client: httpx2.AsyncClient, silence: dict[str, Any]) -> httpx2.Response:
    return await client.delete(
        f"/api/v1/silences/{silence['id']}", headers={"If-Match": f'"{silence["version"]}"'}
    )  # fmt: skip


async def undo(client: httpx2.AsyncClient, silence: dict[str, Any]) -> httpx2.Response:
    return await client.post(
        f"/api/v1/silences/{silence['id']}/undo", headers={"If-Match": f'"{silence["version"]}"'}
    )  # fmt: skip


async def test_a_silence_hides_what_it_names_and_what_it_hid_is_back_as_it_has_become(world: World):
    await rule(world)
    await world.alert("al_one")
    await world.alert("al_far", area=OTHER)
    await world.alert("al_gone")
    async with world.signed_in("chief") as client:
        silence = await made(client, body(rule=["rain.24h"], area=[OWN]))
        assert (silence["state"], silence["hides"], silence["owner"]) == ("running", 2, "chief")
        assert await silenced(client) == ["al_gone", "al_one"]
        one = (await client.get("/api/v1/alerts/al_one")).json()
        assert one["silence"] == {"id": silence["id"], "until": silence["to"], "owner": "chief", "reason": "Thử còi"}
        # Meanwhile the rules and people go on: one alert rises, one is over and handled.
        async with world.database.connection() as connection:
            await connection.execute("UPDATE alert SET condition = 'cleared' WHERE id = 'al_gone'")
            await connection.execute("UPDATE alert_work SET state = 'resolved' WHERE alert = 'al_gone'")
            await connection.execute("UPDATE alert SET transitions = 4, peak_severity = 'critical' WHERE id = 'al_one'")
        await pass_time(world, 1.9)
        assert await silenced(client) == ["al_one"]
        await pass_time(world, 2)
        assert await silenced(client) == []
        one = (await client.get("/api/v1/alerts/al_one")).json()
        assert (one["silence"], one["transitions"], one["peak_severity"]) == (None, 4, "critical")
        assert (await client.get(f"/api/v1/silences/{silence['id']}")).json()["state"] == "over"


async def test_a_critical_alert_shows_unless_the_silence_names_critical_and_its_author_may(world: World):
    await world.device("rain-1")
    await world.alert("al_one", device="rain-1")
    await world.alert("al_worst", device="rain-1", severity="critical", severity_rank=4)
    async with world.signed_in("chief") as client:
        await made(client, body(device=["rain-1"]))
        assert await silenced(client) == ["al_one"]
        async with world.database.connection() as connection:  # it rises: it is heard at once
            await connection.execute("UPDATE alert SET severity = 'critical', severity_rank = 4 WHERE id = 'al_one'")
        assert await silenced(client) == []
        await made(client, body(device=["rain-1"], severity_max="critical"))
        assert await silenced(client) == ["al_one", "al_worst"]
    async with world.signed_in("op") as client:
        refused = await client.post("/api/v1/silences", json=body(device=["rain-1"], severity_max="critical"))
        assert (refused.status_code, "shift leader" in refused.json()["detail"]) == (403, True)


async def test_the_stream_tells_of_what_is_hidden_and_of_what_is_back(world: World):
    await world.alert("al_one")
    await world.alert("al_far", area=OTHER)
    async with world.signed_in("chief") as client, served(world) as url:
        position = (await client.get("/api/v1/alerts")).json()["position"]
        wall, district = (
            Listener(url, bearer(world), after=position),
            Listener(url, bearer(world, "district"), position),
        )
        hearing = asyncio.gather(wall.listen(position + 4, 20), district.listen(position + 3, 20))
        silence = await made(client, body(area=[OWN]))
        while not any(name == "alert" for name, _ in wall.events):
            await asyncio.sleep(0.05)
        await pass_time(world, 2)
        await hearing
    told = [(data["id"], data["silence"] and data["silence"]["id"]) for name, data in wall.events if name == "alert"]
    assert told == [("al_one", silence["id"]), ("al_one", None)]
    # A district of another area hears that a silence moved, and nothing of what it hides.
    assert [(name, data["id"]) for name, data in district.events if name in ("alert", "silence")] == [
        ("silence", silence["id"]), ("silence", silence["id"]),
    ]  # fmt: skip


async def test_nights_come_again_until_the_silence_is_over(world: World):
    await world.alert("al_one")
    async with world.signed_in("chief") as client:
        # NOW is 20:00 at Hòa Bình.
        silence = await made(client, body(50, domain=["disaster"], active={"hours": ["22:00-06:00"]}))
        assert (silence["state"], silence["active"]["hours"]) == ("planned", ["22:00-06:00"])
        assert datetime.fromisoformat(silence["next_at"]).astimezone(LOCAL_ZONE).hour == 22
        for hours, hidden in ((1.9, False), (2, True), (9.9, True), (10, False), (26, True), (34, False), (50, False)):
            await pass_time(world, hours)
            assert (await silenced(client) == ["al_one"]) is hidden, hours
        assert (await client.get(f"/api/v1/silences/{silence['id']}")).json()["state"] == "over"


async def test_what_fell_due_while_nobody_looked_is_made_up_for(world: World):
    await world.alert("al_one")
    async with world.signed_in("chief") as client:
        begins = await made(client, body(5, 1, domain=["disaster"]))
        assert begins["state"] == "planned"
        await pass_time(world, 3)
        assert await silenced(client) == ["al_one"]
        await pass_time(world, 40)
        assert await silenced(client) == []


async def test_a_change_an_end_and_both_taken_back(world: World):
    await world.alert("al_one")
    await world.alert("al_far", area=OTHER)
    async with world.signed_in("chief") as client:
        silence = await made(client, body(area=[OWN]))
        wider = await change(client, silence, match={"area": [OWN, OTHER]}, to=(NOW + 5 * HOUR).isoformat())
        assert (wider.status_code, wider.json()["hides"]) == (200, 2)
        lost = await change(client, silence, reason="Người khác đã sửa")
        assert (lost.status_code, lost.json()["current"]["version"]) == (412, 2)
        back = (await undo(client, wider.json())).json()
        assert (back["match"]["area"], back["to"], back["hides"]) == ([OWN], silence["to"], 1)
        ended = (await end(client, back)).json()
        assert (ended["state"], ended["hides"], await silenced(client)) == ("over", 0, [])
        assert (await change(client, ended, reason="Sửa sau khi hết")).status_code == 409
        again = (await undo(client, ended)).json()
        assert (again["state"], await silenced(client)) == ("running", ["al_one"])
        missing = await client.delete(f"/api/v1/silences/{silence['id']}")
        assert missing.status_code == 428
    async with world.signed_in("root") as client:
        items = (await client.get("/api/v1/audit?limit=20")).json()["items"]
    assert [one["action"] for one in items if "silence" in one["action"]] == [
        "silence.undo", "silence.end", "silence.undo", "silence.change", "silence.add",
    ]  # fmt: skip


async def test_what_was_only_just_made_ends_when_it_is_taken_back(world: World):
    await world.alert("al_one")
    async with world.signed_in("chief") as client:
        silence = await made(client, body(area=[OWN]))
        gone = (await undo(client, silence)).json()
        assert (gone["state"], await silenced(client)) == ("over", [])


async def test_an_operator_silences_one_device_for_a_shift_and_may_end_a_leaders(world: World):
    await rule(world)
    await world.device("rain-1")
    await world.device("rain-2")
    await world.alert("al_one", device="rain-1")
    async with world.signed_in("op") as client:
        own = await made(client, body(8, device=["rain-1"]))
        assert await silenced(client) == ["al_one"]
        for wrong in (body(9, device=["rain-1"]), body(8, device=["rain-1", "rain-2"]), body(8, rule=["rain.24h"]),
                      body(8, device=["rain-1"], active={"hours": ["20:00-23:00"]})):  # fmt: skip
            refused = await client.post("/api/v1/silences", json=wrong)
            assert (refused.status_code, "ask yours" in refused.json()["detail"]) == (403, True), wrong
        longer = await change(client, own, to=(NOW + 9 * HOUR).isoformat())
        assert longer.status_code == 403
    async with world.signed_in("chief") as client:
        large = await made(client, body(20, rule=["rain.24h"]))
    async with world.signed_in("op") as client:
        assert (await change(client, large, reason="Không phải của tôi")).status_code == 403
        ended = (await end(client, large)).json()
        assert ended["state"] == "over"
        assert (await undo(client, ended)).json()["state"] == "running"  # what they ended by mistake
    async with world.signed_in("view") as client:
        assert (await client.post("/api/v1/silences", json=body(device=["rain-1"]))).status_code == 403
        assert len((await client.get("/api/v1/silences")).json()["items"]) == 2


async def test_the_wall_stands_around_silences_on_reads_and_writes(world: World):
    await rule(world)
    await world.device("rain-own")
    await world.device("rain-other", area=OTHER)
    await world.alert("al_one", device="rain-own")
    await world.alert("al_far", area=OTHER, device="rain-other")
    async with world.signed_in("chief") as client:
        here = await made(client, body(area=[OWN]))
        whole = await made(client, body(rule=["rain.24h"]))
        both = await made(client, body(device=["rain-own", "rain-other"]))
    async with world.signed_in("walled") as client:  # sees OTHER alone
        found = {one["id"]: one for one in (await client.get("/api/v1/silences")).json()["items"]}
        assert set(found) == {whole["id"], both["id"]}
        assert (found[both["id"]]["match"]["device"], found[both["id"]]["devices_beyond"]) == (["rain-other"], 1)
        assert found[whole["id"]]["hides"] == 1
        assert (await client.get(f"/api/v1/silences/{here['id']}")).status_code == 404
        assert (await end(client, here)).status_code == 404
        assert (await end(client, whole)).status_code == 403
        assert (await end(client, both)).status_code == 403
        foreign = await client.post("/api/v1/silences", json=body(device=["rain-own"]))
        assert (foreign.status_code, field_of(foreign)) == (422, "match.device")
        own = await made(client, body(device=["rain-other"]))
        assert (await end(client, own)).status_code == 200
        seen = (await client.get("/api/v1/silences/preview?rule=rain.24h")).json()
        assert (seen["open"], [one["id"] for one in seen["items"]]) == (1, ["al_far"])
    async with world.signed_in("walled-admin") as client:
        for beyond in (body(rule=["rain.24h"]), body(area=[OWN]), body(area=[OWN, OTHER])):
            assert (await client.post("/api/v1/silences", json=beyond)).status_code == 403, beyond
        assert (await client.post("/api/v1/silences", json=body(area=[OTHER]))).status_code == 201


async def test_a_preview_says_what_the_silence_then_hides(world: World):
    await rule(world)
    await world.device("rain-1")
    await world.alert("al_one", device="rain-1")
    await world.alert("al_low", severity="low", severity_rank=1)
    await world.alert("al_zone", area=None, device=None, domain="traffic", rule="traffic.zone-slow")
    await world.alert("al_worst", severity="critical", severity_rank=4)
    await world.alert("al_far", area=OTHER)
    await world.alert("al_over", condition="cleared", opened_at=NOW - timedelta(days=6))
    await world.alert("al_old", condition="cleared", opened_at=NOW - timedelta(days=8))
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert SET zone = 'hoa-binh' WHERE id = 'al_zone'")
        await connection.execute("UPDATE alert_work SET state = 'resolved' WHERE alert IN ('al_over', 'al_old')")
    asked: list[dict[str, Any]] = [
        {"rule": ["rain.24h"]}, {"area": [OWN]}, {"area": ["hoa-binh"]}, {"device": ["rain-1"]},
        {"domain": ["disaster", "traffic"], "severity_max": "medium"}, {"area": ["hoa-binh"], "domain": ["traffic"]},
        {"area": [OWN, OTHER], "severity_max": "critical"},
    ]  # fmt: skip
    async with world.signed_in("chief") as client:
        for match in asked:
            query = "&".join(f"{name}={','.join([value] if isinstance(value, str) else value)}"
                             for name, value in match.items())  # fmt: skip
            preview = (await client.get(f"/api/v1/silences/preview?{query}")).json()
            silence = await made(client, body(**match))
            hidden = await silenced(client)
            assert sorted(one["id"] for one in preview["items"]) == hidden, match
            assert (preview["open"], silence["hides"]) == (len(hidden), len(hidden)), match
            await end(client, silence)
        rain = (await client.get("/api/v1/silences/preview?rule=rain.24h")).json()
        assert (rain["graver"], rain["opened_7d"]["high"], rain["opened_7d"]["critical"]) == (1, 3, 0)


async def test_tiles_and_metrics_count_what_is_hidden(world: World):
    await world.alert("al_one")
    await world.alert("al_far", area=OTHER)
    async with world.signed_in("chief") as client:
        await made(client, body(area=[OWN]))
        tile = next(one for one in (await client.get("/api/v1/domains")).json()["items"] if one["id"] == "disaster")
        assert (tile["open"]["high"], tile["silenced"], tile["state"]) == (1, 1, "high")


async def test_the_wall_display_hears_that_an_alert_is_silenced_and_not_why(world: World):
    await world.alert("al_one")
    async with world.signed_in("chief") as client:
        silence = await made(client, body(area=[OWN]))
    async with world.client(key="display") as client:
        one = (await client.get("/api/v1/alerts/al_one")).json()
        assert one["silence"] == {"id": silence["id"], "until": silence["to"], "owner": None, "reason": None}
        assert (await client.get("/api/v1/silences")).status_code == 403


async def test_the_tag_of_an_alert_changes_with_its_silence_and_its_version_does_not(world: World):
    await world.alert("al_one")
    async with world.signed_in("chief") as client:
        before = await client.get("/api/v1/alerts/al_one")
        silence = await made(client, body(area=[OWN]))
        hidden = await client.get("/api/v1/alerts/al_one", headers={"If-None-Match": before.headers["etag"]})
        assert (hidden.status_code, hidden.json()["version"]) == (200, before.json()["version"])
        await change(client, silence, to=(NOW + 3 * HOUR).isoformat())
        longer = await client.get("/api/v1/alerts/al_one", headers={"If-None-Match": hidden.headers["etag"]})
        assert longer.status_code == 200
        taken = await client.post(
            "/api/v1/alerts/al_one/acknowledge", json={}, headers={"If-Match": longer.headers["etag"]}
        )
        assert (taken.status_code, taken.json()["silence"]["id"]) == (200, silence["id"])


async def test_what_cannot_be_is_refused_by_its_member(world: World):
    async with world.signed_in("chief") as client:
        for sent, field in (
            (body(), "match"), (body(severity_max="high"), "match"), (body(rule=["nobody"]), "match.rule"),
            (body(area=["99999"]), "match.area"), (body(domain=["nowhere"]), "match.domain"),
            (body(device=["nobody"]), "match.device"), (body(-1, area=[OWN]), "to"), (body(721, area=[OWN]), "to"),
            (body(area=[OWN], active={"hours": ["25:00-26:00"]}), "active.hours.0"),
            (body(area=[OWN], active={"holidays": "only"}), "active"),
        ):  # fmt: skip
            answer = await client.post("/api/v1/silences", json=sent)
            assert (answer.status_code, field_of(answer)) == (422, field), answer.text
        assert (await client.get("/api/v1/silences/preview?severity_max=high")).status_code == 422


async def test_the_bound_on_silences_is_told(world: World, monkeypatch: Any):
    monkeypatch.setattr(changes, "SILENCES_MAX", 2)
    async with world.signed_in("chief") as client:
        first = await made(client, body(area=[OWN]))
        await made(client, body(area=[OWN]))
        full = await client.post("/api/v1/silences", json=body(area=[OWN]))
        assert (full.status_code, "end some" in full.json()["detail"]) == (409, True)
        ended = (await end(client, first)).json()
        await made(client, body(area=[OWN]))
        assert (await undo(client, ended)).status_code == 409


async def test_pages_and_filters_of_the_list(world: World):
    async with world.signed_in("chief") as client:
        names = [(await made(client, body(hours, area=[OWN])))["id"] for hours in (4, 3, 2)]
        await made(client, body(9, 5, domain=["disaster"]))
        found: list[str] = []
        cursor = ""
        while True:
            page = (await client.get(f"/api/v1/silences?state=running&limit=2{cursor}")).json()
            found += [one["id"] for one in page["items"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert found == names
        assert (await client.get("/api/v1/silences?owner=op")).json()["items"] == []
        assert (await client.get("/api/v1/silences?state=asleep")).status_code == 400


async def test_a_silence_that_is_over_goes_with_the_events_of_its_time(world: World):
    async with world.signed_in("chief") as client:
        await made(client, body(area=[OWN]))
        await made(client, body(700, domain=["disaster"]))
        await pass_time(world, 3)
        keeper = Keeper(
            database=world.database, log_clock=world.clock, metrics=world.state.context.metrics,
            retention=Retention(
                event_days=1, dead_letter_days=1, outbound_days=1, series_5m_days=1, series_1h_days=1, media_days=1
            ),
        )  # fmt: skip
        await keeper.work(NOW + 72 * HOUR)
        left = (await client.get("/api/v1/silences")).json()["items"]
        assert [one["match"]["domain"] for one in left] == [["disaster"]]
