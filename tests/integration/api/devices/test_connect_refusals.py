"""Who is not let in over MQTT stands where people look for a device that does not arrive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ioc.domain.messaging.connect_refusal import ConnectRefusal
from ioc.domain.messaging.presence import Arrival
from ioc.store.log.partitions import delete_old
from ioc.store.sessions import connect_refusals as store
from ioc.store.sessions.connect_refusals import ConnectRefusalStore
from ioc.store.sessions.sessions import MQTTSessionStore
from tests.integration.api.conftest import NOW, OTHER, World

LIST = "/api/v1/devices/connect-refusals"
WRONG = "bad_user_name_or_password"


def refusal(username: str, minute: int = 0, *, count: int = 1, reason: str = WRONG, address: str = "10.0.0.7") -> Any:
    at = NOW + timedelta(minutes=minute)
    return ConnectRefusal(
        username=username, address=address, reason=reason, count=count, first_at=at, last_at=at, detail=None
    )  # fmt: skip


@pytest.fixture
def record(world: World) -> Callable[..., Any]:
    """Write refusals as a door does."""

    async def written(*refusals: ConnectRefusal) -> None:
        await ConnectRefusalStore(world.database).record(refusals)

    return written


async def listed(client: Any, **query: Any) -> dict[str, Any]:
    answer = await client.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_they_are_told_newest_first_added_up_and_with_the_device_that_has_the_name(world: World, record):
    await world.device("rain-1")
    await record(refusal("rain-1", 1, count=3), refusal("stranger", 2), refusal("", 0, reason="not_authorized"))
    await record(refusal("rain-1", 5))
    async with world.signed_in("op") as client:
        page = await listed(client)
        first = page["items"][0]
        assert [(one["username"], one["device"], one["count"]) for one in page["items"]] == [
            ("rain-1", "rain-1", 4), ("stranger", None, 1), ("", None, 1),
        ]  # fmt: skip
        assert (first["first_at"], first["last_at"]) == ("2026-11-23T13:01:00.000Z", "2026-11-23T13:05:00.000Z")
        assert (first["device_name"] is not None, first["connected_since"]) == (True, None)
        one = await listed(client, limit=1)
        rest = await listed(client, limit=1, cursor=one["next"])
        assert [one["items"][0]["username"], rest["items"][0]["username"]] == ["rain-1", "stranger"]


async def test_one_that_came_in_after_all_says_since_when(world: World, record):
    await world.device("rain-1")
    await record(refusal("rain-1", 1))
    arrival = Arrival(device="rain-1", connection=1, clean_start=True, expiry_seconds=60)
    await MQTTSessionStore(world.database).attach([arrival], door="a", now=NOW + timedelta(minutes=2))
    async with world.signed_in("op") as client:
        assert (await listed(client))["items"][0]["connected_since"] == "2026-11-23T13:02:00.000Z"
        await record(refusal("rain-1", 3))
        assert (await listed(client))["items"][0]["connected_since"] is None, "it was refused again since"


async def test_strangers_and_devices_of_other_areas_are_behind_the_wall(world: World, record):
    await world.device("rain-1")
    await world.device("rain-2", area=OTHER)
    await record(refusal("rain-1"), refusal("rain-2"), refusal("stranger"))
    async with world.signed_in("walled-admin") as client:
        assert [one["username"] for one in (await listed(client))["items"]] == ["rain-2"]


async def test_those_longest_not_repeated_go_beyond_the_bound_and_all_after_a_month(world: World, record, monkeypatch):
    monkeypatch.setattr(store, "KEPT_MAX", 2)
    await record(*[refusal(f"name-{number}", number) for number in range(4)])
    async with world.signed_in("op") as client:
        assert [one["username"] for one in (await listed(client))["items"]] == ["name-3", "name-2"]
        before = NOW + timedelta(minutes=2, seconds=30)
        await delete_old(world.database, table="connect_refusal", column="last_at", before=before)
        assert [one["username"] for one in (await listed(client))["items"]] == ["name-3"]
