"""Devices, their keys, imports of them, messages to them, their maintenance, and what the doors refused."""

from typing import Literal

from typing_extensions import TypeAliasType

from ioc.api.serializers.models.base import AnswerModel, Day, GoneModel, LabelModel, Moment, PageModel, WholeListModel
from ioc.api.serializers.models.indicators import CellFaultModel, PreviewColumnModel
from ioc.domain.device import DeviceImportState, DeviceState
from ioc.domain.maintenance.window import MaintenanceState, Repeat
from ioc.domain.messaging.outbound import OutboundOutcome
from ioc.domain.messaging.presence import Presence, PresenceReason
from ioc.domain.people.account import KeyKind
from ioc.sheets.table import RowOutcome

DeviceStatus = TypeAliasType("DeviceStatus", Literal["online", "silent", "never", "maintenance", "retired"])


class MainValueModel(AnswerModel):
    """The newest value of the feed's main field."""

    field: str
    value: bool | float | str
    unit: str
    at: Moment


class PresenceModel(AnswerModel):
    """Whether a device is connected to an MQTT door, since when and why."""

    state: Presence
    since: Moment
    reason: PresenceReason


class DeviceMaintenanceModel(AnswerModel):
    """The maintenance window that a device is in."""

    window: str
    until: Moment
    reason: str


class DeviceNumberModel(AnswerModel):
    """A number that a device told of itself."""

    value: float
    unit: str
    at: Moment


class DeviceTextModel(AnswerModel):
    """A text that a device told of itself."""

    value: str
    unit: str
    at: Moment


class DeviceHealthModel(AnswerModel):
    """How a device itself is, as it told last; null: it did not tell."""

    battery: DeviceNumberModel | None
    signal: DeviceNumberModel | None
    firmware: DeviceTextModel | None
    """Null too where a wall display must not know."""


class DeviceModel(AnswerModel):
    """A registered device with what it last said."""

    id: str
    feed: str
    name: LabelModel
    area: str | None
    area_name: LabelModel | None
    zone: str | None
    lat: float | None
    lon: float | None
    parent: str | None
    """The gateway or switch whose fall silences it."""
    owner: str | None
    """The unit that looks after it."""
    place: str | None
    critical: bool
    """Whether its silence is an alert."""
    gateway: bool
    """Whether it may publish for the devices whose parent it is."""
    device_class: str | None
    """What limits by class go by."""
    state: DeviceState
    expected_period_seconds: int
    registered_at: Moment
    version: int
    status: DeviceStatus
    last_seen: Moment | None
    last_effective: Moment | None
    lag_seconds: float | None
    events: int
    main: MainValueModel | None
    presence: PresenceModel | None
    """Null: it was never connected over MQTT."""
    maintenance: DeviceMaintenanceModel | None
    """Null: no window runs for it."""
    health: DeviceHealthModel | None
    """Null: nothing of it was told."""


class ChangedDeviceModel(DeviceModel):
    """A device that has changed."""

    change_position: int


class DevicePageModel(PageModel):
    """Devices by id."""

    items: list[DeviceModel]


class DeviceChangesModel(PageModel):
    """Devices that have changed after a position, oldest change first."""

    items: list[ChangedDeviceModel | GoneModel]


class KeyModel(AnswerModel):
    """A key, without its secret: nobody has it any more."""

    id: str
    kind: KeyKind
    name: str
    device: str | None
    feed: str | None
    area: str | None
    created_at: Moment
    created_by: str | None
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class KeyListModel(WholeListModel):
    """Keys, newest first."""

    items: list[KeyModel]


class IssuedDeviceKeyModel(AnswerModel):
    """A device's new key: its secret is shown this once."""

    id: str
    key: str


class RotatedDeviceKeyModel(IssuedDeviceKeyModel):
    """A device's new key, and until when the old one goes on."""

    old: str
    old_until: Moment


class IssuedKeyModel(IssuedDeviceKeyModel):
    """A new key: its secret is shown this once."""

    kind: KeyKind
    name: str


class QueuedMessageModel(AnswerModel):
    """A message that is stored and will be sent."""

    number: int
    device: str
    session: str
    """Whose session it goes to: the device's own or its gateway's."""
    topic: str


