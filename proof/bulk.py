"""Many readings at once, as a site sends them that was cut off: MQTT 3.1.1, QoS 1 or 2, a window, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from proof.mqtt_device import CONNACK, PUBACK, Station, connect, packet, read_packet, text
from proof.readings import FEED, Reading
from proof.recorder import Recorder

WINDOW = 500
ANSWER_SECONDS = 30.0
PUBREC, PUBCOMP = 5, 7


async def publish_all(station: Station, readings: Sequence[Reading], recorder: Recorder, *, qos: int = 1) -> None:
    """Publish all of them and return when the broker has acknowledged each.

    Raises:
        ConnectionRefusedError: the broker refuses the station.
    """
    reader, writer = await asyncio.open_connection(station.host, station.port)
    try:
        writer.write(connect(station))
        kind, body = await asyncio.wait_for(read_packet(reader), ANSWER_SECONDS)
        if kind != CONNACK or body[1]:
            raise ConnectionRefusedError(f"CONNACK {body!r}")
        waiting: dict[int, Reading] = {}
        topic = text(f"ioc/v1/{FEED}/{station.device}")
        for number, made in enumerate(readings):
            while len(waiting) >= WINDOW:
                await _answer(reader, writer, waiting, station, recorder)
            packet_id = number % 65_535 + 1
            waiting[packet_id] = made
            recorder.note("invoke", station.device, made.id, values=made.values)
            writer.write(packet(0x30 | qos << 1, topic + packet_id.to_bytes(2, "big") + made.payload))
        while waiting:
            await _answer(reader, writer, waiting, station, recorder)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: dict[int, Reading], station: Station,
    recorder: Recorder,
) -> None:  # fmt: skip
    kind, body = await asyncio.wait_for(read_packet(reader), ANSWER_SECONDS)
    if kind == PUBREC:
        writer.write(b"\x62\x02" + body[:2])
    elif kind in {PUBACK, PUBCOMP}:
        made = waiting.pop(int.from_bytes(body[:2], "big"), None)
        if made is not None:
            recorder.note("ok", station.device, made.id)
