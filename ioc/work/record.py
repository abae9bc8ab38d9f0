"""What people's work makes of an alert: one action after the other, from the state that it opened with (pure).

The store writes what this gives, and `ioc verify alerts` folds the audit trail with it, so that a work column that
nobody's action explains is found.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ioc.domain.alert import Condition
from ioc.domain.contacts.call import Call
from ioc.domain.people.capabilities import Capability
from ioc.domain.severity import Severity
from ioc.errors import ForbiddenError, InvalidInputError, TransitionError
from ioc.work.transitions import HELD_BY, OF_WHO_HAS_IT, WORK_TRANSITIONS, Need, Origin, WorkAction, WorkState


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDeed:
    """One action of one person, with what it carries; what comes about by itself is nobody's."""

    action: WorkAction
    actor: str | None
    at: datetime
    text: str | None = None
    call: Call | None = None
    assignee: str | None = None
    until: datetime | None = None

    def check(self, *, ends_by_person: bool) -> None:
        """Accept a deed that carries what its row asks for beside what every body of it must have.

        Raises:
            InvalidInputError: the member is named.
        """
        row = WORK_TRANSITIONS[self.action]
        if ends_by_person:
            for need, refusal in row.needs_if_people_end.items():
                if not self.carries(need):
                    raise InvalidInputError(refusal, field=str(need))
        if self.until is None or row.until_max is None:
            return
        if self.until <= self.at:
            raise InvalidInputError("this time has passed: say one that lies ahead", field="until")
        if self.until > self.at + row.until_max:
            hours = row.until_max.total_seconds() / 3600
            raise InvalidInputError(f"at most {hours:g} hours ahead: say an earlier time", field="until")

    def check_allowed(self, severity: Severity, state: WorkState, capabilities: Collection[Capability]) -> None:
        """Accept a deed that who does it may do to an alert of this severity and in this state.

        Raises:
            ForbiddenError: they may not.
        """
        row = WORK_TRANSITIONS[self.action]
        for needed, word in (
            (row.capability_by_severity.get(severity), severity), (row.capability_by_source.get(state), state)
        ):  # fmt: skip
            if needed is not None and needed not in capabilities:
                raise ForbiddenError(f"to {self.action} a {word} alert needs the capability {needed}")

    def carries(self, need: Need) -> bool:
        """Tell whether it has what a row may need."""
        carried = {Need.TEXT: self.text, Need.CALL: self.call, Need.ASSIGNEE: self.assignee, Need.UNTIL: self.until}
        return bool(carried[need])


@dataclass(frozen=True, slots=True)
class WorkRecord:
    """The columns of `alert_work` that follow from the actions. ``version`` counts them, from 1 at the opening."""

    state: WorkState = WorkState.NEW
    version: int = 1
    owner: str | None = None
    """Who has it; while it is new, to whom it is handed."""
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    called_at: datetime | None = None
    """The newest call; the history has all of them. `dispatched_at` likewise."""
    called_by: str | None = None
    dispatched_at: datetime | None = None
    dispatched_by: str | None = None
    false_alarm_at: datetime | None = None
    false_alarm_by: str | None = None
    comments: int = 0
    assigned_at: datetime | None = None
    assigned_by: str | None = None
    shelved_at: datetime | None = None
    shelved_by: str | None = None
    shelved_until: datetime | None = None
    """When it comes back by itself."""
    started_at: datetime | None = None
    started_by: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None

    def after(self, deed: WorkDeed, *, condition: Condition, returned: bool = False) -> WorkRecord:
        """Return the record after a deed, as its row of the table has it; one with words counts as a comment too.

        ``returned``: what people had ended has come back since, so it is as new as when it opened.

        Raises:
            TransitionError: the state does not allow it; or the row forbids it while the condition fires, or where
            nobody has the alert.
        """
        before = replace(self, **nobody_has_it()) if returned else self
        row = WORK_TRANSITIONS[deed.action]
        if row.refused_while_firing is not None and condition is Condition.FIRING:
            raise TransitionError(row.refused_while_firing)
        if row.refused_without_owner is not None and before.owner is None:
            raise TransitionError(row.refused_without_owner)
        state = row.after(before.state)
        if state is None:
            raise TransitionError(f"{deed.action} is not possible while the alert is {before.state}")
        left = {column: None for column, held_by in HELD_BY.items() if state is not held_by}
        columns = {**left, **{column: before.value(column, origin, deed) for column, origin in row.sets.items()}}
        return replace(
            before, state=state, version=before.version + 1, comments=before.comments + bool(deed.text), **columns
        )

    def value(self, column: str, origin: Origin, deed: WorkDeed) -> Any:
        """Return what a deed makes of a column, by where its row says that the value comes from."""
        values: dict[Origin, Any] = {
            Origin.ACTOR: deed.actor,
            Origin.TIME: deed.at,
            Origin.KEPT_OR_ACTOR: getattr(self, column) or deed.actor,
            Origin.KEPT_OR_TIME: getattr(self, column) or deed.at,
            Origin.ASSIGNEE: deed.assignee,
            Origin.UNTIL: deed.until,
            Origin.NOTHING: None,
        }
        return values[origin]


def nobody_has_it() -> dict[str, Any]:
    """Return the columns of an alert that nobody has; calls that were made stay made."""
    return {**dict.fromkeys(OF_WHO_HAS_IT), "state": WorkState.NEW}
