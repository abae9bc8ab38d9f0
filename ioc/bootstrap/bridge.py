"""The role `bridge`: a site's own MQTT broker in, the log out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from pathlib import Path

from ioc.assembly.context import ProcessContext, announced, open_context, ready_file, until_stopped
from ioc.bootstrap.intake import open_intake
from ioc.errors import SettingsError
from ioc.ingest.bridge.inbox import Inbox
from ioc.ingest.bridge.link import BrokerLink, LinkState
from ioc.ingest.bridge.plan import CLIENT_ID, BridgePlan, parse_address, subscriptions
from ioc.ingest.bridge.uplink import BridgeUplink
from ioc.runtime.supervisor import write_ready
from ioc.settings import Settings

PACKET_BODIES = 4
"""A body up to so many times the bound is still let in, to be kept as a dead letter; the broker drops longer ones."""
INBOX_INFLIGHTS = 2
"""Beside what the broker's window allows there may be messages at QoS 0."""


async def run_bridge(settings: Settings) -> None:
    """Take what the broker has for us until stopped."""
    async with open_context(settings, "bridge", connections_max=4) as context, open_intake(context) as intake:
        memory = BridgeMemory(settings.data_dir / "bridge.json")
        plan = bridge_plan(context, memory)
        inbox = Inbox(messages_max=INBOX_INFLIGHTS * plan.inflight_max, bytes_max=settings.queue_bytes_max)
        told = _BridgeStatus(settings, plan, memory)
        link = BrokerLink(
            plan=plan, inbox=inbox, io_clock=context.io_clock, metrics=context.metrics, on_change=told.changed
        )
        uplink = BridgeUplink(
            inbox=inbox,
            link=link,
            intake=intake.pipeline,
            log_clock=context.log_clock,
            metrics=context.metrics,
            body_bytes_max=settings.body_bytes_max,
            inflight_max=plan.inflight_max,
            receipts=settings.mqtt_bridge_receipts,
            beat=context.liveness.loop(),
        )
        try:
            async with announced(context, **told.facts(LinkState(connected=False))):
                link.start()
                await until_stopped(uplink.run(), intake.broken())
        finally:
            await uplink.stop(settings.stop_seconds / 2)
            await asyncio.to_thread(link.stop)


def bridge_plan(context: ProcessContext, memory: BridgeMemory) -> BridgePlan:
    """Return what the settings ask for.

    Raises:
        SettingsError: a setting of the bridge is wrong; the message names it and never holds a password.
    """
    settings = context.settings
    if settings.mqtt_bridge_url is None:
        if context.mark is not None:
            raise SettingsError("a drill opens no real broker: IOC_MQTT_BRIDGE_DRILL declares one that is a drill's")
        raise SettingsError("IOC_MQTT_BRIDGE_URL: name the site's broker, mqtt://user@host")
    address = parse_address(settings.mqtt_bridge_url, password_file=settings.mqtt_bridge_password_file)
    client_id = settings.mqtt_bridge_client_id or memory.client_id
    if not CLIENT_ID.fullmatch(client_id):
        raise SettingsError("IOC_MQTT_BRIDGE_CLIENT_ID: 1 to 64 of letters, digits, dot, dash and underscore")
    level = 5 if settings.mqtt_bridge_protocol == "5" else 4
    return BridgePlan(
        address=address,
        client_id=client_id,
        filters=subscriptions(
            settings.mqtt_bridge_topics, feeds=context.pack.feeds, share=settings.mqtt_bridge_share, level=level
        ),
        level=level,
        shared=settings.mqtt_bridge_share is not None,
        inflight_max=settings.mqtt_bridge_inflight_max,
        packet_bytes_max=PACKET_BODIES * settings.body_bytes_max,
        session_seconds=settings.mqtt_bridge_session_hours * 3_600,
        keepalive_seconds=settings.mqtt_bridge_keepalive_seconds,
        session_known=memory.knows(address.display_text, client_id),
        ca_file=settings.mqtt_bridge_ca_file,
        cert_file=settings.mqtt_bridge_cert_file,
        key_file=settings.mqtt_bridge_key_file,
    )


class BridgeMemory:
    """What a bridge keeps in the data folder: its client id, and at which broker it has had a session."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._kept = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            self._kept = {}
        if not isinstance(self._kept.get("client_id"), str):
            self._kept["client_id"] = f"ioc-bridge-{secrets.token_hex(4)}"
            self._write()

    @property
    def client_id(self) -> str:
        """The id made for this bridge at its first start."""
        return str(self._kept["client_id"])

    def knows(self, broker: str, client_id: str) -> bool:
        """Tell whether this client has subscribed at this broker before."""
        return bool(self._kept.get("session") == [broker, client_id])

    def subscribed(self, broker: str, client_id: str) -> None:
        """Remember that it has."""
        if not self.knows(broker, client_id):
            self._kept["session"] = [broker, client_id]
            self._write()

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(self._kept), encoding="utf-8")
        draft.replace(self._path)


class _BridgeStatus:
    """Says in the ready file how the link stands: `/api/v1/status` shows it."""

    def __init__(self, settings: Settings, plan: BridgePlan, memory: BridgeMemory) -> None:
        self._settings = settings
        self._plan = plan
        self._memory = memory
        self._loop = asyncio.get_running_loop()

    def facts(self, state: LinkState) -> dict[str, object]:
        """Return what is told."""
        return {"broker": self._plan.address.display_text, "connected": state.connected, "why": state.why}

    def changed(self, state: LinkState) -> None:
        """Tell a change, from the link's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(self._tell, state)

    def _tell(self, state: LinkState) -> None:
        if state.connected:
            self._memory.subscribed(self._plan.address.display_text, self._plan.client_id)
        path = ready_file(self._settings, "bridge")
        if path.exists():
            write_ready(path, **self.facts(state))
