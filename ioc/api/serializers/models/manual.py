"""What people entered by hand, and what became of it."""

from ioc.api.serializers.models.base import AnswerModel, Moment, PageModel, Values, WholeListModel
from ioc.api.serializers.models.events import MediumModel
from ioc.domain.event import Flag
from ioc.domain.manual_entry import ManualAction


class ManualEntryModel(AnswerModel):
    """One revision of an entry, and who entered it first."""

    event: str
    """The event's key."""
    revision: int
    position: int
    action: ManualAction
    """What this revision is."""
    actor: str
    """Who made this revision."""
    reason: str | None
    log_time: Moment
    entered_by: str
    entered_at: Moment
    feed: str
    device: str | None
    """Null: it is of no device."""
    time: Moment
    """When it was so, as the person says."""
    data: Values
    """Its values; of one that was taken back there are none."""
    withheld: list[str]
    media: list[MediumModel]
    """Pictures and papers of the entry, whichever revision they came with; none once it is taken back."""
    flags: list[Flag]
    area: str | None
    zone: str | None
    lat: float | None
    lon: float | None


class ManualPageModel(PageModel):
    """Entries by their newest revision, the last entered first."""

    items: list[ManualEntryModel]


class ManualHistoryModel(WholeListModel):
    """The revisions of an entry, oldest first."""

    items: list[ManualEntryModel]
