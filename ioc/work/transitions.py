"""What people may do with an alert: one row for each action, which the API, the store, drills and the check all read.

A row says who may do it, from which states to which, what it must carry, which columns it sets, what takes it back and
which step of a drill it is. A new action is its member of ``WorkAction`` and its row here, its words on the screens and
its line of docs/alerts.md; a column of its own comes on top, as CONTRIBUTING.md's recipe says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from ioc.domain.people.capabilities import Capability
from ioc.domain.severity import Severity


class WorkState(StrEnum):
    """How far people are with an alert; written by people only."""

    NEW = "new"
    """Chưa nhận: nobody has taken note."""
    ACKNOWLEDGED = "acknowledged"
    """Đã nhận: somebody has it."""
    IN_PROGRESS = "in_progress"
    """Đang xử lý: somebody has begun to deal with it."""
    RESOLVED = "resolved"
    """Đã xử lý: done; refused while the condition fires."""
    FALSE_ALARM = "false_alarm"
    """Cảnh báo sai: told with a reason; silent until its condition rises a level or returns after it cleared."""
    SHELVED = "shelved"
    """Tạm ẩn: silent until a time; comes back then, and at once when its condition rises or returns."""
    CLOSED = "closed"
    """Đã đóng: resolved and final; who leads the shift may reopen it, and a condition that fires again does."""


class WorkAction(StrEnum):
    """What a person does with an alert."""

    ACKNOWLEDGE = "acknowledge"
    """Take note of it."""
    COMMENT = "comment"
    """Write something down."""
    RESOLVE = "resolve"
    """Say that it is done."""
    REOPEN = "reopen"
    """Take back what was said of it: back to new."""
    CALL = "call"
    """Those concerned were called."""
    DISPATCH = "dispatch"
    """It was handed to who deals with it."""
    FALSE_ALARM = "false-alarm"
    """Say that it is none, and why."""
    ASSIGN = "assign"
    """Hand it to somebody, who has yet to take it."""
    UNASSIGN = "unassign"
    """Take that back: it is everybody's again."""
    SHELVE = "shelve"
    """Put it aside until a time, and why."""
    UNSHELVE = "unshelve"
    """Bring it back: somebody does, or it comes by itself."""
    START = "start"
    """Begin to deal with it."""
    CLOSE = "close"
    """Say that nothing is left to do."""


class Need(StrEnum):
    """What an action must carry, or may."""

    TEXT = "text"
    """Words: a comment, a reason, what came of it."""
    CALL = "call"
    """Which contact of the directory was called, and what came of it."""
    ASSIGNEE = "assignee"
    """The account that it is handed to."""
    UNTIL = "until"
    """Until when it is put aside."""


class Origin(StrEnum):
    """Where the value of a column comes from that an action sets."""

    ACTOR = "actor"
    """Who does it."""
    TIME = "time"
    """When it is done."""
    KEPT_OR_ACTOR = "kept_or_actor"
    """Who stands there already, else who does it."""
    KEPT_OR_TIME = "kept_or_time"
    """The time that stands there already, else when it is done."""
    ASSIGNEE = "assignee"
    """To whom it is handed."""
    UNTIL = "until"
    """Until when it is put aside."""
    NOTHING = "nothing"
    """Null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTransition:
    """One row: all that is particular to an action."""

    title: str
    """Its name in the API's description; ``text`` says there what it does."""
    text: str
    capability: Capability = Capability.HANDLE
    """What who does it must be allowed to."""
    capability_by_severity: Mapping[Severity, Capability] = field(default_factory=dict)
    """What they must be allowed to beside that, by the alert's severity."""
    capability_by_source: Mapping[WorkState, Capability] = field(default_factory=dict)
    """What they must be allowed to beside that, by the state from which it goes."""
    sources: frozenset[WorkState] = frozenset(WorkState)
    """From which states."""
    target: WorkState | None = None
    """To which; None: the state stays as it is."""
    needs: frozenset[Need] = frozenset()
    """What it must carry."""
    may: frozenset[Need] = frozenset()
    """What it may carry beside words."""
    needs_if_people_end: Mapping[Need, str] = field(default_factory=dict)
    """What it must carry beside that on an alert that only people end, and the refusal without it."""
    until_max: timedelta | None = None
    """How far ahead the time may lie that it carries."""
    refused_while_firing: str | None = None
    """The refusal while the condition fires; None: it is done whatever the condition is."""
    refused_without_owner: str | None = None
    """The refusal where nobody has it; None: it is done then too."""
    sets: Mapping[str, Origin] = field(default_factory=dict)
    """Columns of the record, each with where its value comes from."""
    undone_by: WorkAction | None = None
    """The action that takes it back, to the state that its own row says; None: what was done stays done."""
    drill_step: str | None = None
    """Where a drill is scored by it, the step's name in the score."""
    implies: WorkAction | None = None
    """The action that it does too, where nobody had done it."""

    def after(self, state: WorkState) -> WorkState | None:
        """Return the state after it, None where it is not possible."""
        return (self.target or state) if state in self.sources else None


