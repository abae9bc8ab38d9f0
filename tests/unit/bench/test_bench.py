"""The bench counts only what was acknowledged, sends each event once, and says when a goal is missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bench import backtest
from bench.publisher import Publisher
from bench.readings import FEEDS, Gauge, payloads, share
from bench.throughput import Road
from ioc.packs.loader import load_pack
from ioc.rules.check import Surroundings, check_rule

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
CONNACK = b"\x20\x02\x00\x00"


class Transport:
    def __init__(self):
        self.written = b""

    def set_write_buffer_limits(self, high):
        pass

    def write(self, data):
        self.written += data


async def publisher(*, packets, window):
    made = Publisher(b"hello", [b"%d" % number for number in range(packets)], window)
    transport = Transport()
    made.connection_made(transport)  # type: ignore[arg-type]
    made.data_received(CONNACK)
    await made.connected
    return made, transport


async def test_a_publisher_keeps_its_window_and_ends_with_the_last_acknowledgement():
    made, transport = await publisher(packets=6, window=4)
    made.free_running = True
    assert made.send(99) == 4
    made.data_received(b"\x40\x02\x00\x01\x40\x02")  # one and a half
    assert (made.acknowledged, made.sent) == (1, 4)
    made.data_received(b"\x00\x02")
    assert (made.acknowledged, made.sent) == (2, 6)
    made.data_received(b"\x40\x02\x00\x01" * 3)
    assert not made.finished.done()
    made.data_received(b"\x40\x02\x00\x06")
    assert made.finished.done()
    assert transport.written == b"hello012345"


async def test_anything_but_an_acknowledgement_fails_the_run():
    made, _ = await publisher(packets=2, window=2)
    made.data_received(b"\x40\x02\x00\x01\xe0\x02\x00\x01")
    with pytest.raises(ConnectionError):
        await made.finished


@pytest.mark.parametrize("feed", FEEDS)
def test_every_reading_of_a_device_has_an_id_and_a_time_of_its_own(feed):
    found = [json.loads(body) for body in payloads(feed, 500, tag="t", start=NOON)]
    assert len({item["id"] for item in found}) == len({item["time"] for item in found}) == 500
    assert max(item["time"] for item in found) == "2026-11-24T05:00:00.000Z"


def test_the_events_of_a_round_are_shared_out_without_loss():
    gauges = [Gauge(str(number), "rainfall") for number in range(7)]
    assert share(100, gauges) == [15, 15, 14, 14, 14, 14, 14]


def test_a_road_says_its_median():
    road = Road("x")
    for seconds in (1.0, 2.0, 4.0):
        road.note(100, seconds, {"door": 0.001})
    assert road.figures()["events_per_second"] == 50
    assert road.figures()["cpu_us_per_event"] == {"door": 10.0}


@pytest.mark.parametrize("kind", backtest.KINDS)
@pytest.mark.parametrize("form", backtest.LIMITS)
def test_the_rules_of_the_bench_of_backtests_pass_the_check(kind: str, form: str):
    pack = load_pack("hoabinh", shapes=False)
    around = Surroundings(pack.feeds, {domain.id for domain in pack.domains}, pack.zone)
    found = check_rule(backtest.text_of(kind, form), around)
    assert (found.errors, found.rule and found.rule.kind) == ((), kind)


def test_the_ratio_of_waits_needs_both_sides():
    assert backtest.ratios([1.0] * 100, [2.0] * 100) == {"p50": 2.0, "p95": 2.0, "p99": 2.0}
    assert backtest.ratios([1.0], [2.0] * 100) == backtest.ratios([1.0] * 100, [2.0]) == {}
    assert backtest.figures([float(number) for number in range(1, 102)])["p99"] == 100.0
