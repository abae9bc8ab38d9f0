"""Telling devices something over the API, and seeing what became of it; presence in a device's JSON."""

from __future__ import annotations

import pytest

from ioc.domain.messaging.outbound import Closing, OutboundOutcome, command_topic
from ioc.domain.messaging.presence import Arrival, Departure, Grant, PresenceReason
from ioc.store.sessions.outbound import OutboundStore
from ioc.store.sessions.sessions import MQTTSessionStore
from tests.integration.api.conftest import NOW, OTHER, World

GATE = "/api/v1/devices/rain-1/messages"


async def connected(world: World, *, waiting: bool = True) -> None:
    """Let rain-1 connect with a lasting session that asks for its commands."""
    sessions = MQTTSessionStore(world.database)
    arrival = Arrival(device="rain-1", connection=7, clean_start=False, expiry_seconds=600)
    await sessions.attach([arrival], door="door", now=NOW)
    if waiting:
        await sessions.grant([Grant("rain-1", 7, {"ioc/v1/commands/rain-1/#": 1})])


async def test_a_message_is_stored_for_a_device_that_asks_for_it_audited_and_seen_to_its_end(world: World):
    await world.device("rain-1")
    await connected(world)
    async with world.signed_in("root") as client:
        told = await client.post(GATE, json={"topic_suffix": "gate/open", "payload": "Mở 40 %", "qos": 2})
        assert told.status_code == 202, told.text
        topic = "ioc/v1/commands/rain-1/gate/open"
        assert told.json() == {"number": 1, "device": "rain-1", "session": "rain-1", "topic": topic}
        [item] = (await client.get(GATE)).json()["items"]
        assert (item["payload"], item["qos"], item["outcome"], item["created_by"]) == ("Mở 40 %", 1, None, "root")
        store = OutboundStore(world.database, waiting_max=9)
        await store.close([Closing("rain-1", 1, OutboundOutcome.ACKNOWLEDGED)], NOW)
        assert (await client.get(GATE)).json()["items"][0]["outcome"] == "acknowledged"
        await client.post(GATE, json={"payload": "again"})
        page = (await client.get(GATE, params={"limit": 1})).json()
        assert [item["topic"] for item in page["items"]] == [command_topic("rain-1")]
        rest = (await client.get(GATE, params={"limit": 1, "cursor": page["next"]})).json()
        assert ([item["number"] for item in rest["items"]], rest["next"]) == ([1], None)
    async with world.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM audit WHERE action = 'device.tell' ORDER BY id")
        assert (row["actor"], row["object"], row["detail"]["topic"]) == (
            "root", "rain-1", "ioc/v1/commands/rain-1/gate/open",
        )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"payload": "x", "topic_suffix": "#"},
        {"payload": "x", "topic_suffix": "a//b"},
        {"payload": "x", "topic_suffix": "/a"},
        {"payload": "x", "topic_suffix": "/".join("abcdefghi")},
        {"payload": "x", "qos": 3},
        {"payload": "é" * 20_000},
        {"payload": "x", "expires_seconds": 0},
        {"payload": "x", "topic": "ioc/v1/commands/other"},
    ],
)
async def test_what_cannot_be_told_is_refused_by_name(world: World, body):
    await world.device("rain-1")
    await connected(world)
    async with world.signed_in("root") as client:
        answer = await client.post(GATE, json=body)
        assert answer.status_code == 422, answer.text
        assert (await client.get(GATE)).json()["items"] == []


async def test_what_nobody_would_hear_and_what_finds_no_room_is_409_and_counted(world: World):
    await world.device("rain-1")
    await connected(world, waiting=False)
    async with world.signed_in("root") as client:
        deaf = await client.post(GATE, json={"payload": "x"})
        assert (deaf.status_code, deaf.json()["code"]) == (409, "not_subscribed")
        await MQTTSessionStore(world.database).grant([Grant("rain-1", 7, {"#": 1})])
        async with world.database.connection() as connection:
            await connection.execute("UPDATE mqtt_session SET waiting = 1000")
        full = await client.post(GATE, json={"payload": "x"})
        assert (full.status_code, full.json()["code"]) == (409, "outbound_full")
    counted = world.state.context.metrics.registry.get_sample_value
    assert counted("ioc_outbound_refused_total", {"reason": "not_subscribed"}) == 1
    assert counted("ioc_outbound_refused_total", {"reason": "full"}) == 1


async def test_nobody_tells_a_device_behind_the_wall_anything(world: World):
    await world.device("rain-9", area=OTHER)
    async with world.signed_in("walled") as client:
        answer = await client.post("/api/v1/devices/rain-9/messages", json={"payload": "x"})
        assert answer.status_code in (403, 404)


async def test_a_device_behind_a_gateway_is_told_through_it_until_it_asks_itself(world: World):
    """On the gateway's own topic; the list of either shows it, and the audit names whom it was meant for."""
    await world.device("gate-1", gateway=True)
    await world.device("rain-1", parent="gate-1")
    await world.device("rain-2", parent="gate-2")
    sessions = MQTTSessionStore(world.database)
    async with world.signed_in("root") as client:
        deaf = await client.post(GATE, json={"payload": "x"})
        assert (deaf.status_code, deaf.json()["code"]) == (409, "not_subscribed")
        assert "gateway" in deaf.json()["detail"]
        arrival = Arrival(device="gate-1", connection=7, clean_start=False, expiry_seconds=600)
        await sessions.attach([arrival], door="door", now=NOW)
        await sessions.grant([Grant("gate-1", 7, {"ioc/v1/commands/gate-1/#": 1})])
        told = await client.post(GATE, json={"topic_suffix": "valve", "payload": "40"})
        topic = "ioc/v1/commands/gate-1/devices/rain-1/valve"
        assert told.json() == {"number": 1, "device": "rain-1", "session": "gate-1", "topic": topic}
        assert (await client.post("/api/v1/devices/rain-2/messages", json={"payload": "x"})).status_code == 409
        for name in ("gate-1", "rain-1"):
            [item] = (await client.get(f"/api/v1/devices/{name}/messages")).json()["items"]
            assert (item["device"], item["meant_for"], item["payload"]) == ("gate-1", "rain-1", "40")
        await connected(world)
        assert (await client.post(GATE, json={"payload": "y"})).json()["session"] == "rain-1"
        world.clock.advance(seconds=1)
        assert (await client.post(GATE, json={"payload": "z"})).json()["session"] == "rain-1"
        seen: list[str] = []
        params = {"limit": "1"}
        while True:
            page = (await client.get(GATE, params=params)).json()
            seen += [item["payload"] for item in page["items"]]
            if page["next"] is None:
                break
            params["cursor"] = page["next"]
        assert seen == ["z", "y", "40"]
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT object FROM audit WHERE action = 'device.tell'")
        assert {row["object"] for row in rows} == {"rain-1"}


async def test_presence_stands_with_the_device(world: World):
    await world.device("rain-1")
    async with world.signed_in("view") as client:
        assert (await client.get("/api/v1/devices/rain-1")).json()["presence"] is None
        await connected(world)
        presence = (await client.get("/api/v1/devices")).json()["items"][0]["presence"]
        assert (presence["state"], presence["reason"]) == ("online", "connected")
        gone = Departure(device="rain-1", connection=7, reason=PresenceReason.LOST, publish_will=True, sent_to=0)
        await MQTTSessionStore(world.database).detach([gone], door="door", now=NOW)
        presence = (await client.get("/api/v1/devices/rain-1")).json()["presence"]
        assert (presence["state"], presence["reason"]) == ("offline", "lost")
