"""A drill opens nothing outward but what is declared a drill's, and every setting that reaches outside is guarded."""

from __future__ import annotations

from datetime import UTC, datetime

from ioc.assembly.context import roles_of
from ioc.assembly.drill_folder import DrillMark, open_folder
from ioc.assembly.egress_guard import OUTWARD, guard_settings
from ioc.settings import Settings

REAL = "mqtt://broker.example"
INWARD = {"database_url", "audit_anchor_url"}
"""Addresses of what belongs to the instance itself."""


def test_a_real_instance_opens_its_bridge_and_a_drill_only_a_declared_one(tmp_path):
    real = Settings(data_dir=tmp_path / "real", mqtt_bridge_url=REAL)
    assert "bridge" in roles_of(guard_settings(real))
    folder = tmp_path / "drill"
    open_folder(folder, DrillMark(datetime(2005, 9, 1, tzinfo=UTC)))
    drill = real.model_copy(update={"data_dir": folder})
    assert "bridge" in roles_of(drill), "unguarded it would be opened"
    assert "bridge" not in roles_of(guard_settings(drill))
    assert guard_settings(drill).mqtt_bridge_url is None
    declared = drill.model_copy(update={"mqtt_bridge_drill": True})
    assert guard_settings(declared).mqtt_bridge_url == REAL


def test_every_setting_that_reaches_outside_is_under_the_guard():
    addresses = {name for name in Settings.model_fields if name.endswith(("_url", "_urls", "_webhook", "_smtp"))}
    assert addresses == set(OUTWARD) | INWARD
    assert set(OUTWARD.values()) <= set(Settings.model_fields)
