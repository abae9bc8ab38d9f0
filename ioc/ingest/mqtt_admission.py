"""Whether a client whose key is proved comes in, and what it is then given: its session and its answers."""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol

from ioc.ingest.mqtt.encode import encode
from ioc.ingest.mqtt.packets import Connect
from ioc.ingest.mqtt.reasons import ReasonCode
from ioc.ingest.mqtt_answers import Answers
from ioc.ingest.mqtt_client_session import ClientSession, Entrance
from ioc.ingest.mqtt_ports import Connection, Door
from ioc.ingest.mqtt_welcome import client_of, welcome
from ioc.ingest.mqtt_will import will_of

CLIENT_ID_BYTES = 8


class Applicant(Connection, Entrance, Protocol):
    """A connection that wants to come in."""


def admit(
    connect: Connect, *, device: str, door: Door, connection: Applicant, transport: asyncio.Transport
) -> Answers | ReasonCode:
    """Return the writing side of an admitted client, its session not yet begun, or why it is sent away.

    ``device`` is the identity that its key or certificate has proved.
    """
    bounds, client = door.bounds, client_of(connect, door.bounds, device=device)
    answers = Answers(door=door, connection=connection, transport=transport, client=client)
    session = ClientSession(client=client, bounds=bounds, desk=door.desk, outlet=answers, entrance=connection)
    will = will_of(
        connect, session.connection, door.registry, device=device, body_bytes_max=bounds.body_bytes_max,
        delay_seconds_max=bounds.session_seconds_max,
    )  # fmt: skip
    if isinstance(will, ReasonCode):
        return will
    assigned = f"{client.device}-{secrets.token_hex(CLIENT_ID_BYTES)}"
    for resumed in (False, True):
        told = welcome(connect, bounds, assigned_client_id=assigned, resumed=resumed)
        answers.welcomes[resumed] = encode(told, client.level)
    if len(answers.welcomes[False]) > client.packet_bytes_max:
        return ReasonCode.PACKET_TOO_LARGE  # it takes no packet as long as our bounds: it cannot be served
    if not door.may_connect(client.device):
        return ReasonCode.CONNECTION_RATE_EXCEEDED
    if door.desk.is_full:
        return ReasonCode.SERVER_BUSY
    session.will, answers.session = will, session
    return answers
