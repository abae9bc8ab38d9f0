"""The memory: bounded, and the same after a snapshot."""

from __future__ import annotations

import random
import zlib

import orjson
import pytest

from ioc.domain.event import Entry, EntryKind, Event
from ioc.rules.fold.ruleset import RuleSet
from ioc.rules.fold.step import step
from ioc.rules.language.rule import to_us
from ioc.rules.state import memory as memory_module
from ioc.rules.state.memory import READINGS_MAX, KeyState, Memory, MemoryVersionError
from tests.unit.rules.builders import FEEDS, START, after, rule_entry


def world(**changes):
    rules, memory = RuleSet(FEEDS), Memory()
    step(rules, memory, rule_entry(1, START, **changes))
    return rules, memory


def send(rules, memory, second, value, device="m-1", key=bytes(16), **members):
    event = Event("meter", device, key, after(second), after(second), {"value": value}, **members)
    return step(rules, memory, Entry(memory.position + 1, after(second), EntryKind.EVENT, event=event))


def test_a_snapshot_comes_back_as_the_same_bytes_and_goes_on_the_same_way():
    rules, memory = world(levels=[{"severity": "low", "when": "value > 10", "for": "60s"}], clear={"for": "5s"})
    step(rules, memory, Entry(2, START, EntryKind.DEVICE, subject="m-1", value={"name": {"vi": "Trạm", "en": "Gauge"}}))
    send(rules, memory, 1, 20.0)
    data = memory.snapshot()
    restored = Memory.restore(data)
    assert restored.snapshot() == data
    again = RuleSet(FEEDS)
    again.load(restored.rules)
    assert send(again, restored, 70, 5.0) == send(rules, memory, 70, 5.0) != ()
    assert restored.next_due_log_us() == memory.next_due_log_us() is not None


@pytest.mark.parametrize("data", [b"", b"junk", zlib.compress(b"{"), zlib.compress(orjson.dumps({"version": 1}))])
def test_a_snapshot_that_is_not_ours_is_refused(data):
    with pytest.raises(MemoryVersionError):
        Memory.restore(data)


@pytest.mark.parametrize("change", [{"failed": None}, {"keys": {"r": {"k": {}}}}, {"rules": {"r": {"odd": 1}}}])
def test_a_snapshot_with_another_layout_is_refused_and_stops_no_engine(change):
    """Two builds may call different layouts by one version; who cannot read a snapshot folds the log."""
    body = orjson.loads(zlib.decompress(Memory().snapshot())) | change
    body = {name: value for name, value in body.items() if value is not None}
    with pytest.raises(MemoryVersionError, match="is not as version"):
        Memory.restore(zlib.compress(orjson.dumps(body)))


def test_evidence_keeps_the_newest_readings_only():
    rules, memory = world()
    for number in range(READINGS_MAX + 5):
        send(rules, memory, number, 1.0)
    [made] = send(rules, memory, 100, 20.0)
    assert len(made.evidence.readings) == READINGS_MAX
    assert made.evidence.readings[-1].values == {"value": 20.0}
    assert made.evidence.readings[-1].position == made.position == made.evidence.position


def test_keys_are_bounded_idle_ones_make_room_and_reaching_the_bound_is_counted(monkeypatch):
    monkeypatch.setattr(memory_module, "KEYS_MAX", 3)
    rules, memory = world()
    for number, value in enumerate((20.0, 1.0, 1.0)):
        send(rules, memory, number, value, f"m-{number}")
    assert send(rules, memory, 10, 20.0, "m-9") == ()
    assert memory.tally.full["meter.level"] == 1
    day = 25 * 3_600
    [made] = send(rules, memory, day, 20.0, "m-9")
    assert made.key == "m-9"
    assert set(memory.keys["meter.level"]) == {"m-0", "m-9"}  # the firing one stays


def test_an_event_that_raises_nothing_is_not_remembered_by_a_rule_per_event():
    rules, memory = world(by=["event"], hold="1h", levels=[{"severity": "low", "when": "value > 10", "for": "5s"}])
    for number in range(3):
        send(rules, memory, number, 1.0, key=bytes([number]) * 16)
    send(rules, memory, 3, 20.0, key=b"x" * 16)
    assert list(memory.keys["meter.level"]) == [(b"x" * 16).hex()]
    step(rules, memory, Entry(9, after(8), EntryKind.TICK))
    assert len(memory.open_alerts()) == 1


def test_alerts_per_event_that_are_over_make_room_as_soon_as_they_cannot_reopen(monkeypatch):
    monkeypatch.setattr(memory_module, "KEYS_MAX", 2)
    rules, memory = world(by=["event"], hold="10m")
    for number in range(2):
        assert send(rules, memory, number * 60, 20.0, key=bytes([number]) * 16)[0].kind == "opened"
    assert send(rules, memory, 100, 20.0, key=b"x" * 16) == ()
    assert memory.tally.full["meter.level"] == 1
    step(rules, memory, Entry(9, after(601), EntryKind.TICK))
    [made] = send(rules, memory, 602, 20.0, key=b"y" * 16, zone="z", lat=20.8, lon=105.3)
    assert (made.device, made.zone, made.lat, made.lon) == (None, "z", 20.8, 105.3)
    assert set(memory.keys["meter.level"]) == {(bytes([1]) * 16).hex(), (b"y" * 16).hex()}  # the firing one stays