class DeviceMessageModel(AnswerModel):
    """A message to a device."""

    number: int
    device: str
    """Whose session it goes to."""
    meant_for: str
    topic: str
    payload: str
    qos: int
    created_at: Moment
    created_by: str | None
    expires_at: Moment | None
    outcome: OutboundOutcome | None
    """Null: it waits for its device."""
    closed_at: Moment | None


class DeviceMessageListModel(WholeListModel):
    """Messages to a device, newest first."""

    items: list[DeviceMessageModel]


class DeadLetterModel(AnswerModel):
    """What a door refused."""

    id: int
    log_time: Moment
    door: str
    feed: str | None
    device: str | None
    topic: str | None
    content_type: str | None
    reason: str
    detail: str
    raw_bytes: int
    """Its length as it came; what is kept of it may be less."""
    raw_text: str | None
    """Null where it is no UTF-8."""
    raw_base64: str
    released_at: Moment | None
    released_by: str | None


class DeadLetterPageModel(PageModel):
    """Dead letters, newest first."""

    items: list[DeadLetterModel]


class DevicePreviewRowModel(AnswerModel):
    """One row as it stands in the sheet, and what would become of it."""

    row: int
    device: str | None
    outcome: RowOutcome
    cells: dict[str, str]
    """What is in its cells, by column."""
    changed: list[str]
    """The columns that would change."""
    before: dict[str, str]
    """What those columns have now; one without a value is not there."""


class DeviceImportPreviewModel(AnswerModel):
    """What an import would change, and every fault of it; nothing was stored."""

    rows: int
    new_count: int
    changed_count: int
    unchanged_count: int
    fault_count: int
    faults: list[CellFaultModel]
    """The first 1,000."""
    columns: list[PreviewColumnModel]
    items: list[DevicePreviewRowModel]
    """At most 500 rows: those with faults first, then those that change something."""


class DeviceImportModel(AnswerModel):
    """A sheet of devices that was imported, and whether it was undone."""

    id: str
    number: int
    state: DeviceImportState
    version: int
    file_name: str | None
    new_count: int
    changed_count: int
    unchanged_count: int
    sent_by: str
    sent_at: Moment
    undone_by: str | None
    undone_at: Moment | None
    reason: str | None


class DeviceImportListModel(WholeListModel):
    """Imports of devices, the last one first."""

    items: list[DeviceImportModel]


class ImportedDeviceModel(AnswerModel):
    """A device of an import."""

    id: str
    new: bool
    columns: list[str]
    """What the import changed of it; empty of a new one."""


class OneDeviceImportModel(DeviceImportModel):
    """An import with its devices."""

    devices: list[ImportedDeviceModel]


class NewDeviceKeyModel(AnswerModel):
    """The key of a new device."""

    device: str
    key: str


class SentDeviceImportModel(OneDeviceImportModel):
    """An import as its sender gets it."""

    keys: list[NewDeviceKeyModel]
    """Those of new devices, where they were asked for: shown here and never again."""


class ConnectRefusalModel(AnswerModel):
    """Refused CONNECTs of one user name from one address for one reason."""

    username: str
    """As the client wrote it; empty: none, or one of too many of its address."""
    device: str | None
    """The registered device of this id; null: nobody has registered it."""
    device_name: LabelModel | None
    address: str
    reason: str
    """`bad_user_name_or_password`, `not_authorized`, `forbidden_will_topic`, ...: as in the log and the metrics."""
    detail: str | None
    """What it was told in words, if more than the reason."""
    count: int
    first_at: Moment
    last_at: Moment
    connected_since: Moment | None
    """Since when the device is connected after all; null: it is not."""


class ConnectRefusalPageModel(WholeListModel):
    """Refused MQTT connections, the last one first."""

    items: list[ConnectRefusalModel]


class MaintenanceWindowModel(AnswerModel):
    """From when to when a device may be silent."""

    id: str
    device: str
    device_name: LabelModel
    with_children: bool
    """Whether what is below the device is in maintenance too."""
    starts_at: Moment
    """Its first time."""
    ends_at: Moment
    repeat: Repeat
    repeat_until: Day | None
    """The last day on which it begins; null: it does not repeat."""
    reason: str
    state: MaintenanceState
    next_at: Moment | None
    """When it begins next; null while it runs and once it is over."""
    running_until: Moment | None
    """Null: it does not run now."""
    created_by: str
    created_at: Moment
    version: int


class MaintenanceWindowListModel(WholeListModel):
    """Maintenance windows, the newest start first."""

    items: list[MaintenanceWindowModel]
