"""The judgement over an instance after its faults: its tables against the witness, what it derived against its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proof.checkers.alerts import alert_mismatches, refold
from proof.checkers.events import events_of, judge_events
from proof.checkers.series import expected_series, series_mismatches
from proof.checkers.stored_tables import conserved, read_tables, settle
from proof.harness.instance import Instance, InstanceError
from proof.harness.recorder import OperationHistory

FIELDS = frozenset({"rain_mm", "rain_24h_mm"})


async def judge(instance: Instance, history: OperationHistory, names: Sequence[str], *, full: bool) -> dict[str, Any]:
    """Return the figures of a run; ``problems`` names each promise that broke.

    ``full``: also everything that is derived from the log (series, alerts, counts) against the log.
    """
    problems: list[str] = []
    try:
        await settle(instance)
    except InstanceError as error:
        problems.append(str(error))
    after = await read_tables(instance, names)
    events = events_of(after.entries, names)
    verdict = judge_events(history, events)
    if not verdict.clean:
        problems.append(f"events: {verdict.facts()}")
    figures: dict[str, Any] = verdict.facts()
    if not full:
        return {**figures, "problems": problems}
    expected = refold(after.entries, after.feeds, after.zone)
    found = {"series_mismatches": series_mismatches(expected_series(events, FIELDS), after.series),
             "alert_mismatches": alert_mismatches(expected, after.alerts)}  # fmt: skip
    problems += [f"{name}: {count}" for name, count in found.items() if count]
    if not conserved(after.counts):
        problems.append(f"the tables disagree: {after.counts}")
    if not expected:
        problems.append("no alert opened: the run proves nothing about alerts")
    return {**figures, **found, "series_buckets": len(after.series), "alerts": len(expected),
            "transitions": sum(len(moves) for moves in expected.values()), "tables": dict(after.counts),
            "problems": problems}  # fmt: skip
