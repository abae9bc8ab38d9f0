"""The registry at one version: everything a door asks of it, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ioc.domain.device import Device
from ioc.domain.people.account import KeyRecord
from ioc.domain.places.area import Area


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """Devices by id, valid keys by the SHA-256 of their secret, and the units that stand today."""

    version: int
    devices: Mapping[str, Device]
    keys: Mapping[bytes, KeyRecord]
    areas: Sequence[Area]
