"""The limits of the MQTT door: rates, places and their books, which forget."""

from __future__ import annotations

import pytest

from ioc.ingest.mqtt.limits import (
    FREE_FAILURES,
    Addresses,
    ConnectionRate,
    MQTTLimits,
    Reconnects,
    Watch,
    bucket,
    site_of,
)


def test_an_allowance_gives_its_burst_at_once_and_then_its_rate():
    allowance = bucket(10, 0.0, burst_seconds=2)
    assert [allowance.take_if_left(1, 0.0) for _ in range(21)] == [True] * 20 + [False]
    assert allowance.take_if_left(1, 0.1)
    assert not allowance.take_if_left(1, 0.1)
    assert allowance.take(5, 0.1) == pytest.approx(0.5), "overdrawn by five, which come in half a second"
    assert not allowance.is_full(2.0)
    assert allowance.is_full(3.0)


def test_the_pace_of_a_connection_is_its_rate_whatever_the_chunks():
    """Over 100 s, with bursts, what got through is the rate times the time, and the burst."""
    pace, clock, sent = ConnectionRate(MQTTLimits(messages_per_second=50), 0.0), 0.0, 0
    while clock < 100:
        for _ in range(37):
            sent += 1
            pace.packets.left -= 1
        if pace.packets.left < 0:
            clock += pace.wait_seconds(clock)
    assert sent == pytest.approx(100 * 50 + 100, rel=0.02)


def test_bytes_have_a_pace_of_their_own_and_none_means_any():
    pace = ConnectionRate(MQTTLimits(bytes_per_second=1_000), 0.0)
    pace.bytes.left -= 3_000
    assert pace.wait_seconds(0.0) == pytest.approx(1.0)
    free = ConnectionRate(MQTTLimits(), 0.0)
    free.packets.left -= 1e9
    assert free.packets.left > 0
    assert free.wait_seconds(1.0) == 0


def test_a_packet_has_its_deadline_and_a_slow_honest_one_has_a_second_for_each_kilobyte():
    watch = Watch(MQTTLimits(packet_seconds=10))
    assert not watch.is_overdue(0, amid_packet=True)
    watch.bytes += 5_000
    assert not watch.is_overdue(14.9, amid_packet=True)
    assert watch.is_overdue(15.1, amid_packet=True)


def test_each_finished_packet_and_each_pause_of_ours_starts_the_deadline_anew():
    watch = Watch(MQTTLimits(packet_seconds=10))
    assert not watch.is_overdue(0, amid_packet=True)
    watch.packets += 1
    assert not watch.is_overdue(11, amid_packet=True)
    assert not watch.is_overdue(20, amid_packet=False)
    assert not watch.is_overdue(40, amid_packet=True)
    assert watch.is_overdue(51, amid_packet=True)


def test_who_does_not_read_is_known_after_its_time():
    watch = Watch(MQTTLimits(unread_seconds=30))
    assert not watch.is_unread(0, unread=True)
    assert not watch.is_unread(30, unread=True)
    assert watch.is_unread(31, unread=True)
    assert not watch.is_unread(32, unread=False)
    assert not watch.is_unread(70, unread=True)


def test_an_address_has_so_many_places_and_gets_them_back():
    book = Addresses(MQTTLimits(address_connections_max=2, address_connects_per_second=0))
    assert [book.opens("a", 0, tls=False) for _ in range(3)] == [None, None, "address_connections_max"]
    assert book.opens("b", 0, tls=False) is None, "another address has its own"
    book.closed("a", was_admitted=False)
    assert book.opens("a", 0, tls=False) is None


def test_sockets_without_a_connect_have_a_bound_of_their_own():
    book = Addresses(MQTTLimits(address_half_open_max=1, address_connects_per_second=0))
    assert [book.opens("a", 0, tls=False) for _ in range(2)] == [None, "address_half_open_max"]
    book.admitted("a")
    assert book.opens("a", 0, tls=False) is None
    book.closed("a", was_admitted=True)
    assert book.opens("a", 0, tls=False) == "address_half_open_max", "the one that was let in is not half open"


def test_new_connections_have_a_rate_and_a_handshake_costs_more():
    book = Addresses(MQTTLimits(address_connects_per_second=8))
    assert sum(book.opens("a", 0, tls=False) is None for _ in range(50)) == 16
    assert book.opens("a", 0, tls=False) == "address_rate"
    assert sum(book.opens("b", 0, tls=True) is None for _ in range(50)) == 4


def test_refusals_are_answered_later_and_later_and_forgiven_after_a_minute():
    book = Addresses(MQTTLimits(refusal_seconds_max=2))
    assert book.opens("a", 0, tls=False) is None
    delays = [book.failed("a", 1.0) for _ in range(FREE_FAILURES + 6)]
    assert delays == [0.0] * FREE_FAILURES + [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]
    assert book.failed("a", 62.0) == 0.0
    assert book.failed("nobody", 0.0) == 0.0


def test_books_forget():
    book = Addresses(MQTTLimits(address_connects_per_second=10))
    for number in range(100):
        assert book.opens(str(number), 0, tls=False) is None
        book.closed(str(number), was_admitted=False)
    book.opens("stays", 0, tls=False)
    book.forget(10.0)
    assert len(book) == 1
    devices = Reconnects(60)
    assert all(devices.may_connect(str(number), 0) for number in range(10))
    devices.forget(5.0)
    assert len(devices) == 0


def test_a_device_connects_at_its_rate_and_no_other_pays_for_it():
    devices = Reconnects(60)
    assert sum(devices.may_connect("rain-1", 0) for _ in range(100)) == 60
    assert devices.may_connect("rain-2", 0)
    assert devices.may_connect("rain-1", 1.0)
    assert not devices.may_connect("rain-1", 1.0)
    assert all(Reconnects(0).may_connect("rain-1", 0) for _ in range(1_000))


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_address_counts_by_its_network(host, site):
    assert site_of(host) == site
