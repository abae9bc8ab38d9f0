"""What says who a person is lies in person_data alone: opened with a reason, erased for good, found nowhere after."""

from __future__ import annotations

from datetime import timedelta

from ioc.domain.people.personal import is_reference
from ioc.store.audit.trail import verify_chain
from ioc.store.log.event_log import EventLog
from ioc.store.personal.erasure import COLUMNS, erase_person
from tests.integration.api.conftest import NOW, World

CANARY = "0912 345 678"
REPORT = {"id": "call-2026-1", "values": {"text": "ngập tới gối", "contact": f"bà Hoa, {CANARY}"}}


async def standing(world: World, text: str) -> set[str]:
    """Return every `table.column` of the instance in which a text stands."""
    found = set()
    async with world.database.connection() as connection:
        for column in await connection.fetch(COLUMNS):
            table, name = column["held_in"], column["held_as"]
            if column["type"] == "bytea":
                asked, of = "position($1::bytea IN {})", f'"{name}"'
                value: object = text.encode()
            else:
                asked, of, value = "position($1::text IN {})", f'"{name}"::text', text
            if await connection.fetchval(f'SELECT count(*) FROM "{table}" WHERE {asked.format(of)} > 0', value):
                found.add(f"{table}.{name}")
    return found


async def test_the_log_holds_a_reference_and_only_a_reason_opens_what_lies_under_it(world: World):
    async with world.signed_in("op") as client:
        entry = (await client.post("/api/v1/manual/citizen_report", json=REPORT)).json()
        again = await client.post("/api/v1/manual/citizen_report", json=REPORT)
        assert again.json()["event"] == entry["event"]
        assert CANARY not in again.text
        assert await standing(world, CANARY) == {"person_data.value"}
        async with world.database.connection() as connection:
            data = await connection.fetchval("SELECT data FROM event WHERE kind = 'event'")
            assert is_reference(data["contact"])
            assert await connection.fetchval("SELECT count(*) FROM person_data") == 1, "sent twice, kept once"
        event = (await client.get(f"/api/v1/events/{entry['event']}")).json()
        assert event["withheld"] == ["contact"]
        answer = await client.post(f"/api/v1/events/{entry['event']}/unmask", json={"reason": "gọi lại hỏi vị trí"})
        assert answer.json()["fields"] == {"contact": f"bà Hoa, {CANARY}"}
    assert await standing(world, CANARY) == {"person_data.value"}, "who saw it is kept, what they saw is not"


async def test_a_correction_without_the_contact_keeps_the_one_that_is_there(world: World):
    async with world.signed_in("op") as client:
        entry = (await client.post("/api/v1/manual/citizen_report", json=REPORT)).json()
        path = f"/api/v1/manual/entries/{entry['event']}"
        body = {"values": {"text": "ngập tới bụng"}, "reason": "nước lên"}
        assert (await client.post(f"{path}/correct", json=body, headers={"If-Match": '"0"'})).status_code == 200
        answer = await client.post(f"/api/v1/events/{entry['event']}/unmask", json={"reason": "gọi lại hỏi vị trí"})
        assert answer.json()["fields"] == {"contact": f"bà Hoa, {CANARY}"}


async def test_a_reference_that_a_sender_writes_opens_nothing_of_somebody_else(world: World):
    async with world.signed_in("op") as client:
        await client.post("/api/v1/manual/citizen_report", json=REPORT)
        async with world.database.connection() as connection:
            stolen = await connection.fetchval("SELECT reference FROM person_data")
        thief = {"id": "call-2026-2", "values": {"text": "x", "contact": stolen}}
        entry = (await client.post("/api/v1/manual/citizen_report", json=thief)).json()
        answer = await client.post(f"/api/v1/events/{entry['event']}/unmask", json={"reason": "gọi lại hỏi vị trí"})
        assert answer.json()["fields"] == {"contact": stolen}


async def test_an_erased_canary_is_found_nowhere_and_the_trail_says_that_it_was(world: World):
    async with world.signed_in("op") as client:
        entry = (await client.post("/api/v1/manual/citizen_report", json=REPORT)).json()
        body = {"values": {"text": f"gọi {CANARY} để hỏi đường"}, "reason": f"theo lời {CANARY}"}
        path = f"/api/v1/manual/entries/{entry['event']}/correct"
        assert (await client.post(path, json=body, headers={"If-Match": '"0"'})).status_code == 200
        assert await standing(world, CANARY) == {"person_data.value", "event.data", "manual_entry.reason"}
        done = await erase_person(world.database, CANARY, actor="dpo", reason="theo đơn ngày 1/11", now=NOW)
        assert (done.rows, done.left) == ({"person_data.value": 1, "event.data": 1, "manual_entry.reason": 1}, {})
        assert await standing(world, CANARY) == set()
        answer = await client.post(f"/api/v1/events/{entry['event']}/unmask", json={"reason": "gọi lại hỏi vị trí"})
        assert (answer.json()["fields"], answer.json()["erased"]) == ({}, ["contact"])
        stored = (await client.get(f"/api/v1/events/{entry['event']}")).json()
        assert stored["data"]["text"] == "gọi [đã xóa] để hỏi đường", "nothing else of the row is written over"
        for accept in ("application/json", "text/csv"):
            listed = await client.get("/api/v1/events", headers={"Accept": accept})
            assert CANARY not in listed.text
    async with world.database.connection() as connection:
        detail = await connection.fetchval("SELECT detail FROM audit WHERE action = 'person.erase'")
        assert detail["reason"] == "theo đơn ngày 1/11"
        assert (await verify_chain(connection)).broken_at is None
    again = await erase_person(world.database, CANARY, actor="dpo", reason="thử lại", now=NOW)
    assert (again.rows, again.left) == ({}, {})


async def test_a_refused_message_is_kept_without_who_sent_it_and_one_of_another_feed_is_erased(world: World):
    from ioc.domain.event import DeadLetter

    letter = DeadLetter("http", "rainfall", "rain-1", "wrong_type", "x", f"gọi {CANARY}".encode(), NOW)
    await EventLog(world.database).append([letter], NOW + timedelta(seconds=1))
    assert await standing(world, CANARY) == {"dead_letter.raw"}
    done = await erase_person(world.database, CANARY, actor="dpo", reason="theo đơn", now=NOW)
    assert (done.rows, await standing(world, CANARY)) == ({"dead_letter.raw": 1}, set())