def _stamp(name: str) -> dict[str, Origin]:
    """Return the two columns that say when it was done last, and by whom."""
    return {f"{name}_at": Origin.TIME, f"{name}_by": Origin.ACTOR}


OF_WHO_HAS_IT = (
    "owner", "assigned_at", "assigned_by", "acknowledged_at", "acknowledged_by", "resolved_at", "resolved_by",
    "false_alarm_at", "false_alarm_by", "shelved_at", "shelved_by", "shelved_until", "started_at", "started_by",
    "closed_at", "closed_by",
)  # fmt: skip
"""Columns that are empty of an alert that nobody has; who was called and to whom it went stay, whatever comes after."""
HELD_BY: Mapping[str, WorkState] = {
    **dict.fromkeys(("false_alarm_at", "false_alarm_by"), WorkState.FALSE_ALARM),
    **dict.fromkeys(("shelved_at", "shelved_by", "shelved_until"), WorkState.SHELVED),
    **dict.fromkeys(("closed_at", "closed_by"), WorkState.CLOSED),
}
"""Columns that say something only in one state: whatever leads out of it empties them."""
ENDED = (WorkState.RESOLVED, WorkState.FALSE_ALARM, WorkState.CLOSED)
"""States in which people are done with an alert. It may come back: then it is new, whatever they had said."""
SILENT = (WorkState.FALSE_ALARM, WorkState.SHELVED)
"""States in which an alert makes no sound and colours nothing, though its condition may go on."""
SHELVED_MAX = timedelta(hours=24)
"""How long an alert may be put aside at once: whoever comes a day later must look at it anew."""

