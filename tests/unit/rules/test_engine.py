"""The worker: exactly-once effect across crashes, ticks while a timer runs, and no work without the lease."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
import structlog
from prometheus_client import CollectorRegistry

from ioc.domain.event import EntryKind
from ioc.errors import FencedError
from ioc.rules import engine as engine_module
from ioc.rules.engine import RuleEngine
from ioc.rules.state import memory as memory_module
from ioc.rules.state.memory import Memory
from ioc.runtime.clock import SteppedLogClock
from ioc.runtime.metrics import Metrics
from tests.unit.rules.builders import FEEDS, START, after, rule_value
from tests.unit.rules.fakes import FakeLog, FakeRows, FakeRuleStore


class Script:
    """Lets log time pass while the engine waits, and says when the script is over."""

    def __init__(self, clock, seconds):
        self.clock, self.left, self.done, self.at = clock, seconds, asyncio.Event(), {}

    async def wait(self, timeout_seconds):
        await asyncio.sleep(0)
        if self.left <= 0:
            self.done.set()
            await asyncio.Event().wait()
        self.left -= timeout_seconds
        self.clock.advance(seconds=timeout_seconds)
        for second in [second for second in self.at if after(second) <= self.clock.now()]:
            self.at.pop(second)()
        return False


class StillClock:
    def __init__(self):
        self.now = 0.0

    def seconds(self):
        self.now += 0.05
        return self.now


class World:
    def __init__(self):
        self.log, self.rows, self.clock = FakeLog(), FakeRows(), SteppedLogClock(START)

    def put_rule(self, **changes):
        value = rule_value(**changes)
        self.log.append(EntryKind.RULE, self.clock.now(), subject=value["body"]["rule"], value=value)

    def send(self, value, device="m-1"):
        self.log.event(self.clock.now(), device, {"value": value}, feed="meter")

    def engine(self, *, seconds=1.0, snapshot_seconds=0.1):
        self.store, self.script = FakeRuleStore(self.rows, self.log), Script(self.clock, seconds)
        self.metrics = Metrics(CollectorRegistry())
        return RuleEngine(
            reader=self.log, store=self.store, waiter=self.script, feeds=FEEDS, zones={}, log_clock=self.clock,
            io_clock=StillClock(), metrics=self.metrics, poll_seconds=0.5, snapshot_seconds=snapshot_seconds,
        )  # fmt: skip

    async def run(self, engine):
        """Run the engine to the end of its script, then stop it as the supervisor does."""
        task = asyncio.create_task(engine.run())
        ended = asyncio.create_task(self.script.done.wait())
        await asyncio.wait({task, ended}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    def kinds(self):
        return [str(made.kind) for made in self.rows.transitions]

    def ticks(self):
        return [entry for entry in self.log.entries if entry.kind in (EntryKind.TICK, EntryKind.GAP)]


@pytest.fixture
def world(monkeypatch):
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.0)
    return World()


async def test_a_reading_over_the_limit_is_a_committed_alert_and_is_measured(world):
    world.put_rule()
    world.send(20)
    await world.run(world.engine())
    assert world.kinds() == ["opened"]
    assert world.rows.position == 3  # the rule, the reading, and who folds from here on
    value = world.metrics.registry.get_sample_value
    assert value("ioc_rules_evaluated_total", {"rule": "meter.level"}) == 1
    assert value("ioc_alert_transitions_total", {"kind": "opened", "severity": "medium"}) == 1
    assert value("ioc_alert_latency_seconds_count") == 1


async def test_ticks_are_written_only_while_a_timer_runs_and_date_the_alert_by_its_due_time(world):
    world.put_rule(levels=[{"severity": "medium", "when": "value > 10", "for": "5s"}])
    engine = world.engine(seconds=60)
    world.script.at[30.0] = lambda: world.send(20)
    await world.run(engine)
    assert [entry.kind for entry in world.ticks()] == [EntryKind.GAP, *[EntryKind.TICK] * (len(world.ticks()) - 1)]
    assert 5 <= len(world.ticks()) <= 7
    [opened] = world.rows.transitions
    assert opened.at == after(35)


async def test_a_commit_whose_answer_was_lost_is_not_repeated(world):
    world.put_rule()
    world.send(20)
    engine = world.engine()
    world.store.fail_after_commit = True
    await world.run(engine)
    assert world.kinds() == ["opened"]


async def test_a_commit_that_failed_is_made_again(world):
    world.put_rule()
    world.send(20)
    engine = world.engine()
    world.store.fail_commits = 3
    await world.run(engine)
    assert world.kinds() == ["opened"]


async def test_a_restart_takes_the_snapshot_and_folds_to_the_cursor_without_a_word(world):
    world.put_rule(levels=[{"severity": "medium", "when": "value > 10", "for": "60s"}])
    world.send(20)
    await world.run(world.engine(seconds=20))
    world.rows.snapshot = None  # the crash came before the first snapshot
    await world.run(world.engine(seconds=20))
    assert world.kinds() == []
    assert world.rows.snapshot is not None
    await world.run(world.engine(seconds=40))
    assert world.kinds() == ["opened"]
    assert world.rows.transitions[0].at == after(60)


async def test_a_hold_is_ended_by_ticks_after_a_restart_and_dated_when_it_was_over(world):
    """Nothing else arrives: without ticks the alert would fire for ever."""
    world.put_rule(hold="1m", clear={"for": "5s"})
    world.send(20)
    await world.run(world.engine(seconds=20))
    world.rows.snapshot = None
    await world.run(world.engine(seconds=50))
    assert [(made.kind, made.at, made.reason) for made in world.rows.transitions] == [
        ("opened", START, ""),
        ("cleared", after(65), "hold_over"),
    ]
    ticks = len(world.ticks())
    await world.run(world.engine(seconds=20))
    assert len(world.ticks()) == ticks


async def test_what_no_rule_could_use_is_counted(world):
    world.put_rule(mode="monitor")
    world.put_rule(rule="meter.zone", by=["zone"])
    world.send(20)
    world.log.event(world.clock.now(), "m-1", {"value": 5}, feed="meter", time=after(-60))
    world.send(None, "m-2")
    await world.run(world.engine())
    value = world.metrics.registry.get_sample_value
    assert value("ioc_rules_monitored_total", {"rule": "meter.level"}) == 1
    assert value("ioc_rules_late_total", {"rule": "meter.level"}) == 1
    assert value("ioc_rules_no_data_total", {"rule": "meter.level"}) == 1
    assert value("ioc_rules_no_data_total", {"rule": "meter.zone"}) == 3
    assert value("ioc_rules_full_total") == 0


async def test_reaching_the_bound_of_keys_is_counted(world, monkeypatch):
    monkeypatch.setattr(memory_module, "KEYS_MAX", 1)
    world.put_rule()
    for number in range(3):
        world.send(20, f"m-{number}")
    await world.run(world.engine())
    assert world.metrics.registry.get_sample_value("ioc_rules_full_total") == 2


async def test_a_bound_that_stays_reached_does_not_fill_the_log(world, monkeypatch):
    """In a bad night every commit counts some more: the metric has them all, the log says it once a minute."""
    monkeypatch.setattr(memory_module, "KEYS_MAX", 1)
    monkeypatch.setattr(engine_module, "BATCH", 1)
    world.put_rule()
    for number in range(20):
        world.send(20, f"m-{number}")
    with structlog.testing.capture_logs() as said:
        await world.run(world.engine())
    assert world.metrics.registry.get_sample_value("ioc_rules_full_total") == 19
    assert [line["counts"] for line in said if line["event"] == "rules_full"] == [{"meter.level": 1}]


async def test_a_worker_that_is_fenced_off_ends(world):
    world.put_rule()
    engine = world.engine(seconds=5)

    def take_over():
        world.rows.fence += 1
        world.send(20)

    world.script.at[1.0] = take_over
    with pytest.raises(FencedError):
        await asyncio.wait_for(engine.run(), 10)
    assert world.kinds() == []


async def test_a_stop_in_the_middle_of_a_commit_leaves_no_snapshot_ahead_of_the_cursor(world):
    """Such a snapshot would swallow the alerts of the entries in between."""
    world.put_rule()
    engine = world.engine(seconds=5)
    reached = asyncio.Event()

    async def hang(_result):
        reached.set()
        await asyncio.Event().wait()

    await world.run(engine)
    world.send(20)
    engine = world.engine(seconds=5)
    world.store.commit = hang
    task = asyncio.create_task(engine.run())
    await asyncio.wait_for(reached.wait(), 10)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert Memory.restore(world.rows.snapshot[0]).position <= world.rows.position
    await world.run(world.engine())
    assert world.kinds() == ["opened"]


async def test_a_standby_works_on_when_the_holder_goes(world):
    world.put_rule()
    world.send(20)
    other = FakeRuleStore(world.rows, world.log)
    await other.acquire_lease()
    engine = world.engine()
    task = asyncio.create_task(engine.run())
    await asyncio.sleep(0.05)
    assert world.kinds() == []
    await other.release_lease()
    await asyncio.wait_for(world.script.done.wait(), 10)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert world.kinds() == ["opened"]


async def test_a_snapshot_of_another_version_is_set_aside_and_the_log_folded_anew(world):
    world.put_rule()
    world.send(20)
    await world.run(world.engine())
    world.rows.snapshot = (b"not ours", 2, START)
    world.send(5)
    await world.run(world.engine())
    assert world.kinds() == ["opened", "cleared"]


async def test_an_alert_whose_opening_is_no_longer_kept_is_taken_over_and_clears(world):
    """The fold of what is kept would open it anew under another id, which the store refuses: one open alert a key."""
    world.put_rule()
    world.send(20)
    await world.run(world.engine())
    [opened] = world.rows.transitions
    world.log.dropped.add(opened.position)
    world.send(21)
    await world.run(world.engine())
    world.rows.snapshot = (b"of another version", 3, START)
    await world.run(world.engine())
    assert world.kinds() == ["opened"]
    world.send(5)
    await world.run(world.engine())
    assert [(str(made.kind), made.alert_id) for made in world.rows.transitions] == [
        ("opened", opened.alert_id),
        ("cleared", opened.alert_id),
    ]


async def test_an_open_alert_of_which_nothing_is_kept_is_taken_over_with_its_key(world):
    world.put_rule()
    world.send(20)
    await world.run(world.engine())
    [opened] = world.rows.transitions
    world.log.dropped.add(opened.position)
    world.rows.snapshot = (b"of another version", 2, START)
    engine = world.engine()
    await world.run(engine)
    world.send(22)
    world.send(5)
    await world.run(world.engine())
    assert [(str(made.kind), made.alert_id) for made in world.rows.transitions] == [
        ("opened", opened.alert_id),
        ("cleared", opened.alert_id),
    ]


async def test_what_only_the_fold_has_open_is_forgotten_and_opens_anew(world):
    world.put_rule()
    world.send(20)
    await world.run(world.engine())
    world.rows.transitions.clear()  # as if the version before had judged otherwise
    world.rows.snapshot = (b"of another version", 2, START)
    world.send(21)
    await world.run(world.engine())
    assert world.kinds() == ["opened"]
    world.send(5)
    await world.run(world.engine())
    assert world.kinds() == ["opened", "cleared"]
