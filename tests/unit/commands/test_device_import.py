"""What the command line does with keys of devices, new and old, and with gateways."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ioc.commands.device_import import KeysFile
from ioc.commands.device_tools import gateway_changes, old_until
from ioc.domain.device import Device
from ioc.domain.feed import Label
from ioc.errors import InvalidInputError
from ioc.registration.plan import DeviceChange

NOW = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
KNOWN = Device(
    "rain-1", "rainfall", Label("Trạm 1", "Station 1"), NOW, area="04795", zone="hoa-binh", lat=20.8, lon=105.3,
    owner="kttv", version=4,
)  # fmt: skip


def test_the_keys_file_is_new_private_and_gone_where_no_key_was_made(tmp_path: Path):
    path = tmp_path / "keys.json"
    with pytest.raises(ZeroDivisionError), KeysFile(path):
        raise ZeroDivisionError
    assert not path.exists()
    with KeysFile(path) as kept:
        kept.write({"rain-2": "secret"})
    assert (path.stat().st_mode & 0o777, path.read_text()) == (0o600, '{\n "rain-2": "secret"\n}\n')
    with pytest.raises(InvalidInputError), KeysFile(path):
        pass
    assert "secret" in path.read_text()


def test_an_old_key_ends_after_a_span_or_at_a_time_within_a_year():
    assert old_until("36h", NOW) == NOW + timedelta(hours=36)
    assert old_until("0m", NOW) == NOW
    assert old_until("2026-12-01T00:00:00+07:00", NOW) == datetime(2026, 11, 30, 17, tzinfo=UTC)
    for wrong in ("soon", "24", "2020-01-01T00:00:00Z", "400d", "-1h"):
        with pytest.raises(InvalidInputError):
            old_until(wrong, NOW)


def test_a_gateway_gets_and_loses_the_devices_it_speaks_for():
    gate = replace(KNOWN, id="gate-1", version=2)
    mine = replace(KNOWN, id="rain-2", parent="gate-1")
    devices = {device.id: device for device in (KNOWN, gate, mine)}
    changes = gateway_changes(devices, "gate-1", add=["rain-1", "rain-2"], remove=[], off=False)
    assert changes == [DeviceChange("rain-1", 4, {"parent": "gate-1"}), DeviceChange("gate-1", 2, {"gateway": True})]
    assert gateway_changes(devices, "gate-1", add=[], remove=["rain-2"], off=False) == [
        DeviceChange("rain-2", 4, {"parent": None})
    ]
    assert gateway_changes(devices, "gate-1", add=[], remove=[], off=False) == []
    wrong: tuple[dict[str, Any], ...] = (
        {"add": ["rain-9"]}, {"add": ["gate-1"]}, {"remove": ["rain-1"]}, {"add": ["rain-1"], "off": True},
    )  # fmt: skip
    for words in wrong:
        with pytest.raises(InvalidInputError):
            gateway_changes(devices, "gate-1", **{"add": [], "remove": [], "off": False, **words})
