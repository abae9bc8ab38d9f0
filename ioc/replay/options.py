"""What to replay and how: checked once, before the file is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ioc.errors import InvalidInputError

SPEED_MAX = 10_000_000.0
BATCH_EVENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """The options of `ioc replay`.

    ``columns`` are texts such as ``level_m=water_level_cm*0.01`` (see :mod:`ioc.replay.mapping`). ``speed`` is
    recorded seconds in a second of the wall; 0 means as fast as the door takes it. With ``history`` the recorded
    times are kept, nothing is paced and no rule evaluates it live. With ``shift`` the times move to now.
    ``give_up_seconds`` bounds how long the door may refuse or be away before the replay ends.
    """

    file: Path
    feed: str
    columns: tuple[str, ...]
    url: str
    key: str = field(repr=False)
    device: str | None = None
    time_column: str | None = None
    time_format: str | None = None
    speed: float = 60.0
    history: bool = False
    shift: bool = False
    batch_events: int = 500
    give_up_seconds: float = 60.0
    authority: Path | None = None
    """Who signed the certificate of an https address, where the system does not know it."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise InvalidInputError("name at least one column: --column FIELD=COLUMN", field="column")
        if not 0 <= self.speed <= SPEED_MAX:
            raise InvalidInputError(f"speed must be 0 to {SPEED_MAX:,.0f}", field="speed")
        if not 1 <= self.batch_events <= BATCH_EVENTS_MAX:
            raise InvalidInputError(f"a batch holds 1 to {BATCH_EVENTS_MAX} events", field="batch_events")

    @property
    def paced(self) -> bool:
        """Tell whether readings wait for their turn."""
        return self.speed > 0 and not self.history
