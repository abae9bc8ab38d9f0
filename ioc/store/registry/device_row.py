"""The row of a device: its columns are the fields of :class:`Device`, and two for its name in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ioc.domain.device import Device, DeviceState
from ioc.domain.feed import Label
from ioc.domain.plain_name import plain_name, required_name
from ioc.store.postgres.statement import columns_of, insert, named, values_of

OWN = tuple(name for name in columns_of(Device) if name != "name")
COLUMNS = (*OWN, "name_vi", "name_en")
PATCHED = frozenset(COLUMNS) - {"id", "feed", "registered_at", "extra", "version"}
"""What people change of a device."""
OF_PACK = (
    "feed", "name_vi", "name_en", "area", "zone", "lat", "lon", "parent", "owner", "place", "expected_period_seconds",
    "critical", "gateway", "device_class",
)  # fmt: skip
"""What a pack says of a device; the rest is the site's."""
CREATE = insert("device", (*COLUMNS, "updated_at", "origin"))
PUT_OF_PACK = named(f"""
INSERT INTO device (id, {", ".join(OF_PACK)}, registered_at, updated_at, origin)
VALUES (:id, {", ".join(f":{name}" for name in OF_PACK)}, :now, :now, 'pack')
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in OF_PACK)},
  updated_at = excluded.updated_at, version = device.version + 1,
  state = CASE WHEN device.state = 'retired' THEN 'active' ELSE device.state END
WHERE device.origin = 'pack'
""")  # noqa: S608 - own names


def device_of(row: Mapping[str, Any]) -> Device:
    """Return the device of a row of table `device`."""
    found = {name: row[name] for name in OWN}
    name = Label(row["name_vi"], row["name_en"])
    return Device(**{**found, "name": name, "state": DeviceState(row["state"])})


def register(device: Device, now: datetime) -> tuple[Any, ...]:
    """Return the statement that registers a new device of the site, with its values."""
    values = {**values_of(device), "state": str(device.state), "extra": dict(device.extra), "version": 1}
    values["place"] = None if device.place is None else plain_name(device.place)
    name = values.pop("name")
    values["name_vi"], values["name_en"] = required_name(name.vi), required_name(name.en)
    values["registered_at"] = now
    return CREATE(**values, updated_at=now, origin="site")


def patch(device: str, values: Mapping[str, Any], now: datetime) -> tuple[Any, ...]:
    """Return the statement that changes some columns of a device; edited by people, it is the site's from now on."""
    assert set(values) <= PATCHED, values
    sets = "".join(f", {name} = :{name}" for name in sorted(values))
    if "state" in values:
        sets += ", maintenance_window = NULL"  # from now on its state is what somebody said, whatever window runs
    statement = named(
        f"UPDATE device SET version = version + 1, updated_at = :now, origin = 'site'{sets} "  # noqa: S608 - names are checked
        "WHERE id = :device RETURNING *"
    )
    return statement(**values, device=device, now=now)


def put_of_pack(body: Mapping[str, Any], now: datetime) -> tuple[Any, ...]:
    """Return the statement that writes a device as a pack has it, unless the site has made it its own."""
    values = {**body, "name_vi": body["name"]["vi"], "name_en": body["name"]["en"]}
    return PUT_OF_PACK(id=body["id"], now=now, **{name: values.get(name) for name in OF_PACK})
