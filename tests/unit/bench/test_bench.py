"""The bench counts only what was acknowledged, sends each event once, and says when a goal is missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx2
import pytest

from bench import backtest
from bench.bare import event_columns, messages
from bench.latency import retire
from bench.publisher import WindowPublisher
from bench.readings import FEEDS, Gauge, payloads, share
from bench.throughput import Road
from ioc.packs.loader import load_pack
from ioc.rules.loading.check import Surroundings, check_rule
from mqtt_client.packets import Station

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
CONNACK = b"\x20\x02\x00\x00"


class Transport:
    def __init__(self):
        self.written = b""
        self.aborted = False

    def set_write_buffer_limits(self, high):
        pass

    def write(self, data):
        self.written += data

    def abort(self):
        self.aborted = True


async def publisher(*, packets, window):
    station = Station("gauge-1", "key", 1883)
    made = WindowPublisher(station, [b"%d" % number for number in range(packets)], window)
    transport = Transport()
    made.connection_made(transport)  # type: ignore[arg-type]
    made.data_received(CONNACK)
    assert made.is_open
    transport.written = b""
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
    assert transport.written == b"012345"
    made.abort()


async def test_a_door_that_hangs_up_fails_the_run():
    made, transport = await publisher(packets=2, window=2)
    made.data_received(b"\x40\x02\x00\x01\xe0\x00")
    assert transport.aborted
    made.connection_lost(None)
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


async def test_a_probe_of_the_latency_is_retired_and_its_alert_resolved_once_it_has_ended():
    """Else the next ones stand below it on the screen, where nothing is drawn."""
    asked, conditions = [], ["firing", "cleared"]

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.path, request.headers.get("if-match")))
        if request.url.path == "/api/v1/alerts":
            items = [{"id": "al_1", "version": 4, "condition": conditions.pop(0)}] if conditions else []
            return httpx2.Response(200, json={"items": items})
        return httpx2.Response(200, json={"version": 2})

    async with httpx2.AsyncClient(base_url="http://127.0.0.1", transport=httpx2.MockTransport(answer)) as admin:
        await retire(admin, "probe-001")
    assert asked == [
        ("GET", "/api/v1/devices/probe-001", None), ("PATCH", "/api/v1/devices/probe-001", '"2"'),
        ("GET", "/api/v1/alerts", None), ("GET", "/api/v1/alerts", None),
        ("POST", "/api/v1/alerts/al_1/resolve", '"4"'), ("GET", "/api/v1/alerts", None),
    ]  # fmt: skip


def test_the_bare_inserts_take_the_columns_of_the_door_s_own_messages():
    gauge = Gauge("gauge-1", FEEDS[0], "key")
    made = messages([gauge], 3, tag="t", now=NOON)
    columns = event_columns(made, [1, 2, 3], [0, 0, 0], NOON)
    rows = list(zip(*columns, strict=True))
    assert [(row[0], row[2], row[3], row[4]) for row in rows] == [
        (number, FEEDS[0], "gauge-1", message.id) for number, message in enumerate(made, start=1)
    ]
    assert [(row[1], row[8], row[10]) for row in rows] == [(m.key, m.data, m.area) for m in made]
