"""The duty roster: shifts, their history, who is on duty, where nobody is, and what a pattern makes."""

from typing import Literal

from pydantic import Field

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, WholeListModel
from ioc.api.serializers.models.contacts import NamedUnitModel
from ioc.domain.roster.shift import ShiftAction, ShiftRole


class OverrideModel(AnswerModel):
    """Who stands in for a part of a shift."""

    contact: str
    title: LabelModel | None
    starts_at: Moment
    ends_at: Moment


class ShiftModel(AnswerModel):
    """A contact of a unit on duty. Its end does not belong to it."""

    id: str
    unit: NamedUnitModel
    contact: str
    title: LabelModel
    person: str | None
    """Who holds the function; null: not said, or erased."""
    gone: bool
    """Its contact or unit was taken out of the directory: nobody is on duty."""
    role: ShiftRole
    starts_at: Moment
    ends_at: Moment
    overrides: list[OverrideModel]
    """The later one counts."""
    pattern: str | None
    """The pattern that made it."""
    removed: bool
    """It was taken out; an undo brings it back."""
    version: int
    changed_at: Moment
    changed_by: str
    changed_why: str


class ShiftListModel(WholeListModel):
    """Shifts by their beginning."""

    items: list[ShiftModel]


class ShiftBodyModel(AnswerModel):
    """How a shift stood after a step."""

    unit: str
    contact: str
    title: LabelModel | None
    role: ShiftRole
    starts_at: Moment
    ends_at: Moment
    overrides: list[OverrideModel]


class ShiftStepModel(AnswerModel):
    """A step of a shift's history."""

    number: int
    at: Moment
    actor: str
    action: ShiftAction
    why: str
    version: int
    other: str | None
    """The shift that it was swapped with."""
    shift: ShiftBodyModel | None
    """Null: it was taken out."""


class ShiftHistoryModel(WholeListModel):
    """Steps, the newest first."""

    items: list[ShiftStepModel]


class OnDutyModel(AnswerModel):
    """Somebody who is on duty now."""

    contact: str
    title: LabelModel | None
    person: str | None
    role: ShiftRole
    until: Moment
    shift: str
    stands_for: LabelModel | None
    """Whose shift it is, where that is another."""


class GapModel(AnswerModel):
    """A stretch in which nobody is on duty."""

    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")


class UnitCoverageModel(AnswerModel):
    """Who of a unit is on duty now, and where nobody is."""

    unit: NamedUnitModel
    on_duty: list[OnDutyModel]
    unstaffed: bool
    """It keeps a roster, is there by its hours, and nobody is on duty now."""
    gaps: list[GapModel]


class CoverageModel(AnswerModel):
    """Units that keep a roster, by id."""

    at: Moment
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    items: list[UnitCoverageModel]


class PlannedShiftModel(AnswerModel):
    """A shift that a pattern would make."""

    contact: str
    title: LabelModel | None
    starts_at: Moment
    ends_at: Moment
    clash: bool
    """Its contact is on another shift meanwhile."""


class PatternPreviewModel(AnswerModel):
    """What a pattern would make."""

    items: list[PlannedShiftModel]
    clashes: int


class PatternDoneModel(AnswerModel):
    """A pattern that was written."""

    pattern: str
    shifts: int


class PatternUndoneModel(AnswerModel):
    """What was taken out of a pattern."""

    removed: int
    kept: int
    """Shifts that somebody had changed since: they stay."""


class NotedAlertModel(AnswerModel):
    """The alert that a line of the shift log is about."""

    id: str
    number: str | None
    title: LabelModel | None


class ShiftNoteModel(AnswerModel):
    """A line of the shift log."""

    id: int
    at: Moment
    author: str
    text: str
    place: LabelModel | None
    """Null: the whole site."""
    alert: NotedAlertModel | None
    corrects: int | None
    """The line that it corrects."""
    corrected: bool
    """A later line corrects it."""


class ShiftNoteListModel(WholeListModel):
    """Lines of the shift log, the newest first."""

    items: list[ShiftNoteModel]


class DutyModeModel(AnswerModel):
    """A duty mode as somebody has declared it."""

    id: str
    mode: Literal["reinforced", "emergency"]
    level: int | None
    """The civil-defence level that was declared: 1 commune, 2 province, 3 national."""
    decision: str | None
    starts_at: Moment
    ends_at: Moment | None
    """Null: until somebody ends it."""
    why: str
    declared_at: Moment
    declared_by: str
    ended_by: str | None
    ended_why: str | None
    version: int


class DutyModeListModel(WholeListModel):
    """Duty modes, the newest start first."""

    items: list[DutyModeModel]
