"""The role `door`: MQTT in, the log out."""

from __future__ import annotations

import asyncio

from ioc.bootstrap.intake import open_intake
from ioc.bootstrap.parts import announced, open_parts, until_stopped
from ioc.ingest.mqtt_door import MQTTDoor
from ioc.ingest.mqtt_welcome import MQTTBounds
from ioc.settings import Settings


async def run_door(settings: Settings) -> None:
    """Take events over MQTT until stopped."""
    async with open_parts(settings, "door", connections_max=4) as parts, open_intake(parts) as intake:
        door = MQTTDoor(
            pipeline=intake.pipeline,
            registry=intake.registry,
            bounds=MQTTBounds(
                connections_max=settings.mqtt_connections_max,
                connect_seconds=settings.mqtt_connect_seconds,
                inflight_max=settings.mqtt_inflight_max,
                body_bytes_max=settings.body_bytes_max,
            ),
            log_clock=parts.log_clock,
            io_clock=parts.io_clock,
            metrics=parts.metrics,
        )
        port = await door.start(settings.mqtt_host, settings.mqtt_port)
        try:
            async with announced(parts, mqtt_port=port):
                await until_stopped(asyncio.Event().wait())
        finally:
            await door.stop(settings.stop_seconds / 2)
