"""An alert tells how things are now: in the list, by itself, on the stream; and no version or change comes of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

from ioc.domain.alert import AlertNow, MeasuredValue
from ioc.domain.feed import Label
from ioc.store.alerts.now import write_alert_nows
from tests.integration.api.conftest import NOW, OTHER, OWN, World, served
from tests.integration.api.test_stream import Listener, bearer

HEADLINE = Label("Mưa rất to · Trạm rain-1 · 189,5 mm · cao nhất đến nay", "Heavy rain · rain-1 · 189.5 mm")


def told(value: float | None, position: int, text: str = "") -> MeasuredValue:
    return MeasuredValue(value, "mm", NOW, position, Label(text or f"{value} mm", f"{value} mm"))


async def write(
    world: World, alert: str, value: float | None, position: int, *, closing: Label | None = None
) -> None:  # fmt: skip
    """What the engine writes between two transitions, and with one."""
    row = AlertNow(alert, position, HEADLINE, told(value, position), told(189.5, 7), "rising", closing)
    async with world.database.transaction() as connection:
        await write_alert_nows(connection, [row], NOW)


async def test_list_and_alert_say_what_was_written_last_and_the_opening_sentence_stays(world: World):
    await world.alert("al_one")
    await world.insert("alert_history", {
        "alert": "al_one", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
        "summary": {"vi": "Mưa 101,7 mm", "en": "101.7 mm"},
    })  # fmt: skip
    await world.alert("al_over", condition="cleared")
    await world.alert("al_before")
    await write(world, "al_one", 189.5, 7)
    await write(world, "al_one", 3.8, 9)
    await write(world, "al_one", 150.0, 8)
    await write(world, "al_over", 3.8, 9)
    async with world.signed_in("op") as client:
        items = {item["id"]: item for item in (await client.get("/api/v1/alerts")).json()["items"]}
        one = (await client.get("/api/v1/alerts/al_one")).json()
    assert one == items["al_one"]
    assert one["now"] == {
        "value": 3.8, "unit": "mm", "time": "2026-11-23T13:00:00.000Z", "position": 9,
        "text": {"vi": "3.8 mm", "en": "3.8 mm"},
    }, "an older one never comes over a newer one"  # fmt: skip
    assert (one["peak"]["value"], one["peak"]["position"], one["trend"]) == (189.5, 7, "rising")
    assert one["summary"] == {"vi": HEADLINE.vi, "en": HEADLINE.en}
    assert one["opening"] == {"vi": "Mưa 101,7 mm", "en": "101.7 mm"}
    assert items["al_over"]["summary"] == {"vi": "Mưa 120 mm", "en": "120 mm"}, (
        "one from before its engine wrote a line"
    )
    assert items["al_over"]["peak"]["value"] == 189.5
    before = items["al_before"]
    assert (before["now"], before["peak"], before["trend"]) == (None, None, None)
    assert before["summary"] == before["opening"] == {"vi": "Mưa 120 mm", "en": "120 mm"}


async def test_what_is_over_says_how_bad_it_was_and_for_how_long_until_it_returns(world: World):
    await world.alert("al_over", condition="cleared")
    await world.alert("al_back")
    closing = Label("Mưa rất to · Trạm rain-1 · cao nhất 189,5 mm lúc 14:05 · đã hết sau 2 giờ", "over after 2 h")
    for alert in ("al_over", "al_back"):
        await write(world, alert, 3.8, 9, closing=closing)
    await write(world, "al_back", 120.0, 9)
    async with world.signed_in("op") as client:
        items = {item["id"]: item for item in (await client.get("/api/v1/alerts")).json()["items"]}
    assert items["al_over"]["summary"] == {"vi": closing.vi, "en": closing.en}
    assert items["al_back"]["summary"] == {"vi": HEADLINE.vi, "en": HEADLINE.en}
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT closing FROM alert_now WHERE alert = 'al_back'") is None


async def test_masked_callers_get_numbers_only(world: World):
    await world.alert("al_number")
    await world.alert("al_words")
    await write(world, "al_number", 3.8, 9)
    await write(world, "al_words", None, 9)
    async with world.client(key="display") as wall:
        items = {item["id"]: item for item in (await wall.get("/api/v1/alerts")).json()["items"]}
    assert items["al_number"]["now"]["value"] == 3.8
    assert items["al_words"]["now"] is None


async def test_an_action_needs_the_severity_that_was_seen(world: World):
    """`version` counts the condition's moves too; news alone change the ETag and never the version."""
    await world.alert("al_one")
    path = "/api/v1/alerts/al_one"
    async with world.signed_in("op") as client:
        first = await client.get(path)
        assert (first.headers["ETag"], first.json()["version"]) == ('"2.0"', 2)
        await write(world, "al_one", 3.8, 9)
        second = await client.get(path)
        assert (second.headers["ETag"], second.json()["version"]) == ('"2.9"', 2)
        same = await client.get(path, headers={"If-None-Match": '"1.1", W/"2.9"'})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", '"2.9"')
        assert (await client.get(path, headers={"If-None-Match": '"2.0"'})).status_code == 200
        async with world.database.connection() as connection:
            await connection.execute("UPDATE alert SET severity = 'critical', severity_rank = 4, transitions = 2")
        for seen in ('"2"', '"2.9"'):
            lost = await client.post(f"{path}/acknowledge", json={}, headers={"If-Match": seen})
            assert (lost.status_code, lost.json()["current"]["severity"]) == (412, "critical"), seen
        done = await client.post(f"{path}/acknowledge", json={}, headers={"If-Match": '"3.4"'})
        assert (done.status_code, done.json()["version"], done.headers["ETag"]) == (200, 4, '"4.9"')
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT version FROM change ORDER BY position DESC LIMIT 1") == 4


