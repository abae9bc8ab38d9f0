"""Laws of what goes out to a device, over any order of messages, confirmations, cuts and resumptions.

The world is a store, a client that remembers what it has taken over (as MQTT asks of it), and connections between them
that may be cut at any step, with packets on their way lost. Each law also catches its mutant.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.domain.messaging.outbound import PendingMessage
from ioc.ingest.mqtt.codec.decoder import Decoder
from ioc.ingest.mqtt.codec.packets import LEVEL_5, Publish, Pubrel, Sender
from ioc.ingest.mqtt.codec.reasons import ReasonCode
from ioc.ingest.mqtt.sessions.inflight import Downlink

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FILTERS = {"#": 2}
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.integers(0, 2)),
        st.tuples(st.sampled_from(["read", "cut", "note"]), st.just(0)),
        st.tuples(st.sampled_from(["answer", "lose"]), st.integers(0, 5)),
    ),
    max_size=60,
)


@dataclass
class World:
    """A store, a device and the door's side of their connection."""

    window: int
    rows: dict[int, PendingMessage] = field(default_factory=dict)
    qos: dict[int, int] = field(default_factory=dict)
    taken: list[int] = field(default_factory=list)
    """Numbers in the order in which the application at the device got them."""
    held: set[int] = field(default_factory=set)
    """Packet ids at QoS 2 that the device has taken over and not yet let go of."""
    wire: list[Any] = field(default_factory=list)
    notes: list[tuple[int, int]] = field(default_factory=list)
    sent_to: int = 0
    downlink: Downlink = field(init=False)

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        self.downlink = Downlink(level=LEVEL_5, window=self.window, packet_bytes_max=1_000)
        self.downlink.resume(self.sent_to)
        self.wire.clear()
        self.notes.clear()

    def step(self, what: str, choice: int) -> None:
        if what == "tell":
            number = len(self.qos) + 1
            self.qos[number] = choice
            self.rows[number] = PendingMessage(
                device="d", number=number, topic="t", payload=str(number).encode(), qos=choice,
                expires_at=NOW + timedelta(days=1),
            )  # fmt: skip
        elif what == "read":
            self.read()
        elif what == "cut":
            self.sent_to = self.downlink.sent_to
            self.connect()
        elif what == "note":  # the confirmations that the door was told of are stored; then PUBREL goes out
            for number, packet_id in self.notes:
                self.rows[number] = replace(self.rows[number], released=True)
                self.write(self.downlink.release(packet_id))
            self.notes.clear()
        elif what == "answer" and self.wire:
            self.answer(self.wire.pop(min(choice, len(self.wire) - 1)))
        elif what == "lose" and self.wire:  # only a cut loses packets: TCP
            self.step("cut", 0)

    def read(self) -> None:
        waiting = [self.rows[number] for number in sorted(self.rows) if number > self.downlink.loaded]
        sending = self.downlink.send(waiting[: self.downlink.room], FILTERS, NOW, bytes_max=10_000)
        assert not sending.ended
        self.write(sending.data)
        for number, data in sending.quiet:
            del self.rows[number]
            self.write(data)
        assert len(self.downlink) <= self.window

    def write(self, data: bytes) -> None:
        decoder = Decoder(1_000, sender=Sender.SERVER, protocol_level=LEVEL_5)
        decoder.feed(data)
        self.wire.extend(decoder)

    def answer(self, packet: Any) -> None:
        """Let the device take one packet, and the door its answer."""
        if isinstance(packet, Publish):
            number = int(packet.payload)
            if packet.qos == 2:
                if packet.packet_id not in self.held:
                    self.held.add(packet.packet_id)
                    self.taken.append(number)
                outcome = self.downlink.pubrec(packet.packet_id, ReasonCode.SUCCESS)
                if isinstance(outcome, int):
                    self.notes.append((outcome, packet.packet_id))
                elif isinstance(outcome, bytes):
                    self.write(outcome)
                return
            self.taken.append(number)
            if packet.qos == 1:
                ended = self.downlink.puback(packet.packet_id, ReasonCode.SUCCESS)
                assert ended is not None
                del self.rows[ended[0]]
        elif isinstance(packet, Pubrel):
            self.held.discard(packet.packet_id)
            number_done = self.downlink.pubcomp(packet.packet_id)
            if number_done is not None:
                del self.rows[number_done]

    def finish(self) -> None:
        """Let everything come to its end without further cuts."""
        for _ in range(3 * len(self.qos) + 3):
            for what in ("read", *["answer"] * (2 * self.window + 2), "note"):
                self.step(what, 0)


def play(steps: list[tuple[str, int]], window: int) -> World:
    world = World(window)
    for what, choice in steps:
        world.step(what, choice)
    world.finish()
    return world


def check(world: World) -> None:
    """Assert the laws on a finished world."""
    assert not world.rows, "everything came to its end"
    for number, qos in world.qos.items():
        times = world.taken.count(number)
        if qos == 0:
            assert times <= 1
        elif qos == 1:
            assert times >= 1
        else:
            assert times == 1
    for qos in (1, 2):
        firsts = list(dict.fromkeys(number for number in world.taken if world.qos[number] == qos))
        assert sorted(firsts) == list(firsts) or world.window > 1, "one at a time comes in order"


@settings(max_examples=300, deadline=None)
@given(STEPS, st.integers(1, 4))
def test_qos_0_at_most_once_qos_1_at_least_once_qos_2_exactly_once(steps, window):
    check(play(steps, window))


CUT_AFTER_NOTE = [("tell", 2), ("read", 0), ("answer", 0), ("note", 0), ("cut", 0)]


def test_a_door_that_forgets_what_was_confirmed_is_caught(monkeypatch):
    """Released rows sent as new messages: the device has let go of the packet id and takes the message twice."""
    send = Downlink.send

    def forgetful(self, parcels, *others, **more):
        return send(self, [replace(parcel, released=False) for parcel in parcels], *others, **more)

    let_go = [*CUT_AFTER_NOTE, ("read", 0), ("answer", 0), ("cut", 0)]
    check(play(CUT_AFTER_NOTE, 1))
    check(play(let_go, 1))
    monkeypatch.setattr(Downlink, "send", forgetful)

    def lost_pubcomp(self, packet_id):
        del self, packet_id

    world = World(1)
    for what, choice in CUT_AFTER_NOTE[:-1]:
        world.step(what, choice)
    with monkeypatch.context() as patch:
        patch.setattr(Downlink, "pubcomp", lost_pubcomp)  # the device lets go, its PUBCOMP is lost in the cut
        world.step("answer", 0)
    world.step("cut", 0)
    world.finish()
    with pytest.raises(AssertionError):
        check(world)


def test_a_door_that_reuses_packet_ids_is_caught(monkeypatch):
    monkeypatch.setattr(PendingMessage, "packet_id", property(lambda _: 1))
    with pytest.raises((AssertionError, KeyError)):
        check(play([("tell", 1), ("tell", 1), ("read", 0)], 2))


@given(st.integers(1, 1 << 40))
def test_packet_ids_are_from_1_to_65535_and_neighbours_differ(number):
    near = [replace(PARCEL, number=number + step).packet_id for step in (0, 1, 65_534)]
    assert len(set(near)) == 3
    assert all(1 <= packet_id <= 65_535 for packet_id in near)
    assert replace(PARCEL, number=number + 65_535).packet_id == near[0]


PARCEL = PendingMessage(device="d", number=1, topic="t", payload=b"", qos=1, expires_at=NOW)
