"""The roster: which devices to play and their keys, read from the file that the supervisor writes (README.md)."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEVICES_MAX = 5_000
EARTH_RADIUS_KM = 6_371.0


class RosterError(Exception):
    """The devices file cannot be read or does not have the shape that README.md defines."""


@dataclass(frozen=True, slots=True)
class Device:
    """One device to play: its id, feed, key and place (degrees, WGS 84)."""

    id: str
    feed: str
    key: str = field(repr=False)
    lat: float
    lon: float

    def distance_km(self, lat: float, lon: float) -> float:
        """Return the distance to a point; the flat-earth formula is exact enough within a province."""
        north = math.radians(lat - self.lat)
        east = math.radians(lon - self.lon) * math.cos(math.radians((lat + self.lat) / 2))
        return EARTH_RADIUS_KM * math.hypot(north, east)


@dataclass(frozen=True, slots=True)
class Roster:
    """All devices of a run, the feed keys that the HTTP side may use, and how feeds without a module are played."""

    devices: tuple[Device, ...]
    feed_keys: dict[str, str] = field(default_factory=dict, repr=False)
    plays: dict[str, dict[str, Any]] = field(default_factory=dict)

    def sources(self) -> list[Device]:
        """Return who speaks for the feeds that are played and have a key, but no device."""
        spoken = {device.feed for device in self.devices}
        return [
            Device(id=str(play.get("source") or feed.replace("_", "-")), feed=feed, key="", lat=0.0, lon=0.0)
            for feed, play in sorted(self.plays.items())
            if feed not in spoken and feed in self.feed_keys
        ]


def _device(item: object, *, where: str) -> Device:
    """Read one device.

    Raises:
        RosterError: a member is missing or has the wrong type.
    """
    if not isinstance(item, dict):
        raise RosterError(f"{where}: not an object")
    for name in ("id", "feed", "key"):
        if not isinstance(item.get(name), str) or not item[name]:
            raise RosterError(f"{where}: {name!r} is missing or no text")
    for name in ("lat", "lon"):
        value = item.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise RosterError(f"{where}: {name!r} is missing or no number")
    return Device(id=item["id"], feed=item["feed"], key=item["key"], lat=float(item["lat"]), lon=float(item["lon"]))


def read_roster(path: Path) -> Roster:
    """Read the devices file (schema in README.md); unknown members are left alone.

    Raises:
        RosterError: the file cannot be read, is no JSON or has another shape.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RosterError(f"{path}: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("devices"), list):
        raise RosterError(f"{path}: expected an object with a list 'devices'")
    items = document["devices"]
    if len(items) > DEVICES_MAX:
        raise RosterError(f"{path}: {len(items)} devices, at most {DEVICES_MAX}")
    devices = tuple(_device(item, where=f"{path}: devices[{index}]") for index, item in enumerate(items))
    if len({device.id for device in devices}) != len(devices):
        raise RosterError(f"{path}: a device id occurs twice")
    keys = document.get("feed_keys", {})
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise RosterError(f"{path}: 'feed_keys' must map feeds to keys")
    plays = document.get("plays", {})
    if not isinstance(plays, dict) or not all(
        isinstance(play, dict) and isinstance(play.get("fields"), dict) for play in plays.values()
    ):
        raise RosterError(f"{path}: 'plays' must map feeds to objects with 'fields'")
    return Roster(devices=devices, feed_keys=dict(keys), plays=plays)
