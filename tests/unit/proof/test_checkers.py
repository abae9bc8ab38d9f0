"""The proof's own judges: each kind of fault is found, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ioc.domain.event import Event
from proof.checkers.alerts import alert_mismatches
from proof.checkers.events import judge_events
from proof.checkers.series import expected_series, series_mismatches
from proof.checkers.stored_tables import conserved
from proof.checkers.stream import judge_stream
from proof.harness.recorder import OperationHistory, Recorder
from proof.harness.report import Report, bound_95

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def event(identifier: str = "1", *, device: str = "d", rain: float = 1.5, at: datetime = NOON) -> Event:
    return Event(
        feed="rainfall", device=device, key=b"k", effective=at, received_at=NOON, data={"rain_mm": rain}, id=identifier
    )


def history(*acknowledged: str, unknown: tuple[str, ...] = ()) -> OperationHistory:
    names = [("d", name) for name in (*acknowledged, *unknown)]
    return OperationHistory(
        sent={name: {"rain_mm": 1.5} for name in names}, acknowledged={("d", name) for name in acknowledged}
    )


def test_a_clean_run_is_clean():
    verdict = judge_events(history("1", "2"), [event("1"), event("2")])
    assert verdict.clean
    assert (verdict.operations, verdict.acknowledged, verdict.stored) == (2, 2, 2)


@pytest.mark.parametrize(
    ("stored", "fault"),
    [
        ([event("1")], "lost"),
        ([event("1"), event("2"), event("2")], "stored_twice"),
        ([event("1"), event("2"), event("3")], "unexpected"),
        ([event("1"), event("2", rain=9.0)], "altered"),
    ],
)
def test_each_fault_is_found_under_its_name(stored, fault):
    verdict = judge_events(history("1", "2"), stored)
    assert not verdict.clean
    assert {name: verdict.facts()[name] for name in ("lost", "stored_twice", "unexpected", "altered")} == {
        "lost": 0, "stored_twice": 0, "unexpected": 0, "altered": 0, fault: 1,
    }  # fmt: skip


def test_what_was_never_acknowledged_may_be_stored_or_not():
    assert judge_events(history("1", unknown=("2",)), [event("1")]).clean
    verdict = judge_events(history("1", unknown=("2",)), [event("1"), event("2")])
    assert verdict.clean
    assert verdict.recovered == 1


def test_the_same_id_of_two_devices_is_two_events():
    both = OperationHistory(sent={("d", "1"): {}, ("e", "1"): {}}, acknowledged={("d", "1"), ("e", "1")})
    assert judge_events(both, [event("1"), event("1", device="e")]).clean


def test_series_are_recomputed_in_five_minutes_hours_and_local_days():
    before_midnight = datetime(2026, 11, 23, 16, 59, tzinfo=UTC)  # 23:59 in Hòa Bình
    events = [event("1", rain=1.0, at=before_midnight), event("2", rain=3.0, at=before_midnight + timedelta(minutes=2))]
    expected = expected_series(events, frozenset({"rain_mm"}))
    days = {key[3]: row for key, row in expected.items() if key[2] == 86_400}
    assert days == {
        datetime(2026, 11, 22, 17, tzinfo=UTC): (1, 1.0, 1.0, 1.0),
        datetime(2026, 11, 23, 17, tzinfo=UTC): (1, 3.0, 3.0, 3.0),
    }
    assert series_mismatches(expected, expected) == 0
    key = next(iter(expected))
    assert series_mismatches(expected, {**expected, key: (2, 1.0, 1.0, 1.0)}) == 1
    assert series_mismatches(expected, {name: row for name, row in expected.items() if name != key}) == 1


def test_an_alert_that_is_missing_surplus_or_moved_otherwise_is_one_mismatch():
    moves = {("r", "k", 1): [("opened", "low", 1), ("cleared", "low", 5)]}
    assert alert_mismatches(moves, moves) == 0
    assert alert_mismatches(moves, {}) == 1
    assert alert_mismatches({}, moves) == 1
    assert alert_mismatches(moves, {("r", "k", 1): [("opened", "low", 1)]}) == 1
    assert alert_mismatches(moves, {("r", "k", 2): moves["r", "k", 1]}) == 2


def test_the_tables_must_agree_and_no_letter_be_dead():
    agreed = {"events": 3, "keys": 3, "ledger": 3, "devices_seen": 3, "dead_letters": 0}
    assert conserved(agreed)
    assert not conserved({**agreed, "ledger": 4})
    assert not conserved({**agreed, "dead_letters": 1})


def test_a_stream_with_a_gap_a_repeat_or_a_swap_is_told():
    assert judge_stream([1, 2, 3], [1, 2, 3]).clean
    assert judge_stream([1, 3], [1, 2, 3]).gaps == 1
    assert judge_stream([1, 2, 2, 3], [1, 2, 3]).repeats == 1
    assert judge_stream([1, 3, 2], [1, 2, 3]).disordered == 1
    assert judge_stream([1, 2, 9], [1, 2]).foreign == 1


def test_the_witness_reads_back_what_it_wrote(tmp_path):
    recorder = Recorder(tmp_path / "history.jsonl")
    recorder.note("invoke", "d", "1", values={"rain_mm": 1.5})
    recorder.note("info", "d", "1")
    recorder.note("ok", "d", "1")
    recorder.note("invoke", "d", "2", values={})
    recorder.note("fail", "d", "2")
    found = recorder.history()
    recorder.close()
    assert found.sent == {("d", "1"): {"rain_mm": 1.5}, ("d", "2"): {}}
    assert (found.acknowledged, found.refused, found.unknown) == ({("d", "1")}, {("d", "2")}, {("d", "1")})


@pytest.mark.parametrize(
    ("held", "evidence", "control_failed", "verdict"),
    [
        (True, True, True, "held"),
        (True, True, None, "held"),
        (True, True, False, "no evidence"),
        (True, False, True, "void"),
        (False, True, True, "broken"),
    ],
)
def test_a_proof_whose_control_passes_is_no_evidence(held, evidence, control_failed, verdict):
    report = Report("x", 1, "y")
    report.judge(held=held, evidence=evidence, control_failed=control_failed)
    assert report.verdict == verdict


def test_the_bound_counts_faults():
    assert bound_95(20) == 0.15
    assert bound_95(300) == 0.01
    assert bound_95(0) is None
