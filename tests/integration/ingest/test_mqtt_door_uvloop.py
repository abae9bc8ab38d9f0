"""The door does the same on uvloop, on which it runs in earnest, as on asyncio's own loop."""

from __future__ import annotations

import asyncio

import uvloop

from ioc.ingest.mqtt.codec.packets import Auth, Disconnect, Puback
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.connect import MQTTBounds
from tests.integration.ingest.mqtt_house import HeldSink, house_of, publish


def test_pauses_takes_over_refuses_and_stops_on_uvloop():
    async def scenario() -> None:
        sink, total = HeldSink(held=True), 3_000
        bounds = MQTTBounds(inflight_max=100, sweep_seconds=0.05, linger_seconds=0.3)
        async with house_of(sink, bounds=bounds, queue_rows_max=150) as house:
            first = await house.device(5)
            other = await house.device(5, key=house.store.change(device="rain-2"), name="rain-2")
            first.send(*[publish(number) for number in range(1, total + 1)])
            other.send(*[publish(number, topic="ioc/v1/rainfall/rain-2") for number in range(1, 201)])
            assert await first.silent(0.3)
            assert house.pipeline._rows == 150
            sink.open.set()
            assert await first.take(total) == [Puback(number) for number in range(1, total + 1)]
            assert await other.take(200) == [Puback(number) for number in range(1, 201)]
            second = await house.device(5)
            assert await first.next() == Disconnect(ReasonCode.SESSION_TAKEN_OVER)
            assert await first.hung_up()
            assert await other.ask(Auth()) == Disconnect(ReasonCode.PROTOCOL_ERROR)
            assert await other.hung_up()
            assert await (await house.peer()).hung_up(0.3) is False
            await house.door.stop(1)
            assert await second.next() == Disconnect(ReasonCode.SERVER_SHUTTING_DOWN)
            assert await second.hung_up()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scenario())
