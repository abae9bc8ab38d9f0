"""Many short connections at once: whoever stays is served meanwhile, in turn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ioc.ingest.mqtt.codec.packets import Disconnect, Suback, Subscribe, Subscription
from ioc.ingest.mqtt.sessions.ports import MQTTStores
from tests.integration.ingest.mqtt_house import HeldSink, House, device, house_of
from tests.mqtt_memory import MemoryMQTT

LOGGERS = 30
STANDSTILL_SECONDS = 0.2


@dataclass
class SlowMemory(MemoryMQTT):
    """A database that answers nothing while ``gate`` is shut, and remembers in which order it was asked."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[str] = field(default_factory=list)

    async def attach(self, arrivals, *, door, now):
        await self._ask("move")
        return await super().attach(arrivals, door=door, now=now)

    async def detach(self, departures, *, door, now):
        await self._ask("move")
        await super().detach(departures, door=door, now=now)

    async def grant(self, grants):
        await self._ask("grant")
        await super().grant(grants)

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await self.gate.wait()


async def come_and_go(house: House, name: str, key: str) -> None:
    peer = await house.device(key=key, name=name)
    peer.send(Disconnect())
    assert await peer.hung_up()


async def test_loggers_that_come_and_go_keep_nobody_waiting_for_more_than_a_round():
    memory = SlowMemory()
    memory.gate.set()
    async with house_of(HeldSink(), stores=MQTTStores(memory, memory, memory, memory, memory, memory)) as house:
        keys = {f"log-{n}": house.store.change(devices=[device(f"log-{n}")], device=f"log-{n}") for n in range(LOGGERS)}
        await house.registry.refresh()
        lasting = await house.device()
        await asyncio.sleep(STANDSTILL_SECONDS)
        memory.gate.clear()
        for name, key in keys.items():
            await come_and_go(house, name, key)
            await come_and_go(house, name, key)
        lasting.send(Subscribe(packet_id=9, subscriptions=(Subscription(topic_filter="#", qos=1),)))
        await asyncio.sleep(STANDSTILL_SECONDS)
        memory.asked.clear()  # one step is under way
        memory.gate.set()
        assert isinstance(await lasting.next(), Suback)
        assert memory.asked.index("grant") <= 2, "the subscription is stored in the same round, not after all moves"
        async with asyncio.timeout(5):
            while house.door.session_worker._moves:
                await asyncio.sleep(0.01)
        assert memory.asked.count("move") <= 8, "each batch has a move of everybody, though all come and go twice"
        assert {one.door for name, one in memory.sessions.items() if name in keys} == {None}
        waited = house.metric("ioc_mqtt_session_wait_seconds_count", step="move")
        assert waited == 1 + 4 * LOGGERS
