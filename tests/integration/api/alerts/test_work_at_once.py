"""Sixteen people at once on twenty alerts: every alert goes a way of the table, and every loser is told.

The control takes the version out of the game: each is done upon whatever stands there, so somebody acts on what they
have not seen, and the same checks must find it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from ioc.api.routes.alerts import work as routes
from ioc.store.alerts.work import do_work
from ioc.store.alerts.work_recorded import verify_work
from ioc.work.transitions import WORK_TRANSITIONS, Need, WorkAction, WorkState
from tests.integration.api.conftest import NOW, World

PEOPLE, ALERTS, TURNS = 16, 20, 12
ACTIONS = [action for action in WorkAction if action is not WorkAction.CALL]


@dataclass(slots=True)
class Found:
    """What the sixteen were answered: successes (alert, version seen, version after), and losers told and untold."""

    done: list[tuple[str, int, int]] = field(default_factory=list)
    lost: int = 0
    untold: int = 0
    refused: int = 0


def body_of(action: WorkAction) -> dict[str, Any]:
    needs = WORK_TRANSITIONS[action].needs
    return {
        **({"text": "việc chung"} if Need.TEXT in needs else {}),
        **({"assignee": "op2"} if Need.ASSIGNEE in needs else {}),
        **({"until": (NOW + timedelta(hours=2)).isoformat()} if Need.UNTIL in needs else {}),
    }


async def person(client: httpx2.AsyncClient, seed: int, found: Found) -> None:
    """Look at the list, act on what it showed, look again: others act meanwhile."""
    draw = random.Random(seed)
    for _ in range(TURNS):
        items = (await client.get("/api/v1/alerts?limit=100")).json()["items"]
        for alert in draw.sample(items, 4):
            action = draw.choice(ACTIONS)
            answer = await client.post(
                f"/api/v1/alerts/{alert['id']}/{action}", json=body_of(action),
                headers={"If-Match": f'"{alert["version"]}"'},
            )  # fmt: skip
            if answer.status_code == 200:
                found.done.append((alert["id"], alert["version"], answer.json()["version"]))
            elif answer.status_code == 412:
                found.lost += 1
                current = answer.json().get("current") or {}
                found.untold += not (current.get("id") == alert["id"] and current["version"] > alert["version"])
            else:
                assert answer.status_code in (403, 409), answer.text
                found.refused += 1


async def illegal_paths(world: World) -> int:
    """Return how many lines of people no way of the table explains."""
    async with world.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT alert, kind FROM alert_history WHERE actor IS NOT NULL ORDER BY alert, number"
        )
    states: dict[str, WorkState] = {}
    wrong = 0
    for row in rows:
        transition = WORK_TRANSITIONS[WorkAction(row["kind"])]
        before = states.get(row["alert"], WorkState.NEW)
        wrong += before not in transition.sources
        states[row["alert"]] = transition.target or before
    return wrong


async def crowd(world: World) -> Found:
    for number in range(ALERTS):
        condition = "cleared" if number % 2 else "firing"
        await world.alert(f"al_{number:02}", number=f"C-{number}", key=f"rain-{number}", condition=condition)
    found = Found()
    async with AsyncExitStack() as stack:
        names = [("op", "op2", "chief")[number % 3] for number in range(PEOPLE)]
        clients = [await stack.enter_async_context(world.signed_in(name)) for name in names]
        await asyncio.gather(*(person(client, seed, found) for seed, client in enumerate(clients)))
    return found


async def unseen(world: World, found: Found) -> int:
    """Return how often somebody acted on what they had not seen, and how often a version was given out twice."""
    async with world.database.connection() as connection:
        lines = await connection.fetchval("SELECT count(*) FROM alert_history WHERE actor IS NOT NULL")
    assert lines == len(found.done), "each success has its line"
    blind = sum(after != seen + 1 for _, seen, after in found.done)
    return blind + len(found.done) - len({(alert, after) for alert, _, after in found.done})


async def test_sixteen_at_once_on_twenty_alerts_go_ways_of_the_table_and_every_loser_is_told(world: World):
    found = await crowd(world)
    assert len(found.done) > ALERTS
    assert found.lost > PEOPLE, "they did meet"
    assert (found.untold, await unseen(world, found), await illegal_paths(world)) == (0, 0, 0)
    assert (await verify_work(world.database)).differences == []


async def test_without_the_version_somebody_acts_on_what_they_have_not_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def upon_whatever_stands_there(database: Any, work: Any, **others: Any) -> str:
        async with database.connection() as connection:
            row: Mapping[str, Any] = await connection.fetchrow(
                "SELECT a.transitions + coalesce(w.version, 1) AS version FROM alert a "
                "LEFT JOIN alert_work w ON w.alert = a.id WHERE a.id = $1", work.alert,
            )  # fmt: skip
        return await do_work(database, replace(work, version=row["version"]), **others)

    monkeypatch.setattr(routes, "do_work", upon_whatever_stands_there)
    found = await crowd(world)
    assert await unseen(world, found) > 0
