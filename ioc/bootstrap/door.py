"""The role `door`: MQTT in, the log out."""

from __future__ import annotations

import resource
from collections.abc import Coroutine

import structlog

from ioc.assembly.context import ProcessContext, announced, door_names, open_context, until_stopped
from ioc.bootstrap.intake import open_intake
from ioc.edge.tls import LiveContext, check_tls, mqtt_files
from ioc.errors import ServiceUnreachableError, SettingsError
from ioc.ingest.mqtt.connect import MQTTBounds
from ioc.ingest.mqtt.limits import MQTTLimits
from ioc.ingest.mqtt.listener import TLSContext
from ioc.ingest.mqtt.server import MQTTDoor
from ioc.ingest.mqtt.sessions.ports import MQTTStores
from ioc.settings import Settings
from ioc.store.postgres.wakeup import MQTT_CHANNEL, Wakeup
from ioc.store.sessions.connect_refusals import ConnectRefusalStore
from ioc.store.sessions.doors import MQTTDoorStore
from ioc.store.sessions.outbound import OutboundStore
from ioc.store.sessions.sessions import MQTTSessionStore
from ioc.store.sessions.wills import MQTTWillStore

OWN_FILES = 256
"""The database, the metrics socket, logs, and sockets that are turned away."""


def mqtt_limits(settings: Settings) -> MQTTLimits:
    """Return what one connection, one address and one device may take."""
    return MQTTLimits(
        messages_per_second=settings.mqtt_messages_per_second,
        bytes_per_second=settings.mqtt_bytes_per_second,
        inflight_bytes_max=settings.mqtt_inflight_bytes_max,
        packet_seconds=settings.mqtt_packet_seconds,
        unread_seconds=settings.mqtt_unread_seconds,
        address_connections_max=settings.mqtt_address_connections_max,
        address_connects_per_second=settings.mqtt_address_connects_per_second,
        address_half_open_max=settings.mqtt_address_half_open_max,
        device_connects_per_minute=settings.mqtt_device_connects_per_minute,
    )


def raise_open_files(connections_max: int) -> int:
    """Let this process have a file for each connection and some for itself; return how many connections fit.

    The default adapts itself to a smaller system and says so; a number that somebody asked for must be had.

    Raises:
        SettingsError: the system allows fewer.
    """
    wanted = connections_max + OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return connections_max
    if hard == resource.RLIM_INFINITY or hard >= wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return connections_max
    advice = (
        f"{connections_max} MQTT connections need {wanted} open files and the system allows {hard}: raise it"
        f" (ulimit -Hn, LimitNOFILE= of systemd, docker run --ulimit nofile={wanted}) or lower IOC_MQTT_CONNECTIONS_MAX"
    )
    if connections_max != Settings.model_fields["mqtt_connections_max"].default or hard <= OWN_FILES:
        raise SettingsError(advice)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    structlog.get_logger().warning("fewer_mqtt_connections", connections_max=hard - OWN_FILES, advice=advice)
    return hard - OWN_FILES


def mqtt_stores(context: ProcessContext) -> MQTTStores:
    """Return the door's ports to sessions, outbound messages, wills and doors."""
    database = context.database
    sessions = MQTTSessionStore(database)
    return MQTTStores(
        sessions=sessions,
        held=sessions,
        outbound=OutboundStore(database, waiting_max=context.settings.outbound_waiting_max),
        wills=MQTTWillStore(database),
        doors=MQTTDoorStore(database),
        refusals=ConnectRefusalStore(database),
    )


async def listen(door: MQTTDoor, settings: Settings) -> tuple[dict[str, int], list[Coroutine[None, None, None]]]:
    """Open every listening address; return the ports as facts, and what must go on running with them.

    Raises:
        ServiceUnreachableError: an address cannot be bound. SettingsError: the TLS files cannot be used.
    """
    shared = settings.mqtt_doors > 1
    facts = {"mqtt_port": await _start(door, settings.mqtt_host, settings.mqtt_port, shared=shared)}
    files = mqtt_files(settings)
    if files is None or settings.mqtt_tls_port is None:
        return facts, []
    live = LiveContext(files, on_revoked=door.revoke)
    door.revoke(live.revoked)
    facts["mqtt_tls_port"] = await _start(
        door, settings.mqtt_tls_host, settings.mqtt_tls_port, tls=lambda: live.context, shared=shared
    )
    return facts, [live.follow()]


async def _start(door: MQTTDoor, host: str, port: int, *, shared: bool, tls: TLSContext | None = None) -> int:
    try:
        return await door.start(host, port, tls=tls, shared=shared)
    except OSError as error:
        raise ServiceUnreachableError(
            f"port {port} on {host} cannot be used ({error.strerror}): choose another port for MQTT"
        ) from error


async def run_door(settings: Settings) -> None:
    """Take events over MQTT until stopped.

    Raises:
        SettingsError: the system allows fewer open files than connections, plain MQTT would be open to the network,
            or the TLS files cannot be used.
    """
    check_tls(settings)
    connections_max = raise_open_files(settings.mqtt_connections_max)
    async with (
        open_context(settings, door_names(settings.mqtt_door_number)[-1], connections_max=5) as context,
        open_intake(context) as intake,
        Wakeup(context.database, MQTT_CHANNEL) as waiter,
    ):
        door = MQTTDoor(
            pipeline=intake.pipeline,
            registry=intake.registry,
            bounds=MQTTBounds(
                connections_max=connections_max,
                connect_seconds=settings.mqtt_connect_seconds,
                inflight_max=settings.mqtt_inflight_max,
                body_bytes_max=settings.body_bytes_max,
                session_seconds_max=settings.mqtt_session_hours_max * 3_600,
                limits=mqtt_limits(settings),
            ),
            stores=mqtt_stores(context),
            waiter=waiter,
            log_clock=context.log_clock,
            wall=context.wall,
            io_clock=context.io_clock,
            metrics=context.metrics,
            beat=context.liveness.loop(),
        )
        try:
            facts, work = await listen(door, settings)
            async with announced(context, **facts):
                await until_stopped(door.broken(), intake.broken(), *work)
        finally:
            await door.stop(settings.stop_seconds / 2)
