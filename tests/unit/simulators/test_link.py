"""Connections over MQTT, against a small broker that can be cut, go deaf or refuse."""

import json
import selectors
import socket
import threading
import time
from random import Random

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from simulators.fleet import Fleet
from simulators.link import BACKLOG_MAX, Address, Link, Tally
from simulators.reading_id import ReadingIds
from simulators.scenario import read_scenario
from simulators.world import World

CONNECT, PUBLISH, PINGREQ, DISCONNECT = 1, 3, 12, 14


class StubBroker:
    """Accepts MQTT connections; ``acknowledge`` says whether a publish gets its PUBACK, ``accept`` a CONNECT."""

    def __init__(self):
        self.acknowledge = lambda _number: True
        self.accept = True
        self.publishes = []
        self.names = []
        self.connections = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def _listen(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        version = 4
        with connection, connection.makefile("rb") as stream:
            try:
                while head := stream.read(1):
                    body = stream.read(_length(stream))
                    kind = head[0] >> 4
                    if kind == CONNECT:
                        version = body[6]
                        connection.sendall(self._connack(version))
                        self.names.append(version)
                    elif kind == PUBLISH:
                        self._published(connection, head[0], body, version)
                    elif kind == PINGREQ:
                        connection.sendall(b"\xd0\x00")
                    elif kind == DISCONNECT:
                        return
            except OSError:
                return

    def _connack(self, version):
        code = 0 if self.accept else (0x86 if version == 5 else 4)
        return bytes((0x20, 3, 0, code, 0)) if version == 5 else bytes((0x20, 2, 0, code))

    def _published(self, connection, head, body, version):
        end = 2 + int.from_bytes(body[:2], "big")
        topic, packet_id = body[2:end].decode(), body[end : end + 2]
        payload = body[end + 2 + (1 if version == 5 else 0) :]
        self.publishes.append((topic, json.loads(payload), bool(head & 0x08)))
        if self.acknowledge(len(self.publishes)):
            connection.sendall(b"\x40\x02" + packet_id)

    def cut(self):
        """Cut every connection."""
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self):
        """Stop listening and cut everybody."""
        # shutdown wakes the thread that waits in accept; close alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(5)


def _length(stream):
    value, shift = 0, 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value


@pytest.fixture
def broker():
    stub = StubBroker()
    yield stub
    stub.close()


@pytest.fixture
def fleet_parts():
    """A selector and a tally for single links."""
    selector = selectors.DefaultSelector()
    yield selector, Tally()
    selector.close()


def _drive(link, selector, until, seconds=8.0):
    """Do a fleet's work for one link until ``until`` holds."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "it did not happen in time"
        link.tend(time.monotonic())
        for key, events in selector.select(0.02):
            key.data.step(readable=bool(events & selectors.EVENT_READ), writable=bool(events & selectors.EVENT_WRITE))


def _link(device, port, parts, protocol=MQTTProtocolVersion.MQTTv311):
    selector, tally = parts
    return Link(
        device,
        address=Address("127.0.0.1", port),
        protocol=protocol,
        selector=selector,
        tally=tally,
        random=Random(1),
    )


@pytest.mark.parametrize("protocol", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])
def test_what_was_not_acknowledged_is_sent_again_after_a_cut(broker, devices, fleet_parts, protocol):
    selector, tally = fleet_parts
    broker.acknowledge = lambda number: number == 1
    link = _link(devices[0], broker.port, fleet_parts, protocol)
    for number in range(3):
        link.send(json.dumps({"id": str(number)}).encode())
    _drive(link, selector, lambda: len(broker.publishes) == 3 and tally.acknowledged == 1)
    broker.acknowledge = lambda _number: True
    broker.cut()
    _drive(link, selector, lambda: tally.acknowledged == 3)
    again = broker.publishes[3:]
    assert [(body["id"], duplicate) for _, body, duplicate in again] == [("1", True), ("2", True)]
    assert (tally.sent, tally.acknowledged, tally.dropped, tally.cuts) == (3, 3, 0, 1)
    link.close()


def test_speaks_the_contract_s_topic_and_waits_out_a_door_that_is_not_there(devices, fleet_parts):
    _, tally = fleet_parts
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    link = _link(devices[0], port, fleet_parts)
    link.send(b'{"id":"1"}')
    link.tend(time.monotonic())
    assert (tally.acknowledged, link.waiting, link.open) == (0, 1, False)
    assert link.retry_at > time.monotonic()


def test_the_backlog_is_bounded_and_the_oldest_goes(broker, devices, fleet_parts):
    selector, tally = fleet_parts
    link = _link(devices[0], broker.port, fleet_parts)
    for number in range(BACKLOG_MAX + 40):
        link.send(json.dumps({"id": str(number)}).encode())
    assert (link.waiting, tally.dropped) == (BACKLOG_MAX, 40)
    _drive(link, selector, lambda: tally.acknowledged == BACKLOG_MAX)
    assert broker.publishes[0][1]["id"] == "40"
    assert broker.publishes[-1][1]["id"] == str(BACKLOG_MAX + 39)
    link.close()


def test_a_refused_key_is_counted_and_tried_again_ever_more_slowly(broker, devices, fleet_parts):
    selector, tally = fleet_parts
    broker.accept = False
    link = _link(devices[0], broker.port, fleet_parts)
    _drive(link, selector, lambda: tally.denied >= 1)
    broker.cut()
    _drive(link, selector, lambda: tally.denied >= 2)
    assert tally.connections == 0
    broker.cut()
    broker.accept = True
    _drive(link, selector, lambda: tally.connections == 1)
    link.close()


def test_a_fleet_plays_all_devices_in_both_versions_and_survives_a_cut(broker, devices):
    world = World(scenario=read_scenario("flood"), devices=devices, seed=2017)
    fleet = Fleet(
        devices, world=world, address=Address("127.0.0.1", broker.port), ids=ReadingIds(2017, boot="b"), speed=20.0
    )
    started = time.monotonic()
    cuts_made = 0

    def stopped():
        nonlocal cuts_made
        if not cuts_made and time.monotonic() - started > 0.8:
            broker.cut()
            cuts_made += 1
        return time.monotonic() - started > 3.0

    fleet.run(stopped)
    tally = fleet.tally
    assert tally.acknowledged == tally.sent > 100
    assert tally.cuts >= len(devices)
    assert set(broker.names) == {4, 5}
    assert {topic for topic, _, _ in broker.publishes} == {f"ioc/v1/{item.feed}/{item.id}" for item in devices}
    assert len({body["id"] for _, body, _ in broker.publishes}) == tally.sent
    assert all(body["id"].startswith("2017-b-") for _, body, _ in broker.publishes)
    assert all(body["time"].endswith("+07:00") for _, body, _ in broker.publishes)
