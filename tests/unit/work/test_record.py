"""What people's actions make of an alert's work columns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ioc.domain.alert import Condition
from ioc.errors import InvalidInputError, TransitionError
from ioc.work.record import WorkDeed, WorkRecord
from ioc.work.transitions import WorkAction, WorkState

AT = datetime(2026, 11, 28, 3, tzinfo=UTC)


def done(record, action, *, actor="an", commented=False, condition=Condition.CLEARED):
    deed = WorkDeed(action=action, actor=actor, at=AT, text="đã xem" if commented else None)
    return record.after(deed, condition=condition)


def test_taking_note_resolving_and_undoing_leave_what_was_counted():
    taken = done(WorkRecord(), WorkAction.ACKNOWLEDGE, commented=True)
    assert taken == WorkRecord(WorkState.ACKNOWLEDGED, 2, "an", AT, "an", comments=1)
    resolved = done(taken, WorkAction.RESOLVE, actor="bình")
    assert (resolved.owner, resolved.resolved_by, resolved.version) == ("an", "bình", 3)
    assert done(resolved, WorkAction.REOPEN) == WorkRecord(version=4, comments=1)


def test_a_comment_changes_the_count_and_the_version_alone():
    assert done(WorkRecord(), WorkAction.COMMENT, commented=True) == WorkRecord(version=2, comments=1)


def test_who_resolves_unowned_work_owns_it_but_never_while_it_fires():
    assert done(WorkRecord(), WorkAction.RESOLVE).owner == "an"
    with pytest.raises(TransitionError):
        done(WorkRecord(), WorkAction.RESOLVE, condition=Condition.FIRING)


def test_who_was_called_and_to_whom_it_went_stay_whatever_comes_after():
    called = done(WorkRecord(), WorkAction.CALL, commented=True)
    assert (called.state, called.called_at, called.called_by) == (WorkState.NEW, AT, "an")
    sent = done(done(called, WorkAction.ACKNOWLEDGE), WorkAction.DISPATCH, actor="bình")
    undone = done(sent, WorkAction.REOPEN)
    assert (undone.state, undone.called_by, undone.dispatched_by) == (WorkState.NEW, "an", "bình")


def test_a_false_alarm_is_nobodys_and_is_forgotten_once_somebody_takes_it():
    false = done(done(WorkRecord(), WorkAction.ACKNOWLEDGE), WorkAction.FALSE_ALARM, condition=Condition.FIRING)
    assert (false.state, false.owner, false.false_alarm_by) == (WorkState.FALSE_ALARM, None, "an")
    assert done(false, WorkAction.CALL).false_alarm_by == "an"
    taken = done(false, WorkAction.ACKNOWLEDGE, actor="bình")
    assert (taken.state, taken.owner, taken.false_alarm_by) == (WorkState.ACKNOWLEDGED, "bình", None)


def test_what_had_come_back_is_as_new_before_the_action_and_calls_stay_made():
    false = done(done(WorkRecord(), WorkAction.CALL), WorkAction.FALSE_ALARM)
    noted = false.after(WorkDeed(action=WorkAction.COMMENT, actor="an", at=AT, text="x"), condition=Condition.FIRING,
                        returned=True)  # fmt: skip
    assert noted == WorkRecord(version=4, called_at=AT, called_by="an", comments=1)


def test_an_outcome_is_asked_for_where_only_people_end_the_alert():
    resolve = WorkDeed(action=WorkAction.RESOLVE, actor="an", at=AT)
    resolve.check(ends_by_person=False)
    with pytest.raises(InvalidInputError, match="what came of it"):
        resolve.check(ends_by_person=True)
    WorkDeed(action=WorkAction.RESOLVE, actor="an", at=AT, text="đã đưa ra khỏi nhà").check(ends_by_person=True)
    WorkDeed(action=WorkAction.CALL, actor="an", at=AT).check(ends_by_person=True)
