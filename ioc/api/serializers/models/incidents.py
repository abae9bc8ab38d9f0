"""Incidents: the alerts of one situation, as far as the reader sees them."""

from typing import Literal

from ioc.api.serializers.models.alerts import AlertStepModel
from ioc.api.serializers.models.base import AnswerModel, GoneModel, LabelModel, Moment, PageModel
from ioc.domain.severity import Severity


class IncidentModel(AnswerModel):
    """An incident. Ids, counts, severity and headline are those of the alerts that the reader may see."""

    id: str
    number: str
    """To say aloud."""
    family: str
    """Of the pack's `incidents.yaml`."""
    title: LabelModel
    headline: LabelModel
    """Its worst alert in one line, and how many there are."""
    severity: Severity
    """Of the worst that is open; of a closed one the highest that its worst reached."""
    state: Literal["open", "closed"]
    """`open` while one of its alerts is."""
    areas: list[str]
    zones: list[str]
    opened_at: Moment
    changed_at: Moment
    worst: str
    """The id of its worst alert."""
    alerts: list[str]
    """Ids, the newest first, at most 100; `/alerts?incident=` lists all."""
    alert_count: int
    open_count: int
    device_count: int
    """Devices of the open alerts; of a closed one of all."""
    taken: bool
    """Whether somebody has every open alert of it."""
    version: int


class ChangedIncidentModel(IncidentModel):
    """An incident that has changed."""

    change_position: int


class IncidentPageModel(PageModel):
    """Incidents."""

    items: list[IncidentModel]


class IncidentChangesModel(PageModel):
    """Incidents that have changed after a position, oldest change first."""

    items: list[ChangedIncidentModel | GoneModel]


class IncidentStepModel(AlertStepModel):
    """One move of one of its alerts."""

    alert: str
    alert_number: str
    title: LabelModel


class IncidentHistoryModel(PageModel):
    """Moves of an incident's alerts, the newest first."""

    items: list[IncidentStepModel]
