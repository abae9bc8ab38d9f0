"""The directory: units, contacts, the history of each, and whom to call about an alert."""

from typing import Literal

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, WholeListModel
from ioc.contacts.choice import CandidateReason, ContactGap
from ioc.domain.contacts.call import CallOutcome
from ioc.domain.contacts.directory import DirectoryAction, DirectoryOrigin, MethodKind
from ioc.domain.severity import Severity


class HoursModel(AnswerModel):
    """When somebody is there, as a rule's `active` says it; what is null is every day, all day, holidays too."""

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None
    hours: list[str] | None
    """Periods such as `07:30-17:00`."""
    holidays: Literal["include", "exclude", "only"] | None


class ContactMethodModel(AnswerModel):
    """One way to reach a contact."""

    kind: MethodKind
    value: str


class UnitAreaModel(AnswerModel):
    """An area or a zone that a unit acts in."""

    code: str
    name: LabelModel | None


class DirectoryEntryModel(AnswerModel):
    """What a unit and a contact share."""

    id: str
    origin: DirectoryOrigin
    removed: bool
    """It was taken out; an undo brings it back."""
    version: int
    changed_at: Moment
    changed_by: str | None
    """Null: the pack."""
    changed_why: str


class UnitModel(DirectoryEntryModel):
    """An agency or team that acts."""

    name: LabelModel
    function: LabelModel | None
    rank: int
    """Of units that are alike near, the lowest is called first."""
    domains: list[str]
    """None: every domain."""
    areas: list[UnitAreaModel]
    """None: everywhere."""
    hours: HoursModel | None
    """Null: around the clock."""
    parent: str | None
    """The unit that it is part of."""
    next_level: str | None
    """Who is called where nobody of it can be."""


class UnitListModel(WholeListModel):
    """Units by id."""

    items: list[UnitModel]


class ContactModel(DirectoryEntryModel):
    """A function of a unit that can be called."""

    unit: str
    unit_name: LabelModel
    title: LabelModel
    rank: int
    """The lowest of a unit is called first."""
    methods: list[ContactMethodModel]
    """In the order in which they are tried."""
    hours: HoursModel | None
    """Null: in the unit's hours."""
    severity_from: Severity
    """The lowest severity that it is called for."""
    deputy: str | None
    """The contact of the same unit that stands in outside its hours."""
    person: str | None
    """Who holds the function; null: not said, or erased."""


class ContactListModel(WholeListModel):
    """Contacts by id."""

    items: list[ContactModel]


class UnitBodyModel(AnswerModel):
    """How a unit stood after a step."""

    name: LabelModel
    function: LabelModel | None
    rank: int
    domains: list[str]
    areas: list[str]
    hours: HoursModel | None
    parent: str | None
    next_level: str | None


class ContactBodyModel(AnswerModel):
    """How a contact stood after a step."""

    unit: str
    title: LabelModel
    rank: int
    methods: list[ContactMethodModel]
    hours: HoursModel | None
    severity_from: Severity
    deputy: str | None
    has_person: bool


class DirectoryStepModel(AnswerModel):
    """A step of the history of a unit or a contact."""

    number: int
    at: Moment
    actor: str | None
    """Null: the pack."""
    action: DirectoryAction
    why: str
    version: int
    unit: UnitBodyModel | None
    contact: ContactBodyModel | None
    """One of the two; both null: it was taken out."""


class DirectoryHistoryModel(WholeListModel):
    """Steps, the newest first."""

    items: list[DirectoryStepModel]


class NamedUnitModel(AnswerModel):
    """A unit by its name."""

    id: str
    name: LabelModel


class CandidateModel(AnswerModel):
    """Somebody to call, and why it is this one."""

    unit: NamedUnitModel
    contact: str
    title: LabelModel
    person: str | None
    methods: list[ContactMethodModel]
    reason: CandidateReason
    place: str | None
    """The area or zone of the unit that the alert lies in; null: the unit acts everywhere."""
    place_name: LabelModel | None
    domain: str | None
    """Null: the unit is for every domain."""
    on_duty_until: Moment | None
    """Until when it is on duty by the roster; null: it is not."""
    next_level_of: NamedUnitModel | None
    """The nearer unit of which nobody can be called now."""
    outcome: CallOutcome | None
    """What came of its newest call about this alert; null: there was none."""
    called_at: Moment | None
    called_by: str | None


class EmergencyNumberModel(AnswerModel):
    """A number that everybody may call."""

    number: str
    label: LabelModel
    source: str
    verified: bool


class WhomToCallModel(AnswerModel):
    """Whom to call about an alert, at most three, in order."""

    items: list[CandidateModel]
    gap: ContactGap | None
    """Why there is nobody to call; null: there is somebody."""
    unstaffed: list[NamedUnitModel]
    """Units here that keep a roster and have nobody on duty now, the nearest three: their next level is called."""
    without_number: list[NamedUnitModel]
    """Units that serve the domain here and have no contact with a number, the nearest three."""
    without_number_count: int
    emergency_numbers: list[EmergencyNumberModel]
