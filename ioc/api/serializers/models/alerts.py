"""Alerts, every move of one, silences and what one would hide."""

from typing import Literal

from pydantic import Field

from ioc.api.serializers.models.base import AnswerModel, GoneModel, LabelModel, Moment, PageModel, WholeListModel
from ioc.api.serializers.models.contacts import HoursModel
from ioc.domain.alert import Condition, TransitionKind
from ioc.domain.contacts.call import CallOutcome
from ioc.domain.people.capabilities import Role
from ioc.domain.severity import Severity
from ioc.domain.silences.silence import SilenceState
from ioc.performance.targets import FigureName, TargetVerdict
from ioc.rules.state.alert_state import Trend
from ioc.work.transitions import WorkAction, WorkState


class MeasuredValueModel(AnswerModel):
    """An alert's main measure at one reading."""

    value: bool | float | None
    """A boolean for a yes or no; null where the rule's kind has no number."""
    unit: str
    time: Moment
    position: int
    """Orders two of them."""
    text: LabelModel
    label: LabelModel | None = None
    """Of a peak, which way it is one: highest, lowest, strongest."""


class AlertMaintenanceModel(AnswerModel):
    """The device of an open alert is in maintenance: it may be silent, and somebody may be working on it."""

    window: str | None
    """The window that runs; null: a person put it there, without an end."""
    until: Moment | None
    reason: str | None
    """Null too where a wall display must not know."""


class AlertIncidentModel(AnswerModel):
    """The incident that an alert belongs to."""

    id: str
    number: str
    title: LabelModel


class AlertSilenceModel(AnswerModel):
    """An open alert is silenced: it makes no sound and is not in the default list."""

    id: str
    """The silence; of several the one that lasts longest."""
    until: Moment
    owner: str | None
    """Null, as the reason is, where a wall display must not know."""
    reason: str | None


class AlertModel(AnswerModel):
    """An alert: the condition that the engine keeps, and the work of people on it."""

    id: str
    number: str
    """To say aloud."""
    rule: str
    rule_version: int
    key: str
    """What of the rule it is about: a device, an area, a zone; empty where a wall display must not know."""
    condition: Condition
    ends: Literal["condition", "person"]
    """`person`: only people end it, with the outcome in words."""
    overdue_at: Moment | None
    """Until when somebody should have dealt with what a person reported."""
    state: WorkState
    severity: Severity
    peak_severity: Severity
    title: LabelModel
    summary: LabelModel
    """One line: title, place, now, peak; it changes with every reading."""
    opening: LabelModel
    """The sentence it opened with."""
    now: MeasuredValueModel | None
    peak: MeasuredValueModel | None
    trend: Trend | None
    domain: str
    feed: str
    device: str | None
    device_name: LabelModel | None
    maintenance: AlertMaintenanceModel | None
    """Null: its device is not in maintenance, or the alert is not open."""
    silence: AlertSilenceModel | None
    """Null: it is heard, or the alert is not open. It is evaluated, kept and told here all the same."""
    area: str | None
    area_name: LabelModel | None
    zone: str | None
    lat: float | None
    lon: float | None
    opened_at: Moment
    changed_at: Moment
    cleared_at: Moment | None
    flap_count: int
    retrospective: bool
    restricted: bool
    reason: str
    """Why its condition moved last, in the engine's word; often empty."""
    owner: str | None
    """Who has it; while it is `new`, to whom it is handed and who has yet to take it."""
    assigned_at: Moment | None
    assigned_by: str | None
    acknowledged_at: Moment | None
    acknowledged_by: str | None
    resolved_at: Moment | None
    resolved_by: str | None
    called_at: Moment | None
    called_by: str | None
    dispatched_at: Moment | None
    dispatched_by: str | None
    false_alarm_at: Moment | None
    false_alarm_by: str | None
    shelved_at: Moment | None
    shelved_by: str | None
    shelved_until: Moment | None
    """When it comes back by itself."""
    started_at: Moment | None
    started_by: str | None
    closed_at: Moment | None
    closed_by: str | None
    comments: int
    transitions: int
    incident: AlertIncidentModel | None
    """Null: it stands alone."""
    version: int


class ChangedAlertModel(AlertModel):
    """An alert that has changed."""

    change_position: int


class BulkOutcomeModel(AnswerModel):
    """What came of one alert of many."""

    id: str
    """As the request named it."""
    outcome: Literal["done", "lost", "refused"]
    """`lost`: somebody, or the condition, was first."""
    alert: AlertModel | None
    """After it; of one that was lost as it is now. Null where it was refused."""
    code: str | None
    """Why not, as the problem of its own route would say it."""
    detail: str | None


class BulkWorkModel(AnswerModel):
    """What came of each alert, in the order of the request."""

    items: list[BulkOutcomeModel]


class AlertPageModel(PageModel):
    """Alerts."""

    items: list[AlertModel]


class AlertChangesModel(PageModel):
    """Alerts that have changed after a position, oldest change first."""

    items: list[ChangedAlertModel | GoneModel]


class CallModel(AnswerModel):
    """A call of a contact of the directory, and what came of it."""

    unit: str
    contact: str
    outcome: CallOutcome


