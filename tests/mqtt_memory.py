"""Sessions, wills, doors and outbound messages in memory: what the MQTT door needs of the store, without PostgreSQL.

It passes the same contract as the store (tests/contract/test_mqtt_sessions.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ioc.domain.messaging.connect_refusal import ConnectRefusal
from ioc.domain.messaging.outbound import (
    Closing,
    OutboundKind,
    OutboundMessage,
    OutboundOutcome,
    PendingMessage,
    granted_qos,
)
from ioc.domain.messaging.presence import (
    Arrival,
    AttachedSession,
    Departure,
    Grant,
    HeldSessions,
    LastWill,
    PresenceReason,
)
from ioc.errors import StoreUnavailableError


@dataclass
class Session:
    connection: int = 0
    door: str | None = None
    reason: PresenceReason = PresenceReason.LOST
    present: bool = False
    expiry_seconds: int = 0
    expires_at: datetime | None = None
    filters: Mapping[str, int] = field(default_factory=dict)
    number: int = 0
    sent_to: int | None = None

    def stands(self, now: datetime) -> bool:
        return self.present and (self.expires_at is None or self.expires_at > now)


@dataclass
class MemoryMQTT:
    """All the stores in one."""

    waiting_max: int = 1_000
    sessions: dict[str, Session] = field(default_factory=dict)
    rows: dict[str, dict[int, tuple[OutboundKind, PendingMessage]]] = field(default_factory=dict)
    closed: dict[tuple[str, int], OutboundOutcome] = field(default_factory=dict)
    wills: dict[tuple[str, int], tuple[LastWill, datetime | None]] = field(default_factory=dict)
    doors: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    """Devices whose presence changed, in order."""
    audited: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[ConnectRefusal] = field(default_factory=list)
    """Refused CONNECTs as they were written."""
    available: bool = True

    def _check(self) -> None:
        if not self.available:
            raise StoreUnavailableError("the database does not answer")

    # -- sessions

    async def attach(self, arrivals: Sequence[Arrival], *, door: str, now: datetime) -> list[AttachedSession]:
        self._check()
        answers = []
        for item in arrivals:
            one = self.sessions.setdefault(item.device, Session())
            lasts = one.door is None or bool(one.expiry_seconds)
            resumed = one.stands(now) and lasts and not item.clean_start
            again = one.connection == item.connection
            if not again and not resumed:
                self._end(item.device)
            answers.append(
                AttachedSession(
                    device=item.device, connection=item.connection, resumed=resumed, number=one.number,
                    filters=dict(one.filters) if resumed else {}, sent_to=one.sent_to if resumed else None,
                )
            )  # fmt: skip
            if again:
                continue
            self._supersede(item, now)
            if one.door is None:
                self.told.append(item.device)
            one.connection, one.door, one.present = item.connection, door, True
            one.expiry_seconds, one.expires_at, one.sent_to = item.expiry_seconds, None, None
            one.reason = PresenceReason.CONNECTED
            if item.will is not None:
                self.wills[item.device, item.connection] = (item.will, None)
        return answers

    def _supersede(self, arrival: Arrival, now: datetime) -> None:
        for key, (will, due_at) in list(self.wills.items()):
            if key[0] != arrival.device or (due_at is not None and due_at <= now):
                continue
            if will.delay_seconds and not arrival.clean_start:
                del self.wills[key]
            else:
                self.wills[key] = (will, now)

    async def detach(self, departures: Sequence[Departure], *, door: str, now: datetime) -> None:
        self._check()
        for item in departures:
            one = self.sessions.get(item.device)
            if one is not None and one.door == door and one.connection == item.connection:
                self._leave(one, item, now)

    def _leave(self, one: Session, item: Departure, now: datetime) -> None:
        length = one.expiry_seconds if item.expiry_seconds is None else item.expiry_seconds
        one.door, one.reason, one.sent_to, one.expiry_seconds = None, item.reason, item.sent_to, length
        one.expires_at = now + timedelta(seconds=length) if length else None
        if not length:
            self._end(item.device)
        key = (item.device, item.connection)
        if key in self.wills and not item.publish_will:
            del self.wills[key]
        elif key in self.wills and self.wills[key][1] is None:
            will = self.wills[key][0]
            self.wills[key] = (will, now + timedelta(seconds=min(will.delay_seconds, length)))
        self.told.append(item.device)

    def _end(self, device: str) -> None:
        one = self.sessions[device]
        one.present, one.filters, one.expires_at, one.sent_to = False, {}, None, None
        for number, (kind, _) in self.rows.pop(device, {}).items():
            if kind is not OutboundKind.RECEIPT:
                self.closed[device, number] = OutboundOutcome.SESSION_ENDED

    async def grant(self, grants: Sequence[Grant]) -> None:
        self._check()
        for item in grants:
            one = self.sessions[item.device]
            if one.connection == item.connection:
                one.filters = dict(item.filters)

    async def held(self, door: str) -> HeldSessions:
        self._check()
        mine = {device: one for device, one in self.sessions.items() if one.door == door}
        mail = {device: one.number for device, one in mine.items() if self.rows.get(device)}
        return HeldSessions(len(mine), sum(one.connection for one in mine.values()), mail)

    async def held_connections(self, door: str) -> dict[str, int]:
        self._check()
        return {device: one.connection for device, one in self.sessions.items() if one.door == door}

    async def reclaim(self, connections: Mapping[str, int], *, door: str, now: datetime) -> set[str]:
        self._check()
        del now
        back = set()
        for device, connection in connections.items():
            one = self.sessions[device]
            if one.connection == connection and one.door is None:
                one.door, one.present, one.expires_at = door, True, None
                one.reason = PresenceReason.CONNECTED
                back.add(device)
                self.told.append(device)
                if (device, connection) in self.wills:
                    self.wills[device, connection] = (self.wills[device, connection][0], None)
        return back

    async def end_expired(self, now: datetime) -> int:
        self._check()
        over = [name for name, one in self.sessions.items() if one.expires_at is not None and one.expires_at <= now]
        for name in over:
            self._end(name)
        return len(over)

    # -- doors

    async def beat(self, door: str, now: datetime) -> None:
        self._check()
        del now
        self.doors[door] = self.doors.get(door, 0) + 1

    async def beats(self) -> dict[str, int]:
        self._check()
        unsaid = {one.door: 0 for one in self.sessions.values() if one.door is not None and one.door not in self.doors}
        return {**unsaid, **self.doors}

    async def lose(self, doors: Collection[str], now: datetime) -> int:
        self._check()
        lost = [(name, one) for name, one in self.sessions.items() if one.door in doors]
        for name, one in lost:
            gone = Departure(device=name, connection=one.connection, reason=PresenceReason.DOOR_GONE,
                             publish_will=True, sent_to=None)  # fmt: skip
            self._leave(one, gone, now)
        for door in doors:
            self.doors.pop(door, None)
        return len(lost)

    # -- wills

    async def claim(self, now: datetime, *, limit: int) -> list[LastWill]:
        self._check()
        due = [key for key, (_, due_at) in self.wills.items() if due_at is not None and due_at <= now][:limit]
        for key in due:
            self.wills[key] = (self.wills[key][0], now + timedelta(seconds=30))
        return [self.wills[key][0] for key in due]

    async def forget(self, wills: Sequence[LastWill]) -> None:
        self._check()
        for will in wills:
            self.wills.pop((will.device, will.connection), None)

    # -- outbound

    async def append(self, messages: Sequence[OutboundMessage], now: datetime) -> list[int | None]:
        self._check()
        numbers: list[int | None] = []
        for message in messages:
            one = self.sessions.get(message.device)
            qos = granted_qos(one.filters, message.topic) if one is not None and one.stands(now) else None
            mail = self.rows.setdefault(message.device, {})
            if one is None or qos is None or len(mail) >= self.waiting_max:
                numbers.append(None)
                continue
            one.number += 1
            parcel = PendingMessage(
                device=message.device, number=one.number, topic=message.topic, payload=message.payload,
                qos=min(qos, message.qos), expires_at=message.expires_at,
            )  # fmt: skip
            mail[one.number] = (message.kind, parcel)
            numbers.append(one.number)
        return numbers

    async def read(self, wanted: Sequence[tuple[str, int, int, int]]) -> list[PendingMessage]:
        self._check()
        found: list[PendingMessage] = []
        for device, connection, after, count in wanted:
            if device in self.sessions and self.sessions[device].connection == connection:
                mail = self.rows.get(device, {})
                found += [mail[number][1] for number in sorted(mail) if number > after][:count]
        return found

    async def close(self, closings: Sequence[Closing], now: datetime) -> None:
        self._check()
        del now
        for item in closings:
            kind, _ = self.rows.get(item.device, {}).pop(item.number, (None, None))
            if kind is OutboundKind.MESSAGE:
                self.closed[item.device, item.number] = item.outcome

    async def release(self, parcels: Sequence[tuple[str, int]]) -> None:
        self._check()
        for device, number in parcels:
            if number in self.rows.get(device, {}):
                kind, parcel = self.rows[device][number]
                self.rows[device][number] = (kind, replace(parcel, released=True))

    # -- audit

    async def audit_foreign(self, publishes: Sequence[tuple[str, str]], now: datetime) -> None:
        self._check()
        del now
        self.audited.extend(publishes)

    # -- refusals

    async def record(self, refusals: Sequence[ConnectRefusal]) -> None:
        self._check()
        self.refusals += refusals
