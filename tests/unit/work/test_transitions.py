"""The table of work: each row can be followed, and what the table says of itself holds."""

from __future__ import annotations

import pytest

from ioc.work.record import WorkRecord
from ioc.work.transitions import (
    BROUGHT_BACK,
    DRILL_STEPS,
    ENDED,
    ENDING,
    HELD_BY,
    OF_WHO_HAS_IT,
    WORK_TRANSITIONS,
    WorkAction,
    WorkState,
)

COLUMNS = set(WorkRecord.__dataclass_fields__)


def test_every_action_has_its_row():
    assert set(WORK_TRANSITIONS) == set(WorkAction)


@pytest.mark.parametrize("action", WorkAction)
def test_a_row_sets_columns_that_are_there_and_that_no_other_rule_keeps(action: WorkAction):
    row = WORK_TRANSITIONS[action]
    assert set(row.sets) <= COLUMNS - {"state", "version", "comments"}
    assert row.sources <= set(WorkState)
    assert row.title
    assert row.text


@pytest.mark.parametrize("action", WorkAction)
def test_what_takes_an_action_back_is_possible_after_it_and_leads_to_new(action: WorkAction):
    row = WORK_TRANSITIONS[action]
    if row.undone_by is not None:
        assert row.target is not None, "what changed no state has none to go back from"
        assert WORK_TRANSITIONS[row.undone_by].after(row.target) is WorkState.NEW


def test_columns_that_a_rule_empties_are_those_of_the_record():
    assert set(OF_WHO_HAS_IT) | set(HELD_BY) <= COLUMNS


def test_people_end_an_alert_by_a_resolve_a_close_or_a_false_alarm_and_the_condition_brings_it_and_a_shelved_one_back():
    assert ENDED == (WorkState.RESOLVED, WorkState.FALSE_ALARM, WorkState.CLOSED)
    assert ENDING == (WorkAction.RESOLVE, WorkAction.FALSE_ALARM)
    assert BROUGHT_BACK == (WorkAction.RESOLVE, WorkAction.FALSE_ALARM, WorkAction.SHELVE, WorkAction.CLOSE)


def test_a_drill_is_scored_by_actions_under_the_names_that_kept_scores_have():
    assert list(DRILL_STEPS.values()) == ["receive", "call", "dispatch"]
    assert WorkAction.COMMENT not in DRILL_STEPS
