"""A device: anything registered that sends readings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ioc.domain.feed import Label

DEVICE_CLASS = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
DEVICE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LOW_BATTERY_PCT = 20
"""Below it a device's battery counts as low: an operating value of ours, of no law."""
RESERVED_IDS = frozenset({"export", "imports", "template", "unknown"})
"""No device has such an id: the API has something else at its address."""


class DeviceState(StrEnum):
    """What the registry says of a device."""

    ACTIVE = "active"
    """It should be reporting."""
    MAINTENANCE = "maintenance"
    """Its silence is expected."""
    RETIRED = "retired"
    """It may not report any more; its history stays."""


class DeviceImportState(StrEnum):
    """What became of an import of devices."""

    APPLIED = "applied"
    """What it brought stands in the registry."""
    UNDONE = "undone"
    """It was taken back; what was before stands again."""


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
    device_class: str | None = None
    """What limits by class go by, such as `special-area` of a noise meter at a hospital."""
    version: int = 1