def test_a_hold_that_every_reading_puts_off_leaves_no_heap_of_outdated_timers(monkeypatch):
    monkeypatch.setattr(memory_module, "TIMERS_SPARE", 8)
    rules, memory = world(hold="24h")
    for number in range(200):
        send(rules, memory, number, 20.0, f"m-{number % 2}")
    assert len(memory._heap) <= 2 * 2 + 8
    assert Memory.restore(memory.snapshot()).next_due_log_us() == memory.next_due_log_us()
    assert memory.next_due_log_us() == to_us(after(198 + 24 * 3_600))


@pytest.mark.parametrize("seed", range(10))
def test_timers_end_in_their_order_however_often_they_are_put_off(seed, monkeypatch):
    """Held against a plain list: a timer may be set, put off, brought forward, stopped, and its key forgotten."""
    monkeypatch.setattr(memory_module, "TIMERS_SPARE", 4)
    dice, memory = random.Random(seed), Memory()
    plain: dict[str, int] = {}
    for number in range(600):
        key = f"k{dice.randrange(6)}"
        states = memory.keys.setdefault("r", {})
        state = states.setdefault(key, KeyState(0, 0, "meter", "m-1", []))
        what = dice.random()
        if what < 0.1:
            del states[key]
            plain.pop(key, None)
        elif what < 0.2:
            memory.schedule("r", key, state, None)
            plain.pop(key, None)
        else:
            plain[key] = number + dice.randrange(50)
            memory.schedule("r", key, state, plain[key])
        assert memory.next_due_log_us() == min(plain.values(), default=None)
        if dice.random() < 0.1:
            now = number + dice.randrange(10)
            due = sorted((at, key) for key, at in plain.items() if at <= now)
            assert [(at, key) for at, _, key in memory.take_due(now)] == due
            plain = {key: at for key, at in plain.items() if at > now}
        assert len(memory._heap) <= 2 * 6 + 4
    assert Memory.restore(memory.snapshot()).next_due_log_us() == memory.next_due_log_us()


def test_a_reading_without_its_key_and_a_wrong_type_are_counted_and_change_nothing():
    rules, memory = world(by=["zone"])
    assert send(rules, memory, 1, 20.0) == ()
    assert memory.tally.no_data["meter.level"] == 1
    assert send(rules, memory, 2, "20", zone="z") == ()
    assert memory.tally.errors["meter.level"] == 1


def test_a_rule_that_cannot_be_loaded_leaves_the_form_in_force():
    rules, memory = world()
    step(rules, memory, rule_entry(2, START, over="12h"))
    assert memory.tally.refused["meter.level"] == 1
    assert "measure" in rules.refused["meter.level"]
    assert send(rules, memory, 1, 20.0)[0].kind == "opened"


def test_rules_of_other_feeds_are_not_evaluated():
    rules, memory = world(feed="gauge")
    send(rules, memory, 1, 20.0)
    assert memory.tally.evaluated == {}


@pytest.mark.parametrize(
    "change",
    [
        {"keys": {"meter.level": {"m-1": {"time_us": 1}}}},
        {"rules": {"meter.level": {"body": {}}}},
        {"holidays": ["someday"]},
        {"failed": None, "pruned_us": None, "placed": None, "keys": []},
    ],
)
def test_a_snapshot_that_another_program_wrote_under_this_version_is_set_aside(change):
    """It must lead to a fold of the log, and not to an engine that ends at each start."""
    body = orjson.loads(zlib.decompress(Memory().snapshot())) | change
    with pytest.raises(MemoryVersionError):
        Memory.restore(zlib.compress(orjson.dumps(body)))


def test_a_snapshot_hands_no_object_of_ours_to_the_writer():
    """It lets go of a member as soon as it has it, and a compiled class makes numbers for the asking: a crash."""
    rules, memory = RuleSet(FEEDS), Memory()
    step(rules, memory, rule_entry(1, START))
    event = Event("meter", "m-1", bytes(16), START, START, {"value": 20})
    step(rules, memory, Entry(2, START, EntryKind.EVENT, event=event))
    [state] = memory.keys["meter.level"].values()
    assert state.alert is not None
    assert state.alert.now is not None

    def held(value: object) -> bool:
        if isinstance(value, dict):
            return all(map(held, value.values()))
        if isinstance(value, list | tuple):
            return all(map(held, value))
        return value is None or isinstance(value, str | int | float)

    assert held(memory_module._packed(state))
    assert Memory.restore(memory.snapshot()).snapshot() == memory.snapshot()