async def test_news_come_on_the_stream_without_a_change_and_a_list_misses_none_of_them(world: World):
    await world.alert("al_one")
    async with world.signed_in("op") as client:
        position = (await client.get("/api/v1/alerts")).json()["position"]
    await write(world, "al_one", 50.0, 5)  # after the list, before the stream
    async with served(world) as url:
        listener = Listener(url, bearer(world), after=position)
        foreign = Listener(url, bearer(world, "district"), after=position)
        work = [asyncio.create_task(each.listen(position + 1)) for each in (listener, foreign)]
        await heard(listener, 1)
        await write(world, "al_one", 60.0, 6)
        await heard(listener, 2)
        await world.alert("al_two", area=OTHER)
        await asyncio.gather(*work)
    said = [body["now"]["value"] for name, body in listener.events if name == "alert" and body.get("now")]
    assert said == [50.0, 60.0]
    assert listener.ids == [position + 1], "news have no id: who resumes does so from the last change"
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM change") == position + 1
    assert not [body for name, body in foreign.events if name == "alert" and body["id"] == "al_one"]


async def heard(listener: Listener, count: int) -> None:
    async with asyncio.timeout(20):
        while sum(name == "alert" for name, _ in listener.events) < count:
            await asyncio.sleep(0.02)


async def test_what_needs_a_person_most_comes_first_whatever_its_age(world: World):
    """Newest first hid a critical one in the eleventh place; an acknowledged critical stays above an unowned low."""
    severities = {"critical": 4, "low": 1, "high": 3}
    for number in range(24):
        severity = list(severities)[number % 3]
        await world.alert(
            f"al_{number:02}", severity=severity, severity_rank=severities[severity], area=OWN,
            opened_at=NOW - timedelta(minutes=number), condition="cleared" if number % 4 == 3 else "firing",
        )  # fmt: skip
    async with world.database.connection() as connection:
        await connection.execute("UPDATE alert_work SET owner = 'op', state = 'acknowledged' WHERE alert < 'al_12'")
    async with world.signed_in("op") as client:
        whole = (await client.get("/api/v1/alerts")).json()["items"]
        assert await paged(client, {}) == whole
        opened = await paged(client, {"open": "true"})
        newest = await paged(client, {"sort": "newest"})
        oldest = await paged(client, {"sort": "oldest"})
        closed = await paged(client, {"open": "false"})
        assert (await client.get("/api/v1/alerts", params={"sort": "loudest"})).status_code == 400
    assert whole == opened + closed
    assert [place(item) for item in opened] == sorted(place(item) for item in opened)
    assert {item["condition"] for item in closed} == {"cleared"}
    assert all(one["opened_at"] > two["opened_at"] for one, two in pairwise(closed))
    assert newest == oldest[::-1] == sorted(newest, key=lambda item: item["opened_at"], reverse=True)
    assert len(newest) == 24


def place(item: dict[str, Any]) -> tuple[int, bool, str]:
    rank = {"critical": 0, "high": 1, "low": 3}[item["severity"]]
    return rank, item["owner"] is not None, item["opened_at"]


async def paged(client: Any, params: dict[str, str]) -> list[dict[str, Any]]:
    """The whole list by pages of five."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await client.get("/api/v1/alerts", params={**params, "limit": "5", **cursor})).json()
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = {"cursor": page["next"]}