class AlertStepModel(AnswerModel):
    """One move of an alert: the engine's, or a person's."""

    number: int
    at: Moment
    kind: TransitionKind | WorkAction
    actor: str | None
    """Who did it; null: the engine, or of an `unshelve` nobody: it came back by itself."""
    severity: Severity | None
    summary: LabelModel | None
    reason: str
    text: str | None
    position: int | None
    assignee: str | None
    """Of an `assign` to whom."""
    until: Moment | None
    """Of a `shelve` when it comes back by itself."""
    call: CallModel | None
    """Of a `call` whether somebody of the directory was called; null: its words alone say who."""


class AssigneeModel(AnswerModel):
    """Somebody who may handle an alert."""

    username: str
    name: str
    role: Role
    area: str | None
    """What the account is bound to: a unit, a zone or a former district; null: every area."""


class AssigneeListModel(WholeListModel):
    """Who may handle an alert, by user name."""

    items: list[AssigneeModel]


class AlertHistoryModel(PageModel):
    """Moves of an alert."""

    items: list[AlertStepModel]
    total: int
    """How many there are of the kinds asked for."""


class SilenceMatchModel(AnswerModel):
    """Which alerts: what is named must fit, an empty list fits all."""

    rule: list[str]
    domain: list[str]
    area: list[str]
    """Codes of today's areas, and zones."""
    device: list[str]
    severity_max: Severity
    """What is graver is never silenced."""


class SilenceModel(AnswerModel):
    """Alerts that make no sound and leave the default list for a while."""

    id: str
    match: SilenceMatchModel
    devices_beyond: int
    """Devices that it names outside the reader's areas."""
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to")
    """When it is over for good."""
    active: HoursModel | None
    """Its periods within that time; null: all of it."""
    reason: str
    owner: str
    """Who made it, and is warned before it is over."""
    state: SilenceState
    next_at: Moment | None
    """When it begins next; null while it runs and once it is over."""
    running_until: Moment | None
    """Null: it does not run now."""
    hides: int
    """Open alerts of the reader's areas that are under it now."""
    created_at: Moment
    changed_at: Moment
    changed_by: str
    version: int


class SilenceListModel(WholeListModel):
    """Silences, those that end last first."""

    items: list[SilenceModel]


class PreviewedAlertModel(AnswerModel):
    """An open alert that would be hidden."""

    id: str
    number: str
    severity: Severity
    title: LabelModel
    area_name: LabelModel | None
    opened_at: Moment


class SilencePreviewModel(AnswerModel):
    """What a silence would hide."""

    open: int
    """Open alerts that it would hide now."""
    items: list[PreviewedAlertModel]
    """The gravest of them, at most twenty."""
    graver: int
    """Open alerts that it names and leaves alone: they are graver than it silences."""
    opened_7d: dict[Severity, int]
    """Alerts of the last seven days that it would have hidden, open or over by now."""


class TimesModel(AnswerModel):
    """How long something took, in seconds; null: it was never done."""

    count: int
    mean_seconds: float | None
    median_seconds: float | None
    p95_seconds: float | None


class HandlingModel(AnswerModel):
    """How alerts were handled, and how noisy they were."""

    alerts: int
    announcements: int
    """How often they opened, rose or returned."""
    retrospective: int
    """Of the alerts, those opened from a backlog: none of the times counts them."""
    received: TimesModel
    """From when the room could see an alert until somebody had it (MTTA is the mean)."""
    handled: TimesModel
    """Until people said what came of it (MTTR is the mean)."""
    waiting: int
    """Fire, and nobody has received them."""
    returned_unreceived: int
    """Were over before anybody had received them."""
    false_alarms: int
    false_share: float | None
    """Of those that people ended."""
    returned: int
    """Announced more than once."""
    chattering: int
    """Announced three times within ten minutes."""
    fleeting: int
    """Over within a minute, before anybody had received them."""
    stale: int
    """Fired for more than a day."""


class PerformanceGroupModel(HandlingModel):
    """The alerts of one rule, domain, area or severity."""

    id: str | None
    """Null: of no area."""
    label: LabelModel | None
    """The newest title of a rule, the name of an area."""


class PerformanceFigureModel(AnswerModel):
    """One figure beside what the standards ask."""

    name: FigureName
    value: float | None
    target: float
    """At most this is good."""
    manageable: float
    """At most this a room can manage."""
    verdict: TargetVerdict


class PerformanceModel(AnswerModel):
    """How well alerts were handled in a span of time, and how noisy they were."""

    since: Moment
    until: Moment
    alerts_max: int
    truncated: bool
    """There were more alerts than are counted: the newest are."""
    source: str
    """Of the targets."""
    verified: bool
    """Whether the targets were read in the text of the standards."""
    handling: HandlingModel
    figures: list[PerformanceFigureModel]
    most_at: Moment | None
    """When the ten minutes with the most announcements began."""
    severity_shares: dict[Severity, float]
    hours: list[int]
    """Announcements in each hour, oldest first."""
    items: list[PerformanceGroupModel]
    """The groups asked for, those with the most announcements first; at most 500."""
