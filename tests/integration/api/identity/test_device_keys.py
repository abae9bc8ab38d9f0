"""Keys of devices: at most two live, a new one is made beside the old, which ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.integration.api.conftest import World


async def test_a_key_is_rotated_and_the_old_one_ends_by_itself(world: World):
    await world.device("rain-8")
    path = "/api/v1/devices/rain-8/keys"
    async with world.signed_in("chief") as client:
        none = await client.post(f"{path}/rotate", json={})
        assert (none.status_code, none.json()["detail"]) == (
            409, "the device has no live key to take over from: issue one",
        )  # fmt: skip
        first = (await client.post(path, json={})).json()["id"]
        assert (await client.post(f"{path}/rotate", json={"old_hours": -1})).status_code == 422
        made = (await client.post(f"{path}/rotate", json={"old_hours": 48})).json()
        assert (made["old"], made["key"][:11]) == (first, "ioc_device_")
        ends = {key["id"]: key["expires_at"] for key in (await client.get(path)).json()["items"]}
        assert ends == {first: made["old_until"], made["id"]: None}
        span = datetime.fromisoformat(made["old_until"]) - world.state.context.wall.now()
        assert timedelta(hours=47) < span < timedelta(hours=49)
        assert (await client.post(f"{path}/rotate", json={})).status_code == 409, "two live keys are enough"
    async with world.signed_in("walled-admin") as client:
        assert (await client.post(f"{path}/rotate", json={})).status_code == 404
    async with world.signed_in("op") as client:
        assert (await client.post(f"{path}/rotate", json={})).status_code == 403
