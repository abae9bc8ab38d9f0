"""What `ioc limits import` prints of an import: counts, or each fault with its line and cell."""

from __future__ import annotations

from ioc.commands.row_import import RowReport
from tests.unit.limits.test_plan import plan_of


def test_faults_are_told_by_line_and_cell_and_nothing_counts_as_written():
    plan = plan_of("cod,,m-1,,,100,cm,GP,true,,", "cod,,m-9,,,100,cm,GP,true,,")
    plan.compare({})
    report = RowReport(plan)
    assert report.lines("permits.csv") == [
        "permits.csv:3: device: no device m-9 is registered (register it first) (C3)",
        "permits.csv: 1 problems, nothing was written",
    ]
    (problem,) = report.as_json()["problems"]
    assert (problem["line"], problem["cell"], problem["code"]) == (3, "C3", "unknown_device")


def test_what_was_written_is_counted_and_a_dry_run_says_so():
    plan = plan_of("cod,,m-1,,,100,cm,GP,true,,")
    plan.compare({})
    assert RowReport(plan).lines("permits.csv") == ["permits.csv: 1 new, 0 changed, 0 as they were"]
    told = RowReport(plan, dry_run=True)
    assert told.lines("permits.csv")[0].endswith("(dry run: nothing was written)")
    assert told.as_json()["created"] == plan.ids
