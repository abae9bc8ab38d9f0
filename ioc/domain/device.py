"""A device: anything registered that sends readings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ioc.domain.feed import Label

DEVICE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


class DeviceState(StrEnum):
    """What the registry says of a device."""

    ACTIVE = "active"
    """It should be reporting."""
    MAINTENANCE = "maintenance"
    """Its silence is expected."""
    RETIRED = "retired"
    """It may not report any more; its history stays."""


@dataclass(frozen=True, slots=True)
class Device:
    """One registered device.

    ``parent`` is the gateway or switch whose fall silences it; ``owner`` the unit that looks after it;
    ``expected_period_seconds`` overrides the feed's; ``critical`` makes its silence an alert.
    """

    id: str
    feed: str
    name: Label
    registered_at: datetime
    area: str | None = None
    zone: str | None = None
    lat: float | None = None
    lon: float | None = None
    parent: str | None = None
    owner: str | None = None
    place: str | None = None
    expected_period_seconds: int | None = None
    critical: bool = False
    state: DeviceState = DeviceState.ACTIVE
    gateway: bool = False
    """It may publish for the devices whose parent it is."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