WORK_TRANSITIONS: Mapping[WorkAction, WorkTransition] = {
    WorkAction.ACKNOWLEDGE: WorkTransition(
        title="Take note",
        text="Take note of an alert and own it.",
        sources=frozenset({WorkState.NEW, WorkState.FALSE_ALARM, WorkState.SHELVED}),
        target=WorkState.ACKNOWLEDGED,
        sets={"owner": Origin.ACTOR, **_stamp("acknowledged")},
        undone_by=WorkAction.REOPEN,
        drill_step="receive",
    ),
    WorkAction.COMMENT: WorkTransition(title="Comment", text="Write something down.", needs=frozenset({Need.TEXT})),
    WorkAction.RESOLVE: WorkTransition(
        title="Resolve",
        text="Say that it is done; refused (409) while the condition fires.\n\n"
        "An alert that only people end (`ends` is `person`) may be resolved at any time; the text says what came of it "
        "(422).",
        sources=frozenset(WorkState) - {WorkState.RESOLVED, WorkState.CLOSED},
        target=WorkState.RESOLVED,
        needs_if_people_end={Need.TEXT: "say what came of it: only people end this alert"},
        refused_while_firing="the condition still fires: it cannot be resolved before it clears",
        sets={"owner": Origin.KEPT_OR_ACTOR, **_stamp("resolved")},
        undone_by=WorkAction.REOPEN,
    ),
    WorkAction.CALL: WorkTransition(
        title="Note a call",
        text="Note that those concerned were called; the text says who and what was agreed.\n\n"
        "With `contact` and `outcome` it is a call of the directory: the text begins with whom it was and what came of "
        "it, and `GET /api/v1/alerts/{alert}/contacts` remembers it.",
        may=frozenset({Need.CALL}),
        sets=_stamp("called"),
        drill_step="call",
    ),
    WorkAction.DISPATCH: WorkTransition(
        title="Hand on",
        text="Note that it was handed to who deals with it; the text says to whom.",
        sets=_stamp("dispatched"),
        drill_step="dispatch",
    ),
    WorkAction.FALSE_ALARM: WorkTransition(
        title="False alarm",
        text="Say that it is none, and why: silent until its condition rises a level, or returns after it cleared.",
        # From a false alarm too: one that came back since is told anew by those who read it, and may be false again.
        sources=frozenset(WorkState) - {WorkState.CLOSED},
        target=WorkState.FALSE_ALARM,
        needs=frozenset({Need.TEXT}),
        # Nobody deals with it any more: should it come back, it is everybody's again.
        sets={"owner": Origin.NOTHING, **_stamp("false_alarm")},
        undone_by=WorkAction.REOPEN,
    ),
    WorkAction.ASSIGN: WorkTransition(
        title="Assign",
        text="Hand it to somebody who may handle it where it is (`GET /api/v1/alerts/{alert}/assignees`); nobody else "
        "(422).\n\nIt is `new`, and stands with what nobody has taken, until the assignee takes note of it.",
        sources=frozenset({WorkState.NEW, WorkState.ACKNOWLEDGED, WorkState.IN_PROGRESS}),
        target=WorkState.NEW,
        needs=frozenset({Need.ASSIGNEE}),
        sets={
            "owner": Origin.ASSIGNEE,
            **_stamp("assigned"),
            **dict.fromkeys(("acknowledged_at", "acknowledged_by", "started_at", "started_by"), Origin.NOTHING),
        },
        undone_by=WorkAction.UNASSIGN,
    ),
    WorkAction.UNASSIGN: WorkTransition(
        title="Take an assignment back",
        text="It is everybody's again; refused (409) where it was handed to nobody.",
        sources=frozenset({WorkState.NEW}),
        target=WorkState.NEW,
        refused_without_owner="it was handed to nobody",
        sets=dict.fromkeys(("owner", "assigned_at", "assigned_by"), Origin.NOTHING),
    ),
    WorkAction.SHELVE: WorkTransition(
        title="Shelve",
        text="Put it aside until a time (`until`, at most 24 hours ahead), and why: it stands apart and makes no "
        "sound.\n\nIt comes back as `new` when that time has passed, and at once when its condition rises a level or "
        "returns after it cleared. Who shelves a `critical` one must lead the shift (capability `lead`, 403 else).",
        sources=frozenset({WorkState.NEW, WorkState.ACKNOWLEDGED, WorkState.IN_PROGRESS, WorkState.SHELVED}),
        target=WorkState.SHELVED,
        needs=frozenset({Need.TEXT, Need.UNTIL}),
        until_max=SHELVED_MAX,
        capability_by_severity={Severity.CRITICAL: Capability.LEAD},
        # Nobody deals with it meanwhile: when it comes back it is everybody's again.
        sets={"owner": Origin.NOTHING, **_stamp("shelved"), "shelved_until": Origin.UNTIL},
        undone_by=WorkAction.UNSHELVE,
    ),
    WorkAction.UNSHELVE: WorkTransition(
        title="Bring back what was shelved",
        text="It is `new` again, and everybody's.",
        sources=frozenset({WorkState.SHELVED}),
        target=WorkState.NEW,
        sets=dict.fromkeys(OF_WHO_HAS_IT, Origin.NOTHING),
    ),
    WorkAction.START: WorkTransition(
        title="Start",
        text="Say that somebody has begun to deal with it: who says so has it, and has taken note of it where nobody "
        "had.",
        sources=frozenset({WorkState.NEW, WorkState.ACKNOWLEDGED, WorkState.SHELVED}),
        target=WorkState.IN_PROGRESS,
        sets={
            "owner": Origin.ACTOR,
            **_stamp("started"),
            "acknowledged_at": Origin.KEPT_OR_TIME,
            "acknowledged_by": Origin.KEPT_OR_ACTOR,
        },
        undone_by=WorkAction.REOPEN,
        implies=WorkAction.ACKNOWLEDGE,
    ),
    WorkAction.CLOSE: WorkTransition(
        title="Close",
        text="Say that nothing is left to do about what was resolved. It is final: who leads the shift (capability "
        "`lead`) may reopen it, and a condition that fires again makes it new.",
        sources=frozenset({WorkState.RESOLVED}),
        target=WorkState.CLOSED,
        sets=_stamp("closed"),
    ),
    WorkAction.REOPEN: WorkTransition(
        title="Reopen",
        text="Undo an acknowledge, a start, a resolve or a false alarm. What was closed is reopened by who leads the "
        "shift (capability `lead`, 403 else).",
        sources=frozenset(WorkState) - {WorkState.NEW, WorkState.SHELVED},
        target=WorkState.NEW,
        capability_by_source={WorkState.CLOSED: Capability.LEAD},
        sets=dict.fromkeys(OF_WHO_HAS_IT, Origin.NOTHING),
    ),
}
ENDING = tuple(
    action for action, row in WORK_TRANSITIONS.items() if row.target in ENDED and not row.sources <= set(ENDED)
)
"""Actions by which people are done with an alert; a close only puts its seal on that."""
BROUGHT_BACK = tuple(action for action, row in WORK_TRANSITIONS.items() if row.target in {*ENDED, *SILENT})
"""Actions that the condition overrules once it rises or returns: the alert is new then, whatever was said of it."""
DRILL_STEPS: Mapping[WorkAction, str] = {
    action: row.drill_step for action, row in WORK_TRANSITIONS.items() if row.drill_step is not None
}
"""Actions that a drill is scored by, in the order of handling an alert, each with its name in the score."""
