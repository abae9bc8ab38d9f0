"""Life on the screens: alerts open, rise and clear from devices' readings while people comment and rename.

Commenting and renaming go on at the same time over several connections, so that transactions which change something
people see overlap with each other and with the rule engine's.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx2

from mqtt_client.packets import Station
from proof.clients.mqtt_device import MQTTDevice
from proof.harness.instance import Instance, add_device
from proof.harness.nemesis import stop
from proof.harness.readings import reading
from proof.harness.recorder import Recorder

STATIONS = 5
READINGS_PER_SECOND = 4.0
PEOPLE = 4
WORK_PAUSE_SECONDS = (0.05, 0.25)


@contextlib.asynccontextmanager
async def screen_activity(instance: Instance, folder: Path, *, seed: int) -> AsyncIterator[None]:
    """Keep changes flowing inside the block."""
    recorder = Recorder(folder / "screen_activity.jsonl")
    async with instance.admin() as admin:
        names = [f"active-{number}" for number in range(STATIONS)]
        keys = {name: await add_device(admin, name) for name in names}
        stations = [
            MQTTDevice(
                Station(name, keys[name], instance.mqtt_port),
                make=partial(reading, period_readings=8),
                per_second=READINGS_PER_SECOND, recorder=recorder, seed=seed,
            )
            for name in names
        ]  # fmt: skip
        tasks = [asyncio.create_task(station.run()) for station in stations]
        tasks += [
            asyncio.create_task(_person(admin, names, random.Random(f"{seed}/person/{number}")))
            for number in range(PEOPLE)
        ]
        try:
            yield
        finally:
            for task in tasks:
                await stop(task)
            recorder.close()


async def _person(client: httpx2.AsyncClient, devices: list[str], dice: random.Random) -> None:
    """Comment on an alert or rename a device, again and again; a lost race or an outage is tried anew."""
    while True:
        with contextlib.suppress(httpx2.HTTPError, ValueError, KeyError):
            await (_comment(client, dice) if dice.random() < 0.5 else _rename(client, devices, dice))
        await asyncio.sleep(dice.uniform(*WORK_PAUSE_SECONDS))


async def _comment(client: httpx2.AsyncClient, dice: random.Random) -> None:
    alerts = (await client.get("/api/v1/alerts", params={"limit": 20})).json()["items"]
    if alerts:
        alert = dice.choice(alerts)
        seen = {"If-Match": f'"{alert["version"]}"'}
        await client.post(f"/api/v1/alerts/{alert['id']}/comment", json={"text": "đã xem"}, headers=seen)


async def _rename(client: httpx2.AsyncClient, devices: list[str], dice: random.Random) -> None:
    path = f"/api/v1/devices/{dice.choice(devices)}"
    seen = {"If-Match": (await client.get(path)).headers["ETag"]}
    await client.patch(path, json={"name": {"vi": f"Trạm {dice.randint(1, 999)}"}}, headers=seen)
