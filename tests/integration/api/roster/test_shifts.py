"""The duty roster over the API on a real PostgreSQL: shifts, swaps, who stands in, patterns, the wall, whom to call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ioc.api.views.duty import read_roster_state
from ioc.domain.scope import Scope
from ioc.store.audit.trail import verify_chain
from tests.integration.api.conftest import NOW, OTHER, OWN, World
from tests.integration.api.contacts.test_directory import Directory

WHY = {"why": "Phân công tuần"}


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).isoformat()


class Roster(Directory):
    """The roster of the running API, as an administrator keeps it."""

    async def crew(self, *titles: str, **unit: Any) -> tuple[str, list[str]]:
        made = await self.unit(**unit)
        contacts = [
            await self.contact(made["id"], title_vi=title, rank=rank, hours={"hours": ["00:00-00:01"]})
            for rank, title in enumerate(titles)
        ]
        return made["id"], [one["id"] for one in contacts]

    async def shift(self, unit: str, contact: str, start: float, end: float, **others: Any) -> dict[str, Any]:
        body = {"unit": unit, "contact": contact, "starts_at": at(start), "ends_at": at(end), **WHY, **others}
        return await self.add("shifts", **body)

    async def read(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def coverage(self) -> dict[str, Any]:
        return await self.read("shifts/coverage")

    async def whom(self) -> dict[str, Any]:
        return await self.read("alerts/al_one/contacts")

    async def changed(self, method: str, path: str, version: int, **body: Any) -> dict[str, Any]:
        answer = await self.do(method, f"shifts/{path}", {**WHY, **body}, version)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
async def roster(world: World) -> AsyncIterator[Roster]:
    async with world.signed_in("root") as client:
        yield Roster(world, client)


async def test_a_shift_is_added_corrected_taken_out_and_brought_back_with_who_and_why(roster: Roster):
    unit, (one, other) = await roster.crew("Kíp A", "Kíp B")
    made = await roster.shift(unit, one, -1, 7, role="shift_leader")
    assert (made["version"], made["title"]["vi"], made["role"], made["unit"]["id"]) == (
        1,
        "Kíp A",
        "shift_leader",
        unit,
    )
    body = {"unit": unit, "contact": other, "starts_at": at(-1), "ends_at": at(8), **WHY}
    assert (await roster.do("PUT", f"shifts/{made['id']}", body, None)).status_code == 428
    corrected = await roster.do("PUT", f"shifts/{made['id']}", body, 1)
    assert (corrected.status_code, corrected.json()["title"]["vi"], corrected.headers["etag"]) == (200, "Kíp B", '"2"')
    lost = await roster.do("DELETE", f"shifts/{made['id']}", WHY, 1)
    assert (lost.status_code, lost.json()["current"]["version"]) == (412, 2)
    assert (await roster.changed("DELETE", made["id"], 2))["removed"] is True
    assert (await roster.read("shifts"))["items"] == []
    assert [one["id"] for one in (await roster.read("shifts?removed=true"))["items"]] == [made["id"]]
    back = await roster.changed("POST", f"{made['id']}/undo", 3)
    assert (back["removed"], back["title"]["vi"], back["version"]) == (False, "Kíp B", 4)
    history = (await roster.read(f"shifts/{made['id']}/history"))["items"]
    assert [(step["action"], step["actor"]) for step in history] == [
        ("undo", "root"), ("remove", "root"), ("put", "root"), ("put", "root"),
    ]  # fmt: skip
    assert [step["shift"] and step["shift"]["title"]["vi"] for step in history] == ["Kíp B", None, "Kíp B", "Kíp A"]
    async with roster.world.database.connection() as connection:
        actions = await connection.fetch("SELECT action FROM audit WHERE action LIKE 'shift.%' ORDER BY id")
        assert [row["action"] for row in actions] == ["shift.put", "shift.put", "shift.remove", "shift.undo"]
        assert (await verify_chain(connection)).broken_at is None


async def test_who_is_on_duty_is_called_first_and_a_swap_moves_it_at_once(roster: Roster):
    await roster.world.alert()
    unit, (one, other) = await roster.crew("Kíp A", "Kíp B")
    now, later = await roster.shift(unit, one, -1, 7), await roster.shift(unit, other, 7, 19)
    first = (await roster.whom())["items"][0]
    assert (first["contact"], first["reason"]) == (one, "on_duty")
    assert datetime.fromisoformat(first["on_duty_until"]) == NOW + timedelta(hours=7)
    swapped = await roster.changed("POST", f"{now['id']}/swap", 1, other=later["id"], other_version=1)
    assert swapped["contact"] == other
    told = await roster.whom()
    assert [(each["contact"], each["reason"]) for each in told["items"]] == [(other, "on_duty")]
    again = await roster.do("POST", f"shifts/{now['id']}/swap", {**WHY, "other": later["id"], "other_version": 1}, 2)
    assert again.status_code == 412, "the other shift has moved on"
    back = await roster.changed("POST", f"{later['id']}/undo", 2)
    assert back["contact"] == other
    assert (await roster.whom())["items"][0]["contact"] == one, "a swap is taken back on both its shifts"


async def test_a_swap_whose_other_shift_has_changed_since_is_not_taken_back_by_half(roster: Roster):
    unit, (one, other, third) = await roster.crew("Kíp A", "Kíp B", "Kíp C")
    now, later = await roster.shift(unit, one, -1, 7), await roster.shift(unit, other, 7, 19)
    await roster.changed("POST", f"{now['id']}/swap", 1, other=later["id"], other_version=1)
    await roster.changed("PUT", later["id"], 2, unit=unit, contact=third, starts_at=at(7), ends_at=at(19))
    refused = await roster.do("POST", f"shifts/{now['id']}/undo", WHY, 2)
    assert refused.status_code == 409, refused.text


async def test_who_stands_in_is_on_duty_for_the_part_and_no_longer(roster: Roster):
    await roster.world.alert()
    unit, (one, other) = await roster.crew("Kíp A", "Kíp B")
    made = await roster.shift(unit, one, -1, 7)
    part = await roster.changed("POST", f"{made['id']}/override", 1, contact=other, starts_at=at(-1), ends_at=at(2))
    assert [(each["title"]["vi"], each["contact"]) for each in part["overrides"]] == [("Kíp B", other)]
    (told,) = (await roster.coverage())["items"]
    assert [(each["contact"], each["stands_for"]["vi"]) for each in told["on_duty"]] == [(other, "Kíp A")]
    assert (await roster.whom())["items"][0]["contact"] == other
    roster.world.clock.step_to(NOW + timedelta(hours=3))
    assert (await roster.whom())["items"][0]["contact"] == one
    outside = await roster.do(
        "POST", f"shifts/{made['id']}/override", {**WHY, "contact": other, "starts_at": at(6), "ends_at": at(8)}, 2
    )
    assert (outside.status_code, outside.json()["errors"][0]["field"]) == (422, "starts_at")


async def test_nobody_on_duty_is_told_as_a_fault_and_the_next_level_is_called_first(roster: Roster):
    await roster.world.alert()
    top, (leader,) = await roster.crew("Lãnh đạo trực", name_vi="UBND tỉnh", areas=[])
    desk = await roster.contact(top, title_vi="Văn phòng", rank=0)
    unit, (one, other) = await roster.crew("Kíp A", "Kíp B", next_level=top)
    open_ward = await roster.contact(unit, title_vi="Trực ban", rank=9)
    await roster.shift(unit, one, -5, -1)
    await roster.shift(unit, other, 3, 11)
    told = await roster.whom()
    assert [each["id"] for each in told["unstaffed"]] == [unit]
    assert [(each["contact"], each["reason"]) for each in told["items"]][:2] == [
        (desk["id"], "next_level"), (open_ward["id"], "in_hours"),
    ], "the next level at once, then who of the unit can be reached still"  # fmt: skip
    assert leader not in [each["contact"] for each in told["items"]]
    (covered,) = (await roster.coverage())["items"]
    assert (covered["unstaffed"], covered["on_duty"]) == (True, [])
    first = covered["gaps"][0]
    assert [datetime.fromisoformat(first[name]) for name in ("from", "to")] == [NOW, NOW + timedelta(hours=3)]
    context = roster.world.state.context
    async with roster.world.database.connection() as connection:
        state = await read_roster_state(connection, context, await roster.world.state.areas.book())
    assert state.unstaffed_inside(Scope()) == 1
    assert state.unstaffed_inside(Scope(areas=frozenset({OWN}))) == 1
    assert state.unstaffed_inside(Scope(areas=frozenset({OTHER}))) == 0
    async with roster.world.client(key="metrics") as scraper:
        assert "ioc_duty_unstaffed_units 1.0" in (await scraper.get("/metrics")).text
    await roster.shift(unit, one, -0.5, 3)
    assert (await roster.whom())["unstaffed"] == []
    async with roster.world.client(key="metrics") as scraper:
        assert "ioc_duty_unstaffed_units 0.0" in (await scraper.get("/metrics")).text


async def test_a_contact_that_was_taken_out_is_on_duty_no_more(roster: Roster):
    await roster.world.alert()
    unit, (one, _) = await roster.crew("Kíp A", "Kíp B")
    made = await roster.shift(unit, one, -1, 7)
    assert (await roster.do("DELETE", f"contacts/{one}", WHY, 1)).status_code == 200
    assert (await roster.read(f"shifts/{made['id']}"))["gone"] is True
    assert one not in [each["contact"] for each in (await roster.whom())["items"]]


async def test_three_crews_are_previewed_written_and_taken_back(roster: Roster):
    unit, crews = await roster.crew("Kíp A", "Kíp B", "Kíp C")
    pattern = {"unit": unit, "contacts": crews, "starts_at": at(0), "shift_hours": 12, "days": 7, **WHY}
    seen = await roster.client.post("/api/v1/shifts/patterns/preview", json=pattern)
    assert seen.status_code == 200, seen.text
    items = seen.json()["items"]
    assert (len(items), seen.json()["clashes"]) == (14, 0)
    assert [each["title"]["vi"] for each in items[:4]] == ["Kíp A", "Kíp B", "Kíp C", "Kíp A"]
    assert (await roster.read("shifts"))["items"] == [], "a preview writes nothing"
    made = await roster.client.post("/api/v1/shifts/patterns", json=pattern)
    assert (made.status_code, made.json()["shifts"]) == (201, 14)
    (covered,) = (await roster.coverage())["items"]
    assert (covered["gaps"], covered["unstaffed"]) == ([], False)
    seen = await roster.client.post("/api/v1/shifts/patterns/preview", json=pattern)
    assert seen.json()["clashes"] == 14
    again = await roster.client.post("/api/v1/shifts/patterns", json=pattern)
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "contact")
    listed = (await roster.read("shifts?limit=5"))["items"]
    following = await roster.read("shifts?limit=5")
    page = await roster.read(f"shifts?limit=5&cursor={following['next']}")
    assert [one["starts_at"] for one in listed] < [one["starts_at"] for one in page["items"]]
    await roster.changed("DELETE", listed[0]["id"], 1)
    await roster.changed("PUT", listed[1]["id"], 1, unit=unit, contact=crews[1], starts_at=at(12), ends_at=at(23))
    undone = await roster.client.post(f"/api/v1/shifts/patterns/{made.json()['pattern']}/undo", json=WHY)
    assert undone.json() == {"removed": 12, "kept": 1}
    assert [one["id"] for one in (await roster.read("shifts"))["items"]] == [listed[1]["id"]]


FAULTS: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({"ends_at": at(0)}, "ends_at"),
    ({"ends_at": at(60)}, "ends_at"),
    ({"starts_at": at(24 * 500), "ends_at": at(24 * 500 + 8)}, "starts_at"),
    ({"contact": "ct-0"}, "contact"),
    ({"role": "captain"}, "role"),
    ({"why": ""}, "why"),
    ({"starts_at": at(4), "ends_at": at(9)}, "contact"),
)


@pytest.mark.parametrize(("changes", "field"), FAULTS)
async def test_what_makes_no_sense_is_refused_by_its_member(roster: Roster, changes: Mapping[str, Any], field: str):
    unit, (one, _) = await roster.crew("Kíp A", "Kíp B")
    await roster.shift(unit, one, 3, 8)
    body = {"unit": unit, "contact": one, "starts_at": at(10), "ends_at": at(18), **WHY, **changes}
    answer = await roster.client.post("/api/v1/shifts", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field, answer.text


async def test_the_wall_hides_shifts_of_other_areas_and_guards_those_that_act_elsewhere_too(roster: Roster):
    world = roster.world
    unit, (one, _) = await roster.crew("Kíp A", "Kíp B")
    wide, (everywhere, _) = await roster.crew("Kíp A", "Kíp B", areas=[], name_vi="Tỉnh")
    foreign, far = await roster.shift(unit, one, -1, 7), await roster.shift(wide, everywhere, -1, 7)
    home, (own, _) = await roster.crew("Kíp A", "Kíp B", areas=[OTHER], name_vi="Xã")
    async with world.signed_in("walled-admin") as client:
        walled = Roster(world, client)
        assert [each["id"] for each in (await walled.read("shifts"))["items"]] == [far["id"]]
        assert (await client.get(f"/api/v1/shifts/{foreign['id']}")).status_code == 404
        assert [each["unit"]["id"] for each in (await walled.coverage())["items"]] == [wide]
        for shift, refused in ((foreign, 404), (far, 403)):
            answer = await walled.do("DELETE", f"shifts/{shift['id']}", WHY, 1)
            assert answer.status_code == refused, answer.text
        mine = await walled.shift(home, own, -1, 7)
        into = {**WHY, "other": foreign["id"], "other_version": 1}
        assert (await walled.do("POST", f"shifts/{mine['id']}/swap", into, 1)).status_code == 422
    assert (await roster.read(f"shifts/{foreign['id']}"))["version"] == 1


async def test_only_who_handles_alerts_reads_it_and_only_who_keeps_the_registry_changes_it(roster: Roster):
    unit, (one, _) = await roster.crew("Kíp A", "Kíp B")
    body = {"unit": unit, "contact": one, "starts_at": at(0), "ends_at": at(8), **WHY}
    for name, reads, writes in (("op", 200, 403), ("chief", 200, 201), ("view", 403, 403), ("mayor", 403, 403)):
        async with roster.world.signed_in(name) as client:
            assert (await client.get("/api/v1/shifts")).status_code == reads, name
            assert (await client.get("/api/v1/shifts/coverage")).status_code == reads, name
            assert (await client.post("/api/v1/shifts", json=body)).status_code == writes, name


async def test_a_stretch_is_bounded_and_lies_the_right_way_round(roster: Roster):
    day = datetime(2026, 11, 1, tzinfo=UTC)
    for start, end in ((day, day), (day, day + timedelta(days=101))):
        query = {"from": start.isoformat(), "to": end.isoformat()}
        answer = await roster.client.get("/api/v1/shifts", params=query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "to")
