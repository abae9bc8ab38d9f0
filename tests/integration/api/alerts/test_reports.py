"""What people reported: its words beside the alert, what was sent near it, and who it is for a reason only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, OTHER, World

PHONE = "0912 345 678"
TEXT = "Nước ngập đến đầu gối trước chợ"
LAT, LON = 20.8272, 105.3383
METRE = 1 / 111_195


async def report(world: World, number: int, *, metres_north: float | None = 0.0, **columns: Any) -> str:
    """Store a report and return its key."""
    data = {
        "category": "ngập",
        "text": f"{TEXT} {number}",
        "contact": PHONE,
        "phone2": PHONE,
        "media": "/api/v1/media/1",
    }
    place = {} if metres_north is None else {"lat": LAT + metres_north * METRE, "lon": LON}
    await world.event("app", number, feed="citizen_report", data=data, **{**place, **columns})
    return number.to_bytes(16, "big").hex()


async def test_contact_is_in_no_answer_until_a_reason_is_given_and_the_reason_is_kept(world: World):
    key = await report(world, 1)
    for field, value in (("contact", PHONE), ("text", TEXT)):
        await world.insert("latest", {"device": "app", "feed": "citizen_report", "field": field, "value": value,
                                      "effective": NOW, "log_time": NOW, "position": 1})  # fmt: skip
    async with world.signed_in("op") as client:
        for path in ("events", f"events/{key}", f"events/{key}/neighbours", "latest"):
            for accept in ("application/json", "text/csv", "application/geo+json"):
                answer = await client.get(f"/api/v1/{path}", headers={"Accept": accept})
                assert answer.status_code == 200
                assert PHONE not in answer.text, path
        one = (await client.get(f"/api/v1/events/{key}")).json()
        assert one["data"]["text"] == f"{TEXT} 1"
        assert one["withheld"] == ["contact", "phone2"], "what nobody declared may be a name as well"
        for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x"}):
            assert (await client.post(f"/api/v1/events/{key}/unmask", json=body)).status_code == 422, body
        answer = await client.post(f"/api/v1/events/{key}/unmask", json={"reason": "gọi lại hỏi vị trí"})
        assert answer.json() == {"key": key, "fields": {"contact": PHONE, "phone2": PHONE}, "erased": []}
    async with world.signed_in("view") as client:
        assert (await client.post(f"/api/v1/events/{key}/unmask", json={"reason": "tò mò"})).status_code == 403
    async with world.signed_in("walled") as client:
        assert (await client.post(f"/api/v1/events/{key}/unmask", json={"reason": "tò mò"})).status_code == 404
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT actor, object, detail FROM audit WHERE action = 'event.unmask'")
        assert [(row["actor"], row["object"]) for row in rows] == [("op", key)]
        assert rows[0]["detail"] == {
            "reason": "gọi lại hỏi vị trí", "fields": ["contact", "phone2"], "feed": "citizen_report",
        }  # fmt: skip
        assert (await verify_chain(connection)).broken_at is None


async def test_reports_within_three_hundred_metres_are_told_nearest_first_and_only_inside_the_wall(world: World):
    key = await report(world, 1)
    await report(world, 2, metres_north=250)
    await report(world, 3, metres_north=-40)
    await report(world, 4, metres_north=320)
    await report(world, 5, metres_north=10, area=OTHER)
    await report(world, 6, metres_north=20, effective=NOW - timedelta(days=8))
    await report(world, 7, metres_north=None)
    await world.event("rain-1", 8, lat=LAT, lon=LON)
    async with world.signed_in("op") as client:
        near = (await client.get(f"/api/v1/events/{key}/neighbours")).json()
        assert [(item["position"], round(item["distance_m"])) for item in near["items"]] == [(5, 10), (3, 40), (2, 250)]
        wide = (await client.get(f"/api/v1/events/{key}/neighbours", params={"radius_m": 400})).json()
        assert wide["total"] == 4
        assert (await client.get(f"/api/v1/events/{key}/neighbours?radius_m=9000")).status_code == 422
        placeless = await client.get(f"/api/v1/events/{7:032x}/neighbours")
        assert placeless.json()["items"] == []
    async with world.signed_in("walled") as client:
        assert (await client.get(f"/api/v1/events/{key}/neighbours")).status_code == 404
        assert (await client.get(f"/api/v1/events/{5:032x}/neighbours")).json()["items"] == []


async def test_an_alert_tells_what_was_reported_by_its_newest_revision(world: World):
    await world.alert("al_one", device=None, feed="citizen_report", restricted=True)
    await report(world, 1)
    await report(world, 2, metres_north=90)
    await report(world, 9, key=(2).to_bytes(16, "big"), revision=1)
    evidence = {
        "position": 2,
        "values": {},
        "clause": "",
        "readings": [
            {"position": 1, "device": "app", "effective": "2026-11-23T13:00:00Z", "values": {"contact": PHONE}},
        ],
        "details": {
            "kind": "near",
            "radius_m": 300.0,
            "over_s": 3_600.0,
            "members": [{"position": 2, "at": "2026-11-23T13:00:00Z", "lat": LAT, "lon": LON, "device": None}],
        },
    }
    await world.insert("alert_history", {
        "alert": "al_one", "number": 1, "at": NOW, "log_time": NOW, "kind": "opened", "severity": "high",
        "evidence": evidence, "position": 2,
    })  # fmt: skip
    async with world.signed_in("op") as client:
        told = (await client.get("/api/v1/alerts/al_one/events")).json()["items"]
        assert [(item["position"], item["data"]["text"]) for item in told] == [(9, f"{TEXT} 9"), (1, f"{TEXT} 1")]
        assert PHONE not in (await client.get("/api/v1/alerts/al_one/evidence")).text
    async with world.client(key="display") as client:
        assert (await client.get("/api/v1/alerts/al_one/events")).status_code == 403
    async with world.signed_in("walled") as client:
        assert (await client.get("/api/v1/alerts/al_one/events")).status_code == 404
