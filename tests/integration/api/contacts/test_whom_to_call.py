"""Whom to call about an alert, over the API: in hours of the working calendar, with why, and what came of each call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pytest

from ioc.domain.feed import Label
from ioc.packs.pack import EmergencyNumber, Holiday
from ioc.store.alerts.work_recorded import verify_work
from tests.integration.api.conftest import OTHER, OWN, World, make_pack, open_world
from tests.integration.api.contacts.test_directory import DESK, WARD, Directory

OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "hours": ["07:30-17:00"], "holidays": "exclude"}
MONDAY_20H = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
WEDNESDAY_10H = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
HOLIDAY_10H = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


HOLIDAY = Holiday(date(2026, 11, 24), Label("Nghỉ", "Off"), "Thử", verified=False)
NUMBER = EmergencyNumber("114", Label("Chữa cháy", "Fire"), "Thử", verified=False)


@pytest.fixture
async def world(database_dsn: str) -> AsyncIterator[World]:
    """A city with a day off and a number that everybody may call."""
    pack = replace(make_pack(), holidays=(HOLIDAY,), emergency_numbers=(NUMBER,))
    async with open_world(database_dsn, pack=pack) as opened:
        yield opened


async def whom(client: httpx2.AsyncClient, alert: str = "al_one") -> dict[str, Any]:
    answer = await client.get(f"/api/v1/alerts/{alert}/contacts")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def call(client: httpx2.AsyncClient, version: int, **body: Any) -> httpx2.Response:
    return await client.post("/api/v1/alerts/al_one/call", json=body, headers={"If-Match": f'"{version}"'})


async def directory_of(client: httpx2.AsyncClient, world: World) -> dict[str, str]:
    """A ward's duty desk, the province's office in its hours with a next level, and a unit of another domain."""
    directory = Directory(world, client)
    top = await directory.unit(name_vi="Văn phòng tỉnh", areas=[])
    ward = await directory.unit()
    office = await directory.unit(
        name_vi="Sở", areas=[], domains=["disaster"], hours=OFFICE, next_level=top["id"], rank=1
    )
    await directory.unit(name_vi="Sở Y tế", areas=[], domains=["health"])
    return {
        "ward": (await directory.contact(ward["id"], person="Bùi Văn Mẫu"))["id"],
        "office": (await directory.contact(office["id"], title_vi="Phòng"))["id"],
        "top": (await directory.contact(top["id"], title_vi="Trực lãnh đạo"))["id"],
    }


@pytest.mark.parametrize(
    ("at", "second"),
    [
        (WEDNESDAY_10H, ("office", "in_hours")),
        (MONDAY_20H, ("top", "next_level")),
        (HOLIDAY_10H, ("top", "next_level")),
    ],
)
async def test_the_ward_is_called_first_and_the_office_only_in_its_hours(
    world: World, at: datetime, second: tuple[str, str]
):
    world.clock.step_to(at)
    await world.alert()
    async with world.signed_in("root") as client:
        made = await directory_of(client, world)
        told = await whom(client)
    first, other = told["items"][:2]
    assert (first["contact"], first["reason"], first["place_name"]["vi"]) == (
        made["ward"], "in_hours", "Phường Hòa Bình",
    )  # fmt: skip
    assert (first["person"], first["methods"]) == ("Bùi Văn Mẫu", [{"kind": "tel", "value": "0218 000 0001"}])
    assert (other["contact"], other["reason"]) == (made[second[0]], second[1])
    assert (other["next_level_of"] or {}).get("name") == (
        {"vi": "Sở", "en": "Sở"} if second[1] == "next_level" else None
    )
    assert told["gap"] is None


async def test_a_call_is_noted_with_unit_and_outcome_and_the_next_one_is_offered(world: World):
    await world.alert()
    async with world.signed_in("root") as client:
        made = await directory_of(client, world)
    async with world.signed_in("op") as client:
        client.headers["Accept-Language"] = "vi"
        tried = await call(client, 2, contact=made["ward"], outcome="no_answer")
        assert tried.status_code == 200, tried.text
        assert tried.json()["called_by"] == "op"
        told = await whom(client)
        assert [(one["contact"], one["outcome"], one["called_by"]) for one in told["items"][:2]] == [
            (made["ward"], "no_answer", "op"), (made["top"], None, None),
        ]  # fmt: skip
        reached = await call(client, 3, contact=made["ward"], outcome="reached", text="Đang cử người ra bờ sông")
        assert reached.status_code == 200
        assert (await whom(client))["items"][0]["outcome"] == "reached", "the newest call counts"
        steps = (await client.get("/api/v1/alerts/al_one/history")).json()["items"]
    assert [(step["kind"], step["text"]) for step in steps] == [
        ("call", "UBND phường Hòa Bình – Trực ban: không trả lời"),
        ("call", "UBND phường Hòa Bình – Trực ban: đã gặp. Đang cử người ra bờ sông"),
    ]
    assert [step["call"]["outcome"] for step in steps] == ["no_answer", "reached"]
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT detail FROM audit WHERE action = 'alert.call' ORDER BY id")
    assert [row["detail"]["call"]["contact"] for row in rows] == [made["ward"], made["ward"]]
    assert "Mẫu" not in str(rows)
    assert "0218" not in str(rows)
    assert (await verify_work(world.database)).differences == []


async def test_a_call_in_words_alone_stays_as_it_was_and_half_a_call_is_refused(world: World):
    await world.alert()
    async with world.signed_in("root") as client:
        made = await directory_of(client, world)
        plain = await call(client, 2, text="Ông Nam nghe máy")
        assert plain.status_code == 200
        for body, field in (
            ({"contact": made["ward"]}, "outcome"), ({"outcome": "busy"}, "contact"),
            ({"contact": "ct-0", "outcome": "busy"}, "contact"), ({"contact": made["ward"], "outcome": "x"}, "outcome"),
        ):  # fmt: skip
            refused = await call(client, 3, **body)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
        (step,) = (await client.get("/api/v1/alerts/al_one/history")).json()["items"]
    assert (step["text"], step["call"]) == ("Ông Nam nghe máy", None)


async def test_an_empty_directory_says_so_and_shows_the_numbers_that_everybody_may_call(world: World):
    await world.alert()
    async with world.signed_in("root") as client:
        told = await whom(client)
        assert (told["items"], told["gap"], told["without_number_count"]) == ([], "no_unit", 0)
        assert [one["number"] for one in told["emergency_numbers"]] == ["114"]
        directory = Directory(world, client)
        await directory.unit()
        told = await whom(client)
        assert (told["gap"], [one["name"]["vi"] for one in told["without_number"]]) == (
            "no_number", ["UBND phường Hòa Bình"],
        )  # fmt: skip


async def test_nobody_hears_whom_to_call_about_a_foreign_alert_nor_without_handling_alerts(world: World):
    await world.alert(area=OWN)
    await world.alert("al_other", area=OTHER)
    async with world.signed_in("root") as client:
        directory = Directory(world, client)
        unit = (await client.post("/api/v1/units", json={**WARD, "areas": [OTHER]})).json()
        await directory.contact(unit["id"], **DESK)
    async with world.signed_in("walled") as client:
        assert (await client.get("/api/v1/alerts/al_one/contacts")).status_code == 404
        assert [one["unit"]["id"] for one in (await whom(client, "al_other"))["items"]] == [unit["id"]]
    for person in ("view", "mayor", "auditor"):
        async with world.signed_in(person) as client:
            assert (await client.get("/api/v1/alerts/al_one/contacts")).status_code == 403
    async with world.client(key="display") as client:
        assert (await client.get("/api/v1/alerts/al_one/contacts")).status_code == 403
