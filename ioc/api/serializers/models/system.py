"""What an instance says of itself: whether it lives, what it is, what hinders it."""

from typing import Any, Literal

from pydantic import ConfigDict
from typing_extensions import TypeAliasType

from ioc.api.serializers.models.base import AnswerModel, LabelModel, Moment
from ioc.api.serializers.models.drills import DrillStateModel

ProcessKind = TypeAliasType("ProcessKind", Literal["rules", "rollup", "door", "bridge", "keeper", "api"])
"""Processes of the server by what they do."""
Trouble = TypeAliasType("Trouble", Literal["database", "disk", "durability", "duty"] | ProcessKind)
"""What hinders: the database does not commit, its volume is full, a power cut may lose what was acknowledged; nobody is
on duty of a unit that keeps a roster (in the stream's clock only, inside the reader's wall); or processes of a kind are
missed."""


class AliveModel(AnswerModel):
    """It lives."""

    status: Literal["ok"]


class ReadinessModel(AnswerModel):
    """Whether it is ready."""

    ready: bool
    durability: str
    """`full`, `unknown`, or `degraded: ` and why."""
    checks: dict[str, Literal["ok", "failing"]]
    trouble: dict[Trouble, str]
    """What hinders, and why."""


class BridgeModel(AnswerModel):
    """How the bridge stands to its broker."""

    broker: str | None
    connected: bool
    why: str


class StatusModel(AnswerModel):
    """What this instance is."""

    version: str
    demo: bool
    bridge: BridgeModel | None
    drill: DrillStateModel | None
    pack: str
    title: LabelModel
    timezone: str
    bbox: tuple[float, float, float, float]
    """West, south, east, north."""
    started_at: Moment
    time: Moment
    position: int
    trouble: dict[Trouble, str]


class DeviceCountsModel(AnswerModel):
    """How many devices there are inside the reader's wall."""

    online: int
    total: int


class ModeNowModel(AnswerModel):
    """The duty mode that holds, as the clock of the stream tells it."""

    mode: Literal["reinforced", "emergency"]
    level: int | None
    decision: str | None
    until: Moment | None


class ClockModel(AnswerModel):
    """The `clock` event of the stream, each second."""

    time: Moment
    position: int
    log_lag_seconds: float
    devices: DeviceCountsModel
    trouble: list[Trouble]
    stale: dict[ProcessKind, Moment]
    """Processes that are missed, by kind, and since when."""
    duty_mode: ModeNowModel | None
    """The duty mode that holds; null: the normal one."""
    roster_changed_at: Moment | None
    """When the duty roster was changed last; null: there is none."""


class ResetModel(AnswerModel):
    """The `reset` event of the stream: the lists must be loaded again."""

    position: int


class StreamGoneModel(AnswerModel):
    """An `alert` or `device` event of something that is gone, or has left the reader's area."""

    id: str
    gone: Literal[True]


class DescriptionModel(AnswerModel):
    """The OpenAPI document."""

    model_config = ConfigDict(extra="allow")
    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
