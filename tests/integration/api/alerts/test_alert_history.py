"""An alert's history comes in pages from either end, counted; its evidence is that of its newest move."""

from __future__ import annotations

from typing import Any

from tests.integration.api.conftest import NOW, World

LINES = 2_400


async def flapping(world: World) -> None:
    """An alert that came and went 1,200 times, about which people said something each three hundred moves."""
    await world.alert("al_flaps", transitions=LINES)
    kinds = [
        "opened" if number == 1 else "comment" if number % 300 == 0 else ("reopened", "cleared")[number % 2 == 0]
        for number in range(1, LINES + 1)
    ]
    evidence = {"clause": "rain_24h_mm > 100.0", "values": {"rain_24h_mm": 101.0}, "position": 1, "readings": []}
    async with world.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO alert_history (alert, number, at, log_time, kind, actor, text, severity, position, evidence) "
            "SELECT 'al_flaps', number, $2::timestamptz + number * interval '1 second', $2::timestamptz, kind, "
            "  CASE WHEN kind = 'comment' THEN 'op' END, CASE WHEN kind = 'comment' THEN 'lần ' || number END, "
            "  CASE WHEN kind <> 'comment' THEN 'high' END, CASE WHEN kind <> 'comment' THEN number END, "
            "  CASE WHEN kind <> 'comment' THEN $3::jsonb || jsonb_build_object('position', number) END "
            "FROM unnest($1::text[]) WITH ORDINALITY AS t(kind, number)",
            kinds, NOW, evidence,
        )  # fmt: skip


async def pages(client: Any, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get("/api/v1/alerts/al_flaps/history", params={**asked, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found.append(page)
        if page["next"] is None:
            return found
        cursor = {"cursor": page["next"]}


async def test_every_line_comes_once_from_either_end_and_all_are_counted(world: World):
    await flapping(world)
    async with world.signed_in("op") as client:
        for sort, order in (("oldest", range(1, LINES + 1)), ("newest", range(LINES, 0, -1))):
            found = await pages(client, sort=sort, limit=500)
            assert [line["number"] for page in found for line in page["items"]] == list(order)
            assert {page["total"] for page in found} == {LINES}
            assert len(found) == 5
        first = (await client.get("/api/v1/alerts/al_flaps/history")).json()
    assert ([line["number"] for line in first["items"]], first["total"]) == (list(range(1, 101)), LINES)


async def test_what_people_said_is_found_among_all_that_the_condition_did(world: World):
    await flapping(world)
    async with world.signed_in("op") as client:
        [page] = await pages(client, sort="newest", kind="comment,acknowledge")
        assert [line["text"] for line in page["items"]] == [f"lần {number}" for number in range(2_400, 0, -300)]
        assert page["total"] == 8
        two = await pages(client, sort="newest", kind="comment", limit=4)
        assert [len(one["items"]) for one in two] == [4, 4]
        for asked in ({"kind": "gossip"}, {"sort": "sideways"}, {"limit": 501}, {"since": "1"}):
            answer = await client.get("/api/v1/alerts/al_flaps/history", params=asked)
            assert answer.status_code in (400, 422), asked
        other = {"cursor": two[0]["next"], "kind": "call", "sort": "newest"}
        answer = await client.get("/api/v1/alerts/al_flaps/history", params=other)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


async def test_evidence_is_that_of_the_newest_move_and_its_chart_has_the_newest_moves(world: World):
    await flapping(world)
    async with world.signed_in("op") as client:
        found = (await client.get("/api/v1/alerts/al_flaps/evidence")).json()
    assert found["position"] == 2_399, "what came last and holds, not the last of the first two thousand"
    assert len(found["transitions"]) == 500
    assert [move["kind"] for move in found["transitions"][-2:]] == ["cleared", "reopened"]
