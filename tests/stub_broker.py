"""A small MQTT broker in threads that can be cut, go deaf or refuse, for the tests of clients."""

from __future__ import annotations

import json
import socket
import threading

CONNECT, PUBLISH, PUBREL, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 6, 8, 12, 14


class StubBroker:
    """Accepts MQTT connections; ``acknowledge`` says whether a publish gets its PUBACK, ``accept`` a CONNECT."""

    def __init__(self, *, port=0):
        self.acknowledge = lambda _number: True
        self.accept = True
        self.answer_pings = True
        self.greetings = []
        self.goodbyes = 0
        self.publishes = []
        self.names = []
        self.connections = []
        self._listener = socket.create_server(("127.0.0.1", port))
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
                        self.greetings.append(body)
                        connection.sendall(self._connack(version))
                        self.names.append(version)
                    elif kind == PUBLISH:
                        self._published(connection, head[0], body, version)
                    elif kind == SUBSCRIBE:
                        self._subscribed(connection, body, version)
                    elif kind == PUBREL:
                        connection.sendall(b"\x70\x02" + body[:2])
                    elif kind == PINGREQ and self.answer_pings:
                        connection.sendall(b"\xd0\x00")
                    elif kind == DISCONNECT:
                        self.goodbyes += 1
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
            connection.sendall((b"\x50\x02" if head & 0x04 else b"\x40\x02") + packet_id)

    def _subscribed(self, connection, body, version):
        """Grant QoS 1 and send one message at once, as retained ones come."""
        at = 2 + (version == 5)
        topic = body[at + 2 : at + 2 + int.from_bytes(body[at : at + 2], "big")]
        properties = b"\x00" if version == 5 else b""
        suback = body[:2] + properties + b"\x01"
        message = len(topic).to_bytes(2, "big") + topic + b"\x00\x07" + properties + b'{"id":"kept"}'
        connection.sendall(bytes((0x90, len(suback))) + suback + bytes((0x32, len(message))) + message)

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
