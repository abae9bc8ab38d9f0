"""Causes of dead letters, what a remedy would let in, what was let in, and the devices that nobody has registered."""

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment, Values, WholeListModel
from ioc.api.serializers.models.devices import DeviceModel
from ioc.domain.event import Flag


class LetterSampleModel(AnswerModel):
    """The newest letter of a cause, the beginning of its bytes as they came."""

    letter: int
    detail: str
    topic: str | None
    raw_bytes: int
    """Its length as it came."""
    raw_text: str | None
    """Null where it is no UTF-8."""
    raw_base64: str


class LetterGroupModel(AnswerModel):
    """Dead letters of one cause that nobody has let in."""

    feed: str | None
    reason: str
    field: str | None
    """The field that does not fit, where the reason speaks of one."""
    device: str | None
    """The source, where sources are told apart."""
    letters: int
    sources: int
    devices: list[str]
    """Five of its sources at most."""
    first_at: Moment
    last_at: Moment
    sample: LetterSampleModel


class LetterGroupListModel(WholeListModel):
    """Causes, the largest first."""

    items: list[LetterGroupModel]
    letters: int
    """How many letters they are made of."""
    truncated: bool
    """Whether there are more causes or letters than these."""


class LeftModel(AnswerModel):
    """Letters that are still refused, and why."""

    reason: str
    field: str | None
    detail: str
    """Of the first of them."""
    letters: int


class TrialSampleModel(AnswerModel):
    """The first event that would stand, or stands."""

    feed: str
    device: str
    time: Moment | None
    data: Values
    flags: list[Flag]


class LetterTallyModel(AnswerModel):
    """What comes of letters that are read again."""

    tried: int
    passes: int
    """Letters that are let in."""
    events: int
    """Events that they hold: a letter may be a whole body."""
    duplicates: int
    """Letters whose events the log has already."""
    left: list[LeftModel]
    sample: TrialSampleModel | None


class LetterTrialModel(LetterTallyModel):
    """What would come of the letters of a cause."""

    total: int
    """How many there are."""
    truncated: bool


class ReleaseModel(AnswerModel):
    """One person's decision to let the dead letters of a cause in, and how far it is."""

    id: int
    created_at: Moment
    created_by: str
    why: str
    feed: str | None
    reason: str
    field: str | None
    device: str | None
    letter: int | None
    names: dict[str, str | None]
    """Members that were read under another name; null: left out."""
    total: int
    """How many letters there were when it began."""
    released: int
    events: int
    duplicates: int
    left: int
    """Letters that are still refused."""
    done: bool
    undone: int
    """Events that were taken back."""
    kept: int
    """Events that were not, because they were revised since."""
    undone_at: Moment | None
    undone_by: str | None
    undo_reason: str | None
    adopted: bool
    """Whether it registered its device, which was unknown."""
    device_removed: bool
    """Whether that device was taken back with it."""


class ReleaseStepModel(AnswerModel):
    """A release, and what this step did."""

    release: ReleaseModel
    step: LetterTallyModel


class ReleasePageModel(WholeListModel):
    """Releases, newest first."""

    items: list[ReleaseModel]


class UnknownSampleModel(LetterSampleModel):
    """One letter of an unknown device, the beginning of its bytes as they came."""

    received_at: Moment
    door: str


class StatedPlaceModel(AnswerModel):
    """Where a device says that it is, in the newest of its samples that says so."""

    lat: float
    lon: float
    area: str | None
    """The unit of today that holds the point; null: none does."""
    area_name: LabelModel | None


class IgnoredModel(AnswerModel):
    """Who ignores a device, since when and why."""

    at: Moment
    by: str
    reason: str


class UnknownDeviceModel(AnswerModel):
    """A device that nobody has registered, by what it sent for one feed."""

    device: str
    feed: str
    letters: int
    """Dead letters of it that are kept."""
    first_at: Moment
    last_at: Moment
    place: StatedPlaceModel | None
    samples: list[UnknownSampleModel]
    """Its three newest letters."""
    ignored: IgnoredModel | None


class UnknownDevicePageModel(WholeListModel):
    """Unknown devices, who sent last first."""

    items: list[UnknownDeviceModel]
    devices: int
    """How many there are on all pages."""
    letters: int
    """How many letters they are made of."""
    truncated: bool
    """Whether older letters were not looked at."""


class AdoptionModel(ReleaseStepModel):
    """The device that was registered, the release of what it had sent, and what its first step let in."""

    device: DeviceModel
