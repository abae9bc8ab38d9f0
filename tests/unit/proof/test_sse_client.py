"""The proof's own eyes: streams cut anywhere are read as a browser reads them, and traces as the kernel meant them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proof.clients.sse_client import BrowserEvent, Chunks, EventParser
from proof.harness.syscalls import Call, parse
from proof.scenarios.delivery.puback import order_of

STREAM = (
    b'retry: 1000\n\nevent: alert\nid: 7\ndata: {"a":1}\n\nevent: clock\ndata: {}\n\nevent: alert\nid: 8\ndata: x\n\n'
)
EVENTS = [BrowserEvent("alert", "7", '{"a":1}'), BrowserEvent("clock", None, "{}"), BrowserEvent("alert", "8", "x")]


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


@given(st.lists(st.integers(1, 30)))
def test_wherever_it_is_cut_the_events_are_the_same(sizes):
    wire = chunked(STREAM[:20], STREAM[20:60], STREAM[60:])
    chunks, parser = Chunks(), EventParser()
    found: list[BrowserEvent] = []
    for size in [*sizes, len(wire)]:
        part, wire = wire[:size], wire[size:]
        found.extend(parser.feed(chunks.feed(part)))
    assert found == EVENTS


def test_an_event_without_its_blank_line_does_not_count():
    """Its id must not be remembered either: the server would never send it again."""
    assert list(EventParser().feed(b"event: alert\nid: 7\ndata: x\n")) == []


def test_a_line_of_strace_is_a_call_with_both_its_moments():
    line = "1764000000.100000 fdatasync(12</d/pg_wal/000000010000000000000001>) = 0 <0.002000>"
    (call,) = parse(42, [line, "1764000001.0 fdatasync(12 <unfinished ...>", "+++ killed by SIGKILL +++"])
    assert (call.pid, call.name, call.file) == (42, "fdatasync", "/d/pg_wal/000000010000000000000001")
    assert (call.began, round(call.ended, 6)) == (1764000000.1, 1764000000.102)


def trace(*, flush_at: float | None, puback_at: float) -> list[Call]:
    calls = [
        Call(1, "read", 1.0, 1.0, "socket", '"2...lone-x"'),
        Call(2, "recvfrom", 1.1, 1.1, "socket", '"...lone-x..."'),
        Call(2, "recvfrom", 1.2, 1.2, "socket", '"Q\\0\\0\\0\\vCOMMIT;\\0"'),
        Call(1, "write", puback_at, puback_at, "socket", '"@\\2HA", 4'),
    ]
    if flush_at is not None:
        calls.append(Call(2, "fdatasync", flush_at, flush_at + 0.1, "/d/pg_wal/1", ""))
    return sorted(calls, key=lambda call: call.began)


def test_a_flush_before_the_puback_holds_and_a_late_or_missing_one_does_not():
    def holds(calls: list[Call]) -> bool:
        order = order_of(calls, door=1, packet_id=int.from_bytes(b"HA"), identifier="lone-x")
        assert order is not None
        return order.holds

    assert holds(trace(flush_at=1.3, puback_at=1.5))
    assert not holds(trace(flush_at=1.3, puback_at=1.35))
    assert not holds(trace(flush_at=1.6, puback_at=1.5))
    assert not holds(trace(flush_at=1.15, puback_at=1.5))
    assert not holds(trace(flush_at=None, puback_at=1.5))
